-- +goose Up
-- People, their sessions and their invitations, and the functions that tell who is asking.

CREATE SCHEMA auth;
GRANT USAGE ON SCHEMA auth TO authenticated, autocrm_auth, autocrm_worker;
GRANT USAGE ON SCHEMA public TO authenticated, autocrm_auth, autocrm_worker;

-- +goose StatementBegin
-- Claims of the request, or NULL. A custom setting that was once set reads as '' on a reused connection.
CREATE FUNCTION auth.jwt() RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION auth.uid() RETURNS uuid
LANGUAGE sql STABLE AS $$
  SELECT nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')::uuid
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION auth.user_role() RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'user_role'
$$;
-- +goose StatementEnd

CREATE TABLE public.users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email text NOT NULL CHECK (email = btrim(email) AND length(email) BETWEEN 3 AND 254),
  full_name text NOT NULL CHECK (length(full_name) BETWEEN 1 AND 120),
  user_role text NOT NULL CHECK (user_role IN ('client', 'agent', 'admin')),
  password_hash text,
  active boolean NOT NULL DEFAULT true,
  last_seen_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email_key ON public.users (lower(email));
CREATE INDEX users_user_role_idx ON public.users (user_role, active);

-- A browser's cookie or an API token; the row is the truth, the cookie only names it.
CREATE TABLE public.sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
  user_id uuid NOT NULL REFERENCES public.users ON DELETE CASCADE,
  portal text NOT NULL CHECK (portal IN ('client', 'agent', 'admin')),
  data jsonb NOT NULL DEFAULT '{}',
  user_agent text NOT NULL DEFAULT '',
  address text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  idle_expires_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX sessions_user_id_idx ON public.sessions (user_id);
CREATE INDEX sessions_expires_at_idx ON public.sessions (expires_at);

CREATE TABLE public.invitations (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email text NOT NULL CHECK (email = btrim(email) AND length(email) BETWEEN 3 AND 254),
  user_role text NOT NULL CHECK (user_role IN ('client', 'agent', 'admin')),
  token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
  created_by uuid REFERENCES public.users ON DELETE SET NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  accepted_at timestamptz,
  accepted_by uuid REFERENCES public.users ON DELETE SET NULL,
  revoked_at timestamptz
);
-- One open invitation an address; a lapsed one is renewed, not doubled.
CREATE UNIQUE INDEX invitations_open_email_key ON public.invitations (lower(email))
  WHERE accepted_at IS NULL AND revoked_at IS NULL;
CREATE INDEX invitations_created_at_idx ON public.invitations (created_at DESC, id);

-- Failed sign-ins a key (account, address); the key is hashed, so the table names nobody.
CREATE TABLE public.sign_in_failures (
  key bytea PRIMARY KEY,
  failures integer NOT NULL DEFAULT 0,
  last_at timestamptz NOT NULL DEFAULT now()
);

-- +goose StatementBegin
-- The claims of a person. Compatible with the hook of this name of hosted backends: takes
-- {"user_id": …, "claims": {…}}, returns the event with the claims changed. aud and role stay as they came.
CREATE FUNCTION public.custom_access_token_hook(event jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  -- A caller may send null where it has nothing, and null || object is an array.
  claims jsonb := CASE jsonb_typeof(event -> 'claims') WHEN 'object' THEN event -> 'claims' ELSE '{}' END;
  metadata jsonb := CASE jsonb_typeof(claims -> 'app_metadata') WHEN 'object' THEN claims -> 'app_metadata' ELSE '{}' END;
  person_role text;
BEGIN
  SELECT user_role INTO person_role FROM public.users WHERE id = (event ->> 'user_id')::uuid AND active;
  IF person_role IS NULL THEN
    claims := claims - 'user_role';
    claims := claims #- '{app_metadata,user_role}';
  ELSE
    claims := jsonb_set(claims, '{user_role}', to_jsonb(person_role));
    claims := jsonb_set(claims, '{app_metadata}', metadata || jsonb_build_object('user_role', person_role));
  END IF;
  RETURN jsonb_set(event, '{claims}', claims);
END
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION public.custom_access_token_hook FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.custom_access_token_hook TO autocrm_auth;

-- +goose StatementBegin
-- Whether this is one of the doctor's probes, who are there for a minute and count as nobody. Their ids are of a
-- kind that no other row has (RFC 9562, version 8).
CREATE FUNCTION auth.is_probe(id uuid) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT id BETWEEN '00000000-0000-8000-8000-000000000000' AND '00000000-0000-8fff-bfff-ffffffffffff'
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- What no policy can say, because a policy does not see the row before the change: only an admin changes
-- roles and activity, and the last active admin stays one. The lock makes two admins who try at once
-- take turns; counting under it sees what the first one committed.
CREATE FUNCTION auth.guard_users() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND auth.uid() IS NOT NULL AND auth.user_role() IS DISTINCT FROM 'admin'
     AND (NEW.user_role, NEW.active, NEW.email) IS DISTINCT FROM (OLD.user_role, OLD.active, OLD.email) THEN
    RAISE EXCEPTION 'only an admin changes roles, addresses and activity' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF OLD.user_role = 'admin' AND OLD.active AND NOT auth.is_probe(OLD.id)
     AND (TG_OP = 'DELETE' OR NEW.user_role <> 'admin' OR NOT NEW.active) THEN
    PERFORM pg_advisory_xact_lock(hashtext('autocrm.last_admin'));
    IF NOT EXISTS (SELECT FROM public.users
                   WHERE user_role = 'admin' AND active AND id <> OLD.id AND NOT auth.is_probe(id)) THEN
      RAISE EXCEPTION 'the last active admin stays one'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'users_last_admin';
    END IF;
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER users_guard BEFORE UPDATE OR DELETE ON public.users
  FOR EACH ROW EXECUTE FUNCTION auth.guard_users();

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.users FORCE ROW LEVEL SECURITY;
ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sessions FORCE ROW LEVEL SECURITY;
ALTER TABLE public.invitations ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.invitations FORCE ROW LEVEL SECURITY;
ALTER TABLE public.sign_in_failures ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.sign_in_failures FORCE ROW LEVEL SECURITY;

-- password_hash, token_hash and data are granted to autocrm_auth alone.
GRANT SELECT (id, email, full_name, user_role, active, last_seen_at, created_at),
      UPDATE (full_name, user_role, active) ON public.users TO authenticated;
GRANT SELECT (id, user_id, portal, user_agent, address, created_at, last_used_at, idle_expires_at, expires_at, revoked_at),
      UPDATE (revoked_at) ON public.sessions TO authenticated;
GRANT SELECT (id, email, user_role, created_by, created_at, expires_at, accepted_at, accepted_by, revoked_at),
      INSERT (email, user_role, token_hash, created_by, expires_at),
      UPDATE (token_hash, expires_at, revoked_at) ON public.invitations TO authenticated;
GRANT SELECT, INSERT, UPDATE ON public.users, public.sessions TO autocrm_auth;
GRANT SELECT, UPDATE ON public.invitations TO autocrm_auth;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.sign_in_failures TO autocrm_auth;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.users, public.sessions, public.invitations, public.sign_in_failures TO autocrm_worker;

-- The policies compare the role inside the sub-select: its answer is one boolean, which the planner takes for a
-- coin toss. Compared outside, it takes the condition for one that nearly no row passes, and sorts whole tables.
CREATE POLICY users_self ON public.users FOR SELECT TO authenticated USING (id = (SELECT auth.uid()));
CREATE POLICY users_staff_sees_all ON public.users FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY users_self_changes ON public.users FOR UPDATE TO authenticated
  USING (id = (SELECT auth.uid())) WITH CHECK (id = (SELECT auth.uid()));
CREATE POLICY users_admin_changes ON public.users FOR UPDATE TO authenticated
  USING ((SELECT auth.user_role() = 'admin')) WITH CHECK ((SELECT auth.user_role() = 'admin'));
CREATE POLICY users_auth ON public.users TO autocrm_auth USING (true) WITH CHECK (true);
CREATE POLICY users_worker ON public.users TO autocrm_worker USING (true) WITH CHECK (true);
CREATE POLICY users_owner_reads ON public.users FOR SELECT TO autocrm_owner USING (true);

CREATE POLICY sessions_own ON public.sessions FOR SELECT TO authenticated USING (user_id = (SELECT auth.uid()));
CREATE POLICY sessions_admin_sees ON public.sessions FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() = 'admin'));
CREATE POLICY sessions_own_changes ON public.sessions FOR UPDATE TO authenticated
  USING (user_id = (SELECT auth.uid())) WITH CHECK (user_id = (SELECT auth.uid()));
CREATE POLICY sessions_admin_changes ON public.sessions FOR UPDATE TO authenticated
  USING ((SELECT auth.user_role() = 'admin')) WITH CHECK ((SELECT auth.user_role() = 'admin'));
CREATE POLICY sessions_auth ON public.sessions TO autocrm_auth USING (true) WITH CHECK (true);
CREATE POLICY sessions_worker ON public.sessions TO autocrm_worker USING (true) WITH CHECK (true);

CREATE POLICY invitations_admin ON public.invitations TO authenticated
  USING ((SELECT auth.user_role() = 'admin')) WITH CHECK ((SELECT auth.user_role() = 'admin'));
CREATE POLICY invitations_auth ON public.invitations TO autocrm_auth USING (true) WITH CHECK (true);
CREATE POLICY invitations_worker ON public.invitations TO autocrm_worker USING (true) WITH CHECK (true);

CREATE POLICY sign_in_failures_auth ON public.sign_in_failures TO autocrm_auth USING (true) WITH CHECK (true);
CREATE POLICY sign_in_failures_worker ON public.sign_in_failures TO autocrm_worker USING (true) WITH CHECK (true);

-- +goose Down
DROP TABLE public.sign_in_failures, public.invitations, public.sessions, public.users CASCADE;
DROP FUNCTION public.custom_access_token_hook;
DROP SCHEMA auth CASCADE;
