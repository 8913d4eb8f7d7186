-- +goose Up
-- Tickets, their timeline and their files.

CREATE SEQUENCE public.ticket_numbers START 1001;

CREATE TABLE public.tickets (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  number bigint NOT NULL UNIQUE DEFAULT nextval('public.ticket_numbers'),
  client_id uuid NOT NULL REFERENCES public.users,
  agent_id uuid REFERENCES public.users,
  subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
  description text NOT NULL CHECK (length(description) BETWEEN 1 AND 50000),
  -- Text and CHECK, not enums: an enum comparison is not leakproof, so its index is lost under RLS.
  status text NOT NULL DEFAULT 'new'
    CHECK (status IN ('new', 'open', 'pending', 'on_hold', 'resolved', 'closed', 'cancelled')),
  priority text NOT NULL DEFAULT 'medium' CHECK (priority IN ('low', 'medium', 'high', 'urgent')),
  status_rank smallint NOT NULL GENERATED ALWAYS AS (CASE status
    WHEN 'new' THEN 1 WHEN 'open' THEN 2 WHEN 'pending' THEN 3 WHEN 'on_hold' THEN 4
    WHEN 'resolved' THEN 5 WHEN 'closed' THEN 6 ELSE 7 END) STORED,
  priority_rank smallint NOT NULL GENERATED ALWAYS AS (CASE priority
    WHEN 'urgent' THEN 1 WHEN 'high' THEN 2 WHEN 'medium' THEN 3 ELSE 4 END) STORED,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  -- The last change that the client may see: an internal note moves updated_at and not this.
  client_updated_at timestamptz NOT NULL DEFAULT now(),
  first_response_at timestamptz,
  resolved_at timestamptz,
  closed_at timestamptz,
  -- Two versions: seq counts every change, client_seq those the client may see, so that an internal note
  -- is not even a gap in a number.
  seq bigint NOT NULL DEFAULT 1,
  client_seq bigint NOT NULL DEFAULT 1
);
ALTER SEQUENCE public.ticket_numbers OWNED BY public.tickets.number;
-- One for each order of a list; the number ends each, as it does in ORDER BY.
CREATE INDEX tickets_client_idx ON public.tickets (client_id, client_updated_at, number);
CREATE INDEX tickets_agent_idx ON public.tickets (agent_id, updated_at, number);
CREATE INDEX tickets_updated_idx ON public.tickets (updated_at, number);
CREATE INDEX tickets_created_idx ON public.tickets (created_at, number);
CREATE INDEX tickets_priority_idx ON public.tickets (priority_rank, number);
CREATE INDEX tickets_status_idx ON public.tickets (status_rank, number);
CREATE INDEX tickets_queue_idx ON public.tickets (priority_rank, number)
  WHERE agent_id IS NULL AND status IN ('new', 'open', 'pending', 'on_hold');
CREATE INDEX tickets_active_idx ON public.tickets (agent_id) INCLUDE (client_id, status, priority)
  WHERE status IN ('new', 'open', 'pending', 'on_hold');
CREATE INDEX tickets_resolved_idx ON public.tickets (resolved_at) WHERE resolved_at IS NOT NULL;

CREATE TABLE public.ticket_activities (
  -- Chosen by the form that made it: the same form sent twice makes one row.
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  ticket_id uuid NOT NULL REFERENCES public.tickets ON DELETE CASCADE,
  user_id uuid REFERENCES public.users,
  activity_type text NOT NULL CHECK (activity_type IN
    ('created', 'comment', 'internal_note', 'status_change', 'priority_change', 'assignment')),
  content text NOT NULL DEFAULT '' CHECK (length(content) <= 50000),
  is_internal boolean NOT NULL DEFAULT false,
  metadata jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- The order of the timeline.
  position bigint GENERATED ALWAYS AS IDENTITY,
  CHECK (is_internal = (activity_type = 'internal_note'))
);
CREATE UNIQUE INDEX ticket_activities_timeline_idx ON public.ticket_activities (ticket_id, position);
CREATE INDEX ticket_activities_user_idx ON public.ticket_activities (user_id, ticket_id);
CREATE INDEX ticket_activities_recent_idx ON public.ticket_activities (position DESC);

CREATE TABLE public.attachments (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  ticket_id uuid NOT NULL REFERENCES public.tickets ON DELETE CASCADE,
  -- NULL: it came with the ticket's description.
  activity_id uuid REFERENCES public.ticket_activities ON DELETE CASCADE,
  uploader_id uuid NOT NULL REFERENCES public.users,
  file_name text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 255),
  content_type text NOT NULL,
  size bigint NOT NULL CHECK (size BETWEEN 0 AND 26214400),
  sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
  storage_key text NOT NULL UNIQUE,
  -- As the activity it hangs on says; set by a trigger, so that a file cannot be less hidden than its note.
  is_internal boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX attachments_ticket_idx ON public.attachments (ticket_id);
CREATE INDEX attachments_activity_idx ON public.attachments (activity_id);

CREATE SCHEMA tickets;
GRANT USAGE ON SCHEMA tickets TO authenticated, autocrm_worker;

-- +goose StatementBegin
-- A note is internal however it is written, named as a note or marked as internal: whoever writes one in SQL and
-- forgets the one or the other does not publish it.
CREATE FUNCTION tickets.before_activity() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF NEW.activity_type = 'internal_note' THEN
    NEW.is_internal := true;
  ELSIF NEW.activity_type = 'comment' AND NEW.is_internal THEN
    NEW.activity_type := 'internal_note';
  END IF;
  RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER ticket_activities_before_insert BEFORE INSERT ON public.ticket_activities
  FOR EACH ROW EXECUTE FUNCTION tickets.before_activity();

-- +goose StatementBegin
-- Before a ticket changes: what a client may change, the times that follow from the status, the versions.
CREATE FUNCTION tickets.before_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF auth.user_role() = 'client' AND (
       (NEW.client_id, NEW.agent_id, NEW.subject, NEW.description, NEW.priority, NEW.created_at)
         IS DISTINCT FROM (OLD.client_id, OLD.agent_id, OLD.subject, OLD.description, OLD.priority, OLD.created_at)
       OR (NEW.status <> OLD.status AND NEW.status NOT IN ('open', 'cancelled'))) THEN
    RAISE EXCEPTION 'a client may only reopen or cancel' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF NEW.status <> OLD.status THEN
    NEW.resolved_at := CASE WHEN NEW.status = 'resolved' THEN clock_timestamp()
                            WHEN NEW.status = 'closed' THEN OLD.resolved_at END;
    NEW.closed_at := CASE WHEN NEW.status IN ('closed', 'cancelled') THEN clock_timestamp() END;
  END IF;
  IF (NEW.client_id, NEW.agent_id, NEW.subject, NEW.description, NEW.status, NEW.priority, NEW.created_at, NEW.first_response_at)
     IS DISTINCT FROM
     (OLD.client_id, OLD.agent_id, OLD.subject, OLD.description, OLD.status, OLD.priority, OLD.created_at, OLD.first_response_at) THEN
    NEW.seq := OLD.seq + 1;
    NEW.client_seq := OLD.client_seq + 1;
    NEW.updated_at := clock_timestamp();
    NEW.client_updated_at := NEW.updated_at;
  END IF;
  RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER tickets_before_update BEFORE UPDATE ON public.tickets
  FOR EACH ROW EXECUTE FUNCTION tickets.before_update();

-- +goose StatementBegin
-- What changed on a ticket stands on its timeline, whoever changed it: the app, a job or psql.
CREATE FUNCTION tickets.record_on_timeline() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO public.ticket_activities (ticket_id, user_id, activity_type, created_at)
      SELECT n.id, coalesce(auth.uid(), n.client_id), 'created', n.created_at FROM new_rows n ORDER BY n.number;
    RETURN NULL;
  END IF;
  -- Most updates only move a ticket's version because something was said on it.
  IF NOT EXISTS (SELECT FROM new_rows n JOIN old_rows o USING (id)
                 WHERE (n.status, n.priority, n.agent_id) IS DISTINCT FROM (o.status, o.priority, o.agent_id)) THEN
    RETURN NULL;
  END IF;
  INSERT INTO public.ticket_activities (ticket_id, user_id, activity_type, metadata)
    SELECT n.id, auth.uid(), 'status_change', jsonb_build_object('from', o.status, 'to', n.status)
      FROM new_rows n JOIN old_rows o USING (id) WHERE n.status <> o.status ORDER BY n.number;
  INSERT INTO public.ticket_activities (ticket_id, user_id, activity_type, metadata)
    SELECT n.id, auth.uid(), 'priority_change', jsonb_build_object('from', o.priority, 'to', n.priority)
      FROM new_rows n JOIN old_rows o USING (id) WHERE n.priority <> o.priority ORDER BY n.number;
  INSERT INTO public.ticket_activities (ticket_id, user_id, activity_type, metadata)
    SELECT n.id, auth.uid(), 'assignment', jsonb_build_object('from', o.agent_id, 'to', n.agent_id)
      FROM new_rows n JOIN old_rows o USING (id) WHERE n.agent_id IS DISTINCT FROM o.agent_id ORDER BY n.number;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER tickets_created_on_timeline AFTER INSERT ON public.tickets
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tickets.record_on_timeline();
CREATE TRIGGER tickets_changed_on_timeline AFTER UPDATE ON public.tickets
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tickets.record_on_timeline();

-- +goose StatementBegin
CREATE FUNCTION tickets.before_attachment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  NEW.is_internal := false;
  IF NEW.activity_id IS NOT NULL THEN
    SELECT a.is_internal INTO STRICT NEW.is_internal FROM public.ticket_activities a
      WHERE a.id = NEW.activity_id AND a.ticket_id = NEW.ticket_id;
  END IF;
  RETURN NEW;
EXCEPTION WHEN no_data_found THEN
  RAISE EXCEPTION 'the activity is not of this ticket' USING ERRCODE = 'foreign_key_violation';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER attachments_before_insert BEFORE INSERT OR UPDATE OF activity_id, ticket_id, is_internal ON public.attachments
  FOR EACH ROW EXECUTE FUNCTION tickets.before_attachment();

-- What the policies below ask about other tables, as functions of the owner: a policy that reads a table through
-- that table's own policies multiplies, and planning one query took longer than running it.
-- +goose StatementBegin
CREATE FUNCTION tickets.is_own(ticket uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  RETURN EXISTS (SELECT FROM public.tickets t WHERE t.id = ticket AND t.client_id = auth.uid());
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Whom the client who asks deals with: who has one of its tickets, or wrote or did something on one that the
-- client may see. A set, so that a query asks once and not once a person.
CREATE FUNCTION tickets.dealt_with() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  RETURN QUERY
    SELECT t.agent_id FROM public.tickets t WHERE t.client_id = auth.uid() AND t.agent_id IS NOT NULL
    UNION
    SELECT a.user_id FROM public.tickets t JOIN public.ticket_activities a ON a.ticket_id = t.id
    WHERE t.client_id = auth.uid() AND a.user_id IS NOT NULL AND NOT a.is_internal;
END
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION tickets.is_own, tickets.dealt_with FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tickets.is_own, tickets.dealt_with TO authenticated;

ALTER TABLE public.tickets ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tickets FORCE ROW LEVEL SECURITY;
ALTER TABLE public.ticket_activities ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.ticket_activities FORCE ROW LEVEL SECURITY;
ALTER TABLE public.attachments ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.attachments FORCE ROW LEVEL SECURITY;

GRANT SELECT,
      INSERT (client_id, subject, description, priority, id),
      UPDATE (agent_id, status, priority) ON public.tickets TO authenticated;
GRANT USAGE ON SEQUENCE public.ticket_numbers TO authenticated, autocrm_worker;
GRANT SELECT, INSERT (id, ticket_id, user_id, activity_type, content, is_internal) ON public.ticket_activities TO authenticated;
GRANT SELECT,
      INSERT (id, ticket_id, activity_id, uploader_id, file_name, content_type, size, sha256, storage_key)
      ON public.attachments TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.tickets, public.ticket_activities, public.attachments TO autocrm_worker;

CREATE POLICY tickets_client_sees_own ON public.tickets FOR SELECT TO authenticated
  USING (client_id = (SELECT auth.uid()) AND (SELECT auth.user_role() = 'client'));
CREATE POLICY tickets_staff_sees_all ON public.tickets FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY tickets_client_submits ON public.tickets FOR INSERT TO authenticated
  WITH CHECK (client_id = (SELECT auth.uid()) AND (SELECT auth.user_role() = 'client')
    AND agent_id IS NULL AND status = 'new');
CREATE POLICY tickets_client_changes_own ON public.tickets FOR UPDATE TO authenticated
  USING (client_id = (SELECT auth.uid()) AND (SELECT auth.user_role() = 'client'))
  WITH CHECK (client_id = (SELECT auth.uid()) AND (SELECT auth.user_role() = 'client'));
CREATE POLICY tickets_staff_changes ON public.tickets FOR UPDATE TO authenticated
  USING ((SELECT auth.user_role() IN ('agent', 'admin'))) WITH CHECK ((SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY tickets_worker ON public.tickets TO autocrm_worker USING (true) WITH CHECK (true);
-- The trigger functions run as the owner: they read tickets and move their versions.
CREATE POLICY tickets_owner_reads ON public.tickets FOR SELECT TO autocrm_owner USING (true);
CREATE POLICY tickets_owner_changes ON public.tickets FOR UPDATE TO autocrm_owner USING (true) WITH CHECK (true);

CREATE POLICY activities_client_sees_public ON public.ticket_activities FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() = 'client') AND NOT is_internal AND tickets.is_own(ticket_id));
CREATE POLICY activities_staff_sees_all ON public.ticket_activities FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY activities_client_comments ON public.ticket_activities FOR INSERT TO authenticated
  WITH CHECK ((SELECT auth.user_role() = 'client') AND user_id = (SELECT auth.uid())
    AND activity_type = 'comment' AND NOT is_internal AND tickets.is_own(ticket_id));
CREATE POLICY activities_staff_writes ON public.ticket_activities FOR INSERT TO authenticated
  WITH CHECK (user_id = (SELECT auth.uid()) AND activity_type IN ('comment', 'internal_note')
    AND (SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY activities_worker ON public.ticket_activities TO autocrm_worker USING (true) WITH CHECK (true);
CREATE POLICY activities_owner_reads ON public.ticket_activities FOR SELECT TO autocrm_owner USING (true);
CREATE POLICY activities_owner_records ON public.ticket_activities FOR INSERT TO autocrm_owner WITH CHECK (true);

CREATE POLICY attachments_client_sees_public ON public.attachments FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() = 'client') AND NOT is_internal AND tickets.is_own(ticket_id));
CREATE POLICY attachments_staff_sees_all ON public.attachments FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY attachments_client_adds ON public.attachments FOR INSERT TO authenticated
  WITH CHECK ((SELECT auth.user_role() = 'client') AND uploader_id = (SELECT auth.uid())
    AND NOT is_internal AND tickets.is_own(ticket_id));
CREATE POLICY attachments_staff_adds ON public.attachments FOR INSERT TO authenticated
  WITH CHECK (uploader_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY attachments_worker ON public.attachments TO autocrm_worker USING (true) WITH CHECK (true);

-- A client sees of other people the agents and admins it deals with, never another client.
CREATE POLICY users_client_sees_staff_it_deals_with ON public.users FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() = 'client') AND user_role IN ('agent', 'admin') AND id IN (SELECT tickets.dealt_with()));

-- +goose Down
DROP POLICY users_client_sees_staff_it_deals_with ON public.users;
DROP TABLE public.attachments, public.ticket_activities, public.tickets CASCADE;
DROP SCHEMA tickets CASCADE;
