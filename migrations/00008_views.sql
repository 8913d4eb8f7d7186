-- +goose Up
-- Views: lists of tickets that somebody keeps, for themselves or for all staff; and what their queries go by.

CREATE TABLE public.views (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  owner_id uuid NOT NULL REFERENCES public.users ON DELETE CASCADE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 60 AND name = btrim(name)),
  -- As an address has them. What the query means is found out when it is asked: a name in it may be gone by then.
  q text NOT NULL DEFAULT '' CHECK (length(q) <= 2000),
  sort text NOT NULL DEFAULT '' CHECK (length(sort) <= 20),
  columns text NOT NULL DEFAULT '' CHECK (length(columns) <= 200),
  density text NOT NULL DEFAULT '' CHECK (density IN ('', 'comfortable', 'compact')),
  shared boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX views_owner_idx ON public.views (owner_id);
CREATE INDEX views_shared_idx ON public.views (shared) WHERE shared;

-- +goose StatementBegin
-- A private view is its owner's business alone; one that was or becomes shared is everybody's.
CREATE FUNCTION live.record_view() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    PERFORM live.tell('views', TG_OP, NEW.id, 'views', CASE WHEN NOT (OLD.shared OR NEW.shared) THEN NEW.owner_id END);
  ELSE
    PERFORM live.tell('views', TG_OP, v.id, 'views', CASE WHEN NOT v.shared THEN v.owner_id END)
      FROM (SELECT (coalesce(NEW, OLD)).*) v;
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER views_event AFTER INSERT OR UPDATE OR DELETE ON public.views
  FOR EACH ROW EXECUTE FUNCTION live.record_view();

ALTER TABLE public.views ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.views FORCE ROW LEVEL SECURITY;

GRANT SELECT,
      INSERT (id, owner_id, name, q, sort, columns, density, shared),
      UPDATE (name, q, sort, columns, density, shared, updated_at),
      DELETE ON public.views TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.views TO autocrm_worker;

CREATE POLICY views_staff_sees ON public.views FOR SELECT TO authenticated
  USING ((owner_id = (SELECT auth.uid()) OR shared) AND (SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY views_staff_keeps ON public.views FOR INSERT TO authenticated
  WITH CHECK (owner_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY views_owner_changes ON public.views FOR UPDATE TO authenticated
  USING (owner_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')))
  WITH CHECK (owner_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY views_admin_changes ON public.views FOR UPDATE TO authenticated
  USING (shared AND (SELECT auth.user_role() = 'admin')) WITH CHECK (shared AND (SELECT auth.user_role() = 'admin'));
CREATE POLICY views_owner_deletes ON public.views FOR DELETE TO authenticated
  USING (owner_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY views_admin_deletes ON public.views FOR DELETE TO authenticated
  USING (shared AND (SELECT auth.user_role() = 'admin'));
CREATE POLICY views_worker ON public.views TO autocrm_worker USING (true) WITH CHECK (true);

-- ---- people by name

-- Bytewise, so that a range of the index is what begins so.
CREATE INDEX users_name_idx ON public.users (lower(full_name) COLLATE "C");
CREATE INDEX users_address_idx ON public.users (lower(email) COLLATE "C");

-- lower() is not leakproof: under row-level security a query on users would read all of them. These ask as the owner
-- and answer staff alone, who see every person anyway.

-- +goose StatementBegin
-- Whom each name means: the whole name or address, the first name, or the address up to its @.
CREATE FUNCTION tickets.people_called(names text[], most integer) RETURNS TABLE (name text, id uuid, staff boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  called text;
  lowered text;
BEGIN
  IF auth.user_role() IS NULL OR auth.user_role() NOT IN ('agent', 'admin') THEN
    RETURN;
  END IF;
  FOREACH called IN ARRAY names LOOP
    lowered := lower(called);
    RETURN QUERY
      SELECT called, u.id, u.user_role IN ('agent', 'admin')
      FROM (SELECT b.id, b.user_role FROM public.users b
            WHERE lower(b.full_name) COLLATE "C" = lowered
               OR lower(b.full_name) COLLATE "C" >= lowered || ' ' AND lower(b.full_name) COLLATE "C" < lowered || '!'
               OR lower(b.email) COLLATE "C" = lowered
               OR lower(b.email) COLLATE "C" >= lowered || '@' AND lower(b.email) COLLATE "C" < lowered || 'A'
            LIMIT most) u
      WHERE NOT auth.is_probe(u.id);
  END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION tickets.people_beginning(letters text, most integer) RETURNS TABLE (full_name text, email text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  lowered text := lower(letters);
  -- What comes right after everything that begins so.
  beyond text := lowered || U&'\+10FFFF';
BEGIN
  IF auth.user_role() IS NULL OR auth.user_role() NOT IN ('agent', 'admin') THEN
    RETURN;
  END IF;
  RETURN QUERY
    SELECT u.full_name, u.email FROM public.users u
    WHERE (lower(u.full_name) COLLATE "C" >= lowered AND lower(u.full_name) COLLATE "C" < beyond
        OR lower(u.email) COLLATE "C" >= lowered AND lower(u.email) COLLATE "C" < beyond)
      AND u.active AND NOT auth.is_probe(u.id)
    LIMIT most;
END
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION tickets.people_called, tickets.people_beginning FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tickets.people_called, tickets.people_beginning TO authenticated;

-- ---- orders of lists

-- What is not finished is a few in a hundred: lists of it are read in their order without the rest.
CREATE INDEX tickets_active_updated_idx ON public.tickets (updated_at, number)
  WHERE status IN ('new', 'open', 'pending', 'on_hold');
CREATE INDEX tickets_active_priority_idx ON public.tickets (priority_rank, number)
  WHERE status IN ('new', 'open', 'pending', 'on_hold');
CREATE INDEX tickets_status_updated_idx ON public.tickets (status, updated_at, number);

-- +goose Down
DROP INDEX public.tickets_active_updated_idx, public.tickets_active_priority_idx, public.tickets_status_updated_idx;
DROP INDEX public.users_name_idx, public.users_address_idx;
DROP FUNCTION tickets.people_called, tickets.people_beginning;
DROP TABLE public.views;
DROP FUNCTION live.record_view;
