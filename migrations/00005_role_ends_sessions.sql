-- +goose Up
-- +goose StatementBegin
-- A session never gains rights: one that was made at a portal while its person had no business there must not
-- open the portal once they get its role, nor one from before they lost the role and got it back. They sign in
-- again. Sessions at other portals stay, to tell their person where they belong now.
CREATE FUNCTION auth.end_sessions_before_role() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  UPDATE public.sessions SET revoked_at = clock_timestamp()
    WHERE user_id = NEW.id AND portal = NEW.user_role AND revoked_at IS NULL;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER users_role_ends_sessions AFTER UPDATE OF user_role ON public.users
  FOR EACH ROW WHEN (OLD.user_role <> NEW.user_role) EXECUTE FUNCTION auth.end_sessions_before_role();

-- +goose Down
DROP TRIGGER users_role_ends_sessions ON public.users;
DROP FUNCTION auth.end_sessions_before_role;
