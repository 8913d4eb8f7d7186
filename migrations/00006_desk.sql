-- +goose Up
-- What the agents' desk stands on: topics of its own in the event log, tags, who waits since when, sleep and merging.

-- ---- topics

-- An event of anything but tickets and people names the topic that it is told under. It is told to all staff or,
-- where user_id is set, to that person's pages alone.
ALTER TABLE public.events ADD COLUMN topic text CHECK (length(topic) BETWEEN 1 AND 100);
ALTER TABLE public.events DROP CONSTRAINT events_source_check;
ALTER TABLE public.events ADD CONSTRAINT events_source_check CHECK (
  source IN ('tickets', 'ticket_activities', 'attachments', 'users', 'sessions', 'invitations', 'examinations') OR topic IS NOT NULL);
GRANT SELECT (topic, user_id) ON public.events TO authenticated;

DROP POLICY events_admin ON public.events;
CREATE POLICY events_admin ON public.events FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() = 'admin') AND (topic IS NULL OR user_id IS NULL OR user_id = (SELECT auth.uid())));
CREATE POLICY events_topic ON public.events FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() = 'agent') AND topic IS NOT NULL AND (user_id IS NULL OR user_id = (SELECT auth.uid())));

-- +goose StatementBegin
-- Records that a row of the desk changed: what every trigger of a table calls that has a topic and is no part of a
-- ticket. to_user NULL is all staff.
CREATE FUNCTION live.tell(source text, operation text, row_id uuid, topic text, to_user uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  INSERT INTO public.events (source, operation, row_id, actor_id, topic, user_id, opens)
    VALUES (source, lower(operation), row_id, auth.uid(), topic, to_user, live.opens());
END
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION live.tell FROM PUBLIC;

-- ---- columns of tickets

-- waiting_since: the first message of the client that nobody has answered; NULL where it is not the desk's turn.
-- snoozed_until: out of the queue until then, or until its client writes. merged_into: the ticket that has it all now.
ALTER TABLE public.tickets
  ADD COLUMN waiting_since timestamptz,
  ADD COLUMN snoozed_until timestamptz,
  ADD COLUMN merged_into uuid REFERENCES public.tickets ON DELETE SET NULL CHECK (merged_into <> id);
ALTER TABLE public.tickets DISABLE TRIGGER USER;
UPDATE public.tickets t SET waiting_since = coalesce(
    (SELECT min(a.created_at) FROM public.ticket_activities a
     WHERE a.ticket_id = t.id AND a.activity_type = 'comment' AND a.user_id = t.client_id AND a.position > last.position),
    CASE WHEN last.position = 0 THEN t.created_at END)
  FROM (SELECT i.id, coalesce(max(a.position), 0) AS position
        FROM public.tickets i LEFT JOIN public.ticket_activities a
          ON a.ticket_id = i.id AND a.activity_type = 'comment' AND a.user_id IS DISTINCT FROM i.client_id
        GROUP BY i.id) last
  WHERE last.id = t.id AND t.status IN ('new', 'open', 'pending', 'on_hold');
ALTER TABLE public.tickets ENABLE TRIGGER USER;
ALTER TABLE public.tickets ALTER COLUMN waiting_since SET DEFAULT now();
CREATE INDEX tickets_snoozed_idx ON public.tickets (snoozed_until) WHERE snoozed_until IS NOT NULL;
CREATE INDEX tickets_waiting_idx ON public.tickets (waiting_since, number)
  WHERE waiting_since IS NOT NULL AND status IN ('new', 'open', 'pending', 'on_hold');
CREATE INDEX tickets_merged_idx ON public.tickets (merged_into) WHERE merged_into IS NOT NULL;
GRANT UPDATE (snoozed_until, merged_into) ON public.tickets TO authenticated;

-- ---- what can stand on a timeline

ALTER TABLE public.ticket_activities DROP CONSTRAINT ticket_activities_activity_type_check;
ALTER TABLE public.ticket_activities ADD CONSTRAINT ticket_activities_activity_type_check CHECK (activity_type IN (
  'created', 'comment', 'internal_note', 'status_change', 'priority_change', 'assignment',
  'tag_change', 'snooze', 'link', 'merge', 'split', 'forward', 'time_spent'));
ALTER TABLE public.ticket_activities DROP CONSTRAINT ticket_activities_check;
ALTER TABLE public.ticket_activities ADD CONSTRAINT ticket_activities_check CHECK (
  is_internal = (activity_type IN ('internal_note', 'tag_change', 'snooze', 'link', 'forward', 'time_spent'))
  OR activity_type IN ('merge', 'split'));
GRANT INSERT (metadata) ON public.ticket_activities TO authenticated;
DROP POLICY activities_staff_writes ON public.ticket_activities;
CREATE POLICY activities_staff_writes ON public.ticket_activities FOR INSERT TO authenticated
  WITH CHECK (user_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin'))
    AND activity_type IN ('comment', 'internal_note', 'snooze', 'link', 'merge', 'split', 'forward', 'time_spent'));

-- +goose StatementBegin
-- What is for the desk alone is internal however it is written, named so or marked so: whoever writes one in SQL and
-- forgets the one or the other does not publish it.
CREATE OR REPLACE FUNCTION tickets.before_activity() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF NEW.activity_type IN ('internal_note', 'tag_change', 'snooze', 'link', 'forward', 'time_spent') THEN
    NEW.is_internal := true;
  ELSIF NEW.activity_type = 'comment' AND NEW.is_internal THEN
    NEW.activity_type := 'internal_note';
  END IF;
  RETURN NEW;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Before a ticket changes: what a client may change, the times that follow from the status, the versions.
CREATE OR REPLACE FUNCTION tickets.before_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF auth.user_role() = 'client' AND (
       (NEW.client_id, NEW.agent_id, NEW.subject, NEW.description, NEW.priority, NEW.created_at, NEW.merged_into)
         IS DISTINCT FROM (OLD.client_id, OLD.agent_id, OLD.subject, OLD.description, OLD.priority, OLD.created_at, OLD.merged_into)
       OR (NEW.status <> OLD.status AND NEW.status NOT IN ('open', 'cancelled'))
       OR (NEW.snoozed_until IS DISTINCT FROM OLD.snoozed_until AND NEW.snoozed_until IS NOT NULL)) THEN
    RAISE EXCEPTION 'a client may only reopen or cancel' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF NEW.status <> OLD.status THEN
    NEW.resolved_at := CASE WHEN NEW.status = 'resolved' THEN clock_timestamp()
                            WHEN NEW.status = 'closed' THEN OLD.resolved_at END;
    NEW.closed_at := CASE WHEN NEW.status IN ('closed', 'cancelled') THEN clock_timestamp() END;
    IF NEW.status IN ('resolved', 'closed', 'cancelled') THEN
      NEW.waiting_since := NULL;
      NEW.snoozed_until := NULL;
    END IF;
  END IF;
  IF (NEW.client_id, NEW.agent_id, NEW.subject, NEW.description, NEW.status, NEW.priority, NEW.created_at, NEW.first_response_at)
     IS DISTINCT FROM
     (OLD.client_id, OLD.agent_id, OLD.subject, OLD.description, OLD.status, OLD.priority, OLD.created_at, OLD.first_response_at) THEN
    NEW.seq := OLD.seq + 1;
    NEW.client_seq := OLD.client_seq + 1;
    NEW.updated_at := clock_timestamp();
    NEW.client_updated_at := NEW.updated_at;
  ELSIF (NEW.snoozed_until, NEW.merged_into) IS DISTINCT FROM (OLD.snoozed_until, OLD.merged_into) AND NEW.seq = OLD.seq THEN
    NEW.seq := OLD.seq + 1; -- the desk's own business: its client is told nothing, and it is no news in a list
  END IF;
  RETURN NEW;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- As before, but an update that moved nothing for the client has no version for it.
CREATE OR REPLACE FUNCTION live.record_tickets() RETURNS trigger
-- No nested loop: the plan is kept from a statement that changed one row, and would join 10,000 to 10,000 so.
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET enable_nestloop = off AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO public.events (source, operation, row_id, actor_id, ticket_number, seq, client_seq, client_id, opens)
      SELECT 'tickets', 'insert', n.id, auth.uid(), n.number, n.seq, n.client_seq, n.client_id,
             row_number() OVER () = 1 AND live.opens()
      FROM new_rows n;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO public.events (source, operation, row_id, actor_id, ticket_number, seq, client_seq, client_id, opens)
      SELECT 'tickets', 'delete', o.id, auth.uid(), o.number, o.seq + 1, o.client_seq + 1, o.client_id,
             row_number() OVER () = 1 AND live.opens()
      FROM old_rows o;
  ELSE
    INSERT INTO public.events (source, operation, row_id, actor_id, ticket_number, seq, client_seq, client_id, old_client_id, changes, opens)
      SELECT 'tickets', 'update', d.id, auth.uid(), d.number, d.seq, d.client_seq, d.client_id, d.old_client_id, d.changes,
             row_number() OVER () = 1 AND live.opens()
      FROM (SELECT n.id, n.number, n.seq, n.client_id,
                   CASE WHEN n.client_seq > o.client_seq THEN n.client_seq END AS client_seq,
                   nullif(o.client_id, n.client_id) AS old_client_id,
                   live.changed(to_jsonb(o), to_jsonb(n)) AS changes
            FROM old_rows o JOIN new_rows n USING (id)) d
      WHERE d.changes <> '{}';
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- {"column": [old, new]} for the columns that differ, without those that only count, that follow from others, or
-- that are secret.
CREATE OR REPLACE FUNCTION live.changed(old_row jsonb, new_row jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = '' AS $$
  SELECT coalesce(jsonb_object_agg(key, jsonb_build_array(o.value, n.value)), '{}')
  FROM jsonb_each(old_row) o JOIN jsonb_each(new_row) n USING (key)
  WHERE o.value IS DISTINCT FROM n.value
    AND key NOT IN ('seq', 'client_seq', 'updated_at', 'client_updated_at', 'status_rank', 'priority_rank', 'waiting_since',
                    'password_hash', 'token_hash', 'last_seen_at', 'last_used_at', 'idle_expires_at', 'data')
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Of ticket_activities and attachments, which hang on tickets and may be internal. As before; and a message says
-- whose turn it is, and its client's wakes the ticket.
CREATE OR REPLACE FUNCTION live.record_parts() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    -- A statement trigger fires for no rows too, and touching tickets ends here again: without this, for ever.
    IF NOT EXISTS (SELECT FROM new_rows) THEN
      RETURN NULL;
    END IF;
    -- The rows that a changed ticket put on its own timeline came with a version already.
    PERFORM live.touch_tickets(array_agg(DISTINCT n.ticket_id), array_agg(DISTINCT n.ticket_id) FILTER (WHERE NOT n.is_internal))
      FROM new_rows n
      WHERE TG_TABLE_NAME = 'attachments'
         OR to_jsonb(n) ->> 'activity_type' NOT IN ('created', 'status_change', 'priority_change', 'assignment');
    IF TG_TABLE_NAME = 'ticket_activities' THEN
      UPDATE public.tickets t SET first_response_at = n.at
        FROM (SELECT n.ticket_id, min(n.created_at) AS at FROM new_rows n JOIN public.users u ON u.id = n.user_id
              WHERE n.activity_type = 'comment' AND u.user_role IN ('agent', 'admin') GROUP BY n.ticket_id) n
        WHERE t.id = n.ticket_id AND t.first_response_at IS NULL;
      UPDATE public.tickets t
        SET waiting_since = CASE WHEN n.from_client THEN coalesce(t.waiting_since, n.at) END,
            snoozed_until = CASE WHEN NOT n.from_client THEN t.snoozed_until END
        FROM (SELECT DISTINCT ON (n.ticket_id) n.ticket_id, n.created_at AS at, n.user_id = o.client_id AS from_client
              FROM new_rows n JOIN public.tickets o ON o.id = n.ticket_id
              WHERE n.activity_type = 'comment' AND n.user_id IS NOT NULL ORDER BY n.ticket_id, n.position DESC) n
        WHERE t.id = n.ticket_id
          AND (n.from_client AND (t.waiting_since IS NULL OR t.snoozed_until IS NOT NULL)
            OR NOT n.from_client AND t.waiting_since IS NOT NULL);
    END IF;
    INSERT INTO public.events (source, operation, row_id, actor_id, ticket_number, seq, client_seq, client_id, opens)
      SELECT TG_TABLE_NAME, 'insert', n.id, auth.uid(), t.number, t.seq,
             CASE WHEN NOT n.is_internal THEN t.client_seq END, t.client_id,
             row_number() OVER () = 1 AND live.opens()
      FROM new_rows n JOIN public.tickets t ON t.id = n.ticket_id;
  ELSIF TG_OP = 'DELETE' THEN
    PERFORM live.touch_tickets(array_agg(DISTINCT o.ticket_id), array_agg(DISTINCT o.ticket_id) FILTER (WHERE NOT o.is_internal))
      FROM old_rows o;
    -- Gone with its ticket, it has no number any more; the ticket's own event tells.
    INSERT INTO public.events (source, operation, row_id, actor_id, ticket_number, seq, client_seq, client_id, opens)
      SELECT TG_TABLE_NAME, 'delete', o.id, auth.uid(), t.number, t.seq,
             CASE WHEN NOT o.is_internal THEN t.client_seq END, t.client_id,
             row_number() OVER () = 1 AND live.opens()
      FROM old_rows o LEFT JOIN public.tickets t ON t.id = o.ticket_id;
  ELSE
    PERFORM live.touch_tickets(array_agg(DISTINCT x.ticket_id), array_agg(DISTINCT x.ticket_id) FILTER (WHERE NOT x.is_internal))
      FROM (SELECT ticket_id, is_internal FROM old_rows UNION SELECT ticket_id, is_internal FROM new_rows) x;
    INSERT INTO public.events (source, operation, row_id, actor_id, ticket_number, seq, client_seq, client_id, changes, opens)
      SELECT TG_TABLE_NAME, 'update', n.id, auth.uid(), t.number, t.seq,
             CASE WHEN NOT (n.is_internal AND o.is_internal) THEN t.client_seq END, t.client_id,
             live.changed(to_jsonb(o), to_jsonb(n)),
             row_number() OVER () = 1 AND live.opens()
      FROM new_rows n JOIN old_rows o USING (id)
        -- What is moved to another ticket is news on both.
        CROSS JOIN LATERAL (SELECT o.ticket_id UNION SELECT n.ticket_id) on_tickets
        JOIN public.tickets t ON t.id = on_tickets.ticket_id;
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd

-- ---- tags

CREATE TABLE public.tags (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 40 AND name = lower(btrim(name)) AND name !~ '[\s,"():]'),
  hue smallint NOT NULL DEFAULT 0 CHECK (hue BETWEEN 0 AND 7), -- of the fixed palette
  created_by uuid REFERENCES public.users ON DELETE SET NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX tags_name_key ON public.tags (name);

CREATE TABLE public.ticket_tags (
  ticket_id uuid NOT NULL REFERENCES public.tickets ON DELETE CASCADE,
  tag_id uuid NOT NULL REFERENCES public.tags ON DELETE CASCADE,
  PRIMARY KEY (ticket_id, tag_id)
);
CREATE INDEX ticket_tags_tag_idx ON public.ticket_tags (tag_id, ticket_id);

-- +goose StatementBegin
-- Tags put on or taken off stand on the timeline, one entry a ticket and statement; that entry moves the ticket's
-- version and tells its topic.
CREATE FUNCTION tickets.record_tags() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO public.ticket_activities (ticket_id, user_id, activity_type, metadata)
      SELECT n.ticket_id, auth.uid(), 'tag_change', jsonb_build_object('added', jsonb_agg(g.name ORDER BY g.name))
      FROM new_rows n JOIN public.tags g ON g.id = n.tag_id GROUP BY n.ticket_id ORDER BY n.ticket_id;
  ELSE
    -- A tag that is deleted takes itself off, without its name; a ticket that is deleted has no timeline any more.
    INSERT INTO public.ticket_activities (ticket_id, user_id, activity_type, metadata)
      SELECT o.ticket_id, auth.uid(), 'tag_change',
             jsonb_build_object('removed', coalesce(jsonb_agg(g.name ORDER BY g.name) FILTER (WHERE g.name IS NOT NULL), '[]'))
      FROM old_rows o JOIN public.tickets t ON t.id = o.ticket_id LEFT JOIN public.tags g ON g.id = o.tag_id
      GROUP BY o.ticket_id ORDER BY o.ticket_id;
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER ticket_tags_on_timeline_insert AFTER INSERT ON public.ticket_tags
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tickets.record_tags();
CREATE TRIGGER ticket_tags_on_timeline_delete AFTER DELETE ON public.ticket_tags
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tickets.record_tags();

-- +goose StatementBegin
CREATE FUNCTION live.record_tag() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM live.tell('tags', TG_OP, coalesce(NEW.id, OLD.id), 'tags');
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER tags_event AFTER INSERT OR UPDATE OR DELETE ON public.tags
  FOR EACH ROW EXECUTE FUNCTION live.record_tag();

ALTER TABLE public.tags ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tags FORCE ROW LEVEL SECURITY;
ALTER TABLE public.ticket_tags ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.ticket_tags FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT (id, name, hue, created_by), UPDATE (name, hue), DELETE ON public.tags TO authenticated;
GRANT SELECT, INSERT, DELETE ON public.ticket_tags TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.tags, public.ticket_tags TO autocrm_worker;

CREATE POLICY tags_staff ON public.tags TO authenticated
  USING ((SELECT auth.user_role() IN ('agent', 'admin'))) WITH CHECK ((SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY tags_worker ON public.tags TO autocrm_worker USING (true) WITH CHECK (true);
CREATE POLICY tags_owner_reads ON public.tags FOR SELECT TO autocrm_owner USING (true);
CREATE POLICY ticket_tags_staff ON public.ticket_tags TO authenticated
  USING ((SELECT auth.user_role() IN ('agent', 'admin'))) WITH CHECK ((SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY ticket_tags_worker ON public.ticket_tags TO autocrm_worker USING (true) WITH CHECK (true);
CREATE POLICY ticket_tags_owner_reads ON public.ticket_tags FOR SELECT TO autocrm_owner USING (true);

-- +goose Down
-- Forward only: the log and the timelines hold rows from here on that the schema before had no words for.
-- +goose StatementBegin
DO $$ BEGIN RAISE EXCEPTION 'there is no way back from migration 6; restore a backup'; END $$;
-- +goose StatementEnd
