-- +goose Up
-- The durable event log that feeds live updates.
--
-- Statement triggers write `events` in the transaction that made the change. As that transaction commits, a
-- deferred trigger takes one lock for the whole database and gives the transaction its place in
-- `event_commits`. The lock is held until the commit can be seen, so places are in commit order: a reader
-- that has seen place p has seen every place below it, and "everything after p" skips nothing and repeats
-- nothing, however the transactions interleaved. (An identity column cannot do this: ids are taken at
-- insert.) NOTIFY takes such a lock at commit anyway, so writers do not wait longer for this one.
--
-- A place is the commit's time in microseconds since 1970, or one more than the last place where the clock
-- did not move on. It therefore tells a reader nothing about how much happened out of its sight.
--
-- Both tables are partitioned by the day, into as many partitions as are needed in turn: a day whose rows are all
-- old enough is forgotten by emptying its partition, which no writer touches (live.forget_events). No partition is
-- ever made or dropped, so none can be missing when somebody writes, wherever the clock stands.

CREATE SCHEMA live;

-- The partition of a day: each sixth day's rows go where those of six days ago were.
CREATE FUNCTION live.slot(at timestamptz) RETURNS smallint
LANGUAGE sql STABLE SET search_path = '' AS $$ SELECT (extract(epoch FROM at)::bigint / 86400 % 6)::smallint $$;

CREATE TABLE public.events (
  id bigint GENERATED ALWAYS AS IDENTITY,
  slot smallint NOT NULL DEFAULT live.slot(clock_timestamp()),
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  source text NOT NULL CHECK (source IN ('tickets', 'ticket_activities', 'attachments', 'users', 'sessions', 'invitations')),
  operation text NOT NULL CHECK (operation IN ('insert', 'update', 'delete')),
  row_id uuid NOT NULL,
  actor_id uuid,
  ticket_number bigint,
  -- The ticket's version for staff, and for its client; client_seq is NULL where the client may not know.
  seq bigint,
  client_seq bigint,
  -- Whose ticket it is, and whose it was where that changed.
  client_id uuid,
  old_client_id uuid,
  -- Whom a change of users or sessions is about.
  user_id uuid,
  -- {"column": [old, new]}, for an update.
  changes jsonb NOT NULL DEFAULT '{}',
  -- The first event of its transaction: the one row for which the deferred trigger fires.
  opens boolean NOT NULL DEFAULT false,
  PRIMARY KEY (id, slot)
) PARTITION BY LIST (slot);
CREATE INDEX events_xid_idx ON public.events (xid);
CREATE INDEX events_client_idx ON public.events (client_id) WHERE client_seq IS NOT NULL;
CREATE INDEX events_old_client_idx ON public.events (old_client_id) WHERE old_client_id IS NOT NULL;

CREATE TABLE public.event_commits (
  place bigint NOT NULL,
  xid xid8 NOT NULL,
  slot smallint NOT NULL DEFAULT live.slot(clock_timestamp()),
  PRIMARY KEY (place, slot)
) PARTITION BY LIST (slot);
CREATE INDEX event_commits_xid_idx ON public.event_commits (xid);

-- Nobody is granted anything on the partitions: they are reached through their table, under its policies.
-- +goose StatementBegin
DO $$
BEGIN
  FOR n IN 0..5 LOOP
    EXECUTE format('CREATE TABLE live.events_%1$s PARTITION OF public.events FOR VALUES IN (%1$s)', n);
    EXECUTE format('CREATE TABLE live.event_commits_%1$s PARTITION OF public.event_commits FOR VALUES IN (%1$s)', n);
  END LOOP;
END
$$;
-- +goose StatementEnd

-- One row: which history the places belong to, and the floor: everything above it is still in the log.
CREATE TABLE public.event_epochs (
  epoch uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  since timestamptz NOT NULL DEFAULT now(),
  floor bigint NOT NULL DEFAULT 0
);
INSERT INTO public.event_epochs DEFAULT VALUES;

-- The last place given. A sequence, because it shows what others have given meanwhile also to a transaction that
-- reads the tables as they were when it began.
CREATE SEQUENCE live.places;

-- +goose StatementBegin
CREATE FUNCTION live.commit_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  -- Once a transaction, as live.opens: the trigger also fires for a row that a savepoint took back.
  IF current_setting('live.placed', true) = NEW.xid::text THEN
    RETURN NULL;
  END IF;
  PERFORM set_config('live.placed', NEW.xid::text, true);
  PERFORM pg_advisory_xact_lock(hashtext('autocrm.event_commits'));
  INSERT INTO public.event_commits (place, xid)
    SELECT setval('live.places', greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, p.last_value + 1)), NEW.xid
    FROM live.places p;
  -- A doorbell, not the news: empty, so that one transaction rings once however much it changed.
  PERFORM pg_notify('autocrm_events', '');
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER events_commit AFTER INSERT ON public.events
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.opens) EXECUTE FUNCTION live.commit_events();

-- +goose StatementBegin
-- True once a transaction. The setting is undone with the savepoint that set it, as the event row is.
CREATE FUNCTION live.opens() RETURNS boolean
LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  this text := pg_current_xact_id()::text;
BEGIN
  IF current_setting('live.opened', true) = this THEN
    RETURN false;
  END IF;
  PERFORM set_config('live.opened', this, true);
  RETURN true;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- {"column": [old, new]} for the columns that differ, without those that only count or that are secret.
CREATE FUNCTION live.changed(old_row jsonb, new_row jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = '' AS $$
  SELECT coalesce(jsonb_object_agg(key, jsonb_build_array(o.value, n.value)), '{}')
  FROM jsonb_each(old_row) o JOIN jsonb_each(new_row) n USING (key)
  WHERE o.value IS DISTINCT FROM n.value
    AND key NOT IN ('seq', 'client_seq', 'updated_at', 'client_updated_at', 'status_rank', 'priority_rank',
                    'password_hash', 'token_hash', 'last_seen_at', 'last_used_at', 'idle_expires_at', 'data')
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION live.record_tickets() RETURNS trigger
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
      FROM (SELECT n.id, n.number, n.seq, n.client_seq, n.client_id,
                   nullif(o.client_id, n.client_id) AS old_client_id,
                   live.changed(to_jsonb(o), to_jsonb(n)) AS changes
            FROM old_rows o JOIN new_rows n USING (id)) d
      WHERE d.changes <> '{}';
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER tickets_event_insert AFTER INSERT ON public.tickets
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_tickets();
CREATE TRIGGER tickets_event_update AFTER UPDATE ON public.tickets
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_tickets();
CREATE TRIGGER tickets_event_delete AFTER DELETE ON public.tickets
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_tickets();

-- +goose StatementBegin
-- Moves the versions of tickets: the staff's of all, the client's of those on which the client may see what
-- happened; and, where it is news of the ticket, the times of the last change. The update locks the tickets, in
-- the order of their ids lest two transactions lock crosswise; from then to the commit nobody else adds to them,
-- so per ticket the order of events is commit order.
CREATE FUNCTION live.touch_tickets(ids uuid[], public_ids uuid[], news boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF ids IS NULL THEN
    RETURN;
  END IF;
  PERFORM FROM public.tickets t WHERE t.id = ANY (ids) ORDER BY t.id FOR UPDATE;
  UPDATE public.tickets t
  SET seq = t.seq + 1,
      client_seq = t.client_seq + (t.id = ANY (coalesce(public_ids, '{}')))::int,
      updated_at = CASE WHEN news THEN clock_timestamp() ELSE t.updated_at END,
      client_updated_at = CASE WHEN news AND t.id = ANY (public_ids) THEN clock_timestamp() ELSE t.client_updated_at END
  WHERE t.id = ANY (ids);
END
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION live.touch_tickets FROM PUBLIC;

-- +goose StatementBegin
-- Of ticket_activities and attachments, which hang on tickets and may be internal.
CREATE FUNCTION live.record_parts() RETURNS trigger
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
      WHERE TG_TABLE_NAME = 'attachments' OR to_jsonb(n) ->> 'activity_type' IN ('comment', 'internal_note');
    IF TG_TABLE_NAME = 'ticket_activities' THEN
      UPDATE public.tickets t SET first_response_at = n.at
        FROM (SELECT n.ticket_id, min(n.created_at) AS at FROM new_rows n JOIN public.users u ON u.id = n.user_id
              WHERE n.activity_type = 'comment' AND u.user_role IN ('agent', 'admin') GROUP BY n.ticket_id) n
        WHERE t.id = n.ticket_id AND t.first_response_at IS NULL;
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
CREATE TRIGGER activities_event_insert AFTER INSERT ON public.ticket_activities
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_parts();
CREATE TRIGGER activities_event_update AFTER UPDATE ON public.ticket_activities
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_parts();
CREATE TRIGGER activities_event_delete AFTER DELETE ON public.ticket_activities
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_parts();
CREATE TRIGGER attachments_event_insert AFTER INSERT ON public.attachments
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_parts();
CREATE TRIGGER attachments_event_update AFTER UPDATE ON public.attachments
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_parts();
CREATE TRIGGER attachments_event_delete AFTER DELETE ON public.attachments
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_parts();

-- +goose StatementBegin
-- People, sessions and invitations: what the admin portal shows, and what cuts a stream.
CREATE FUNCTION live.record_people() RETURNS trigger
-- No nested loop: the plan is kept from a statement that changed one row, and would join 10,000 to 10,000 so.
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET enable_nestloop = off AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO public.events (source, operation, row_id, actor_id, user_id, opens)
      SELECT TG_TABLE_NAME, 'insert', (n.row ->> 'id')::uuid, auth.uid(),
             CASE TG_TABLE_NAME WHEN 'users' THEN n.row ->> 'id' ELSE n.row ->> 'user_id' END::uuid,
             row_number() OVER () = 1 AND live.opens()
      FROM (SELECT to_jsonb(r) AS row FROM new_rows r) n;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO public.events (source, operation, row_id, actor_id, user_id, opens)
      SELECT TG_TABLE_NAME, 'delete', (o.row ->> 'id')::uuid, auth.uid(),
             CASE TG_TABLE_NAME WHEN 'users' THEN o.row ->> 'id' ELSE o.row ->> 'user_id' END::uuid,
             row_number() OVER () = 1 AND live.opens()
      FROM (SELECT to_jsonb(r) AS row FROM old_rows r) o;
  ELSE
    INSERT INTO public.events (source, operation, row_id, actor_id, user_id, changes, opens)
      SELECT TG_TABLE_NAME, 'update', (d.row ->> 'id')::uuid, auth.uid(),
             CASE TG_TABLE_NAME WHEN 'users' THEN d.row ->> 'id' ELSE d.row ->> 'user_id' END::uuid, d.changes,
             row_number() OVER () = 1 AND live.opens()
      FROM (SELECT to_jsonb(n) AS row, live.changed(to_jsonb(o), to_jsonb(n))
                   -- A renewed link changes nothing but its hash and its end.
                   || CASE WHEN to_jsonb(o) -> 'token_hash' <> to_jsonb(n) -> 'token_hash' THEN '{"token": true}'::jsonb ELSE '{}' END AS changes
            FROM old_rows o JOIN new_rows n USING (id)) d
      WHERE d.changes <> '{}';
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER users_event_insert AFTER INSERT ON public.users
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_people();
CREATE TRIGGER users_event_update AFTER UPDATE ON public.users
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_people();
CREATE TRIGGER users_event_delete AFTER DELETE ON public.users
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_people();
CREATE TRIGGER sessions_event_insert AFTER INSERT ON public.sessions
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_people();
CREATE TRIGGER sessions_event_update AFTER UPDATE ON public.sessions
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_people();
CREATE TRIGGER sessions_event_delete AFTER DELETE ON public.sessions
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_people();
CREATE TRIGGER invitations_event_insert AFTER INSERT ON public.invitations
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_people();
CREATE TRIGGER invitations_event_update AFTER UPDATE ON public.invitations
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_people();
CREATE TRIGGER invitations_event_delete AFTER DELETE ON public.invitations
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_people();

-- +goose StatementBegin
-- A person's name stands on tickets: those they asked for, have, or did something on. A new name is a change of
-- what these show, not of when they last changed.
CREATE FUNCTION live.record_name() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  named uuid[];
  seen uuid[]; -- of those, the ones on which the client sees the name: not where it stands on notes alone
BEGIN
  SELECT array_agg(t.id ORDER BY t.id), array_agg(t.id) FILTER (WHERE NEW.id IN (t.client_id, t.agent_id)
      OR EXISTS (SELECT FROM public.ticket_activities a WHERE a.user_id = NEW.id AND a.ticket_id = t.id AND NOT a.is_internal))
    INTO named, seen
    FROM public.tickets t
    WHERE t.client_id = NEW.id OR t.agent_id = NEW.id
       OR t.id IN (SELECT a.ticket_id FROM public.ticket_activities a WHERE a.user_id = NEW.id);
  PERFORM live.touch_tickets(named, seen, news => false);
  INSERT INTO public.events (source, operation, row_id, actor_id, ticket_number, seq, client_seq, client_id, changes, opens)
    SELECT 'tickets', 'update', t.id, auth.uid(), t.number, t.seq, CASE WHEN t.id = ANY (seen) THEN t.client_seq END, t.client_id,
           jsonb_build_object('full_name', jsonb_build_array(OLD.full_name, NEW.full_name)),
           row_number() OVER () = 1 AND live.opens()
    FROM public.tickets t WHERE t.id = ANY (named);
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER users_name_on_tickets AFTER UPDATE ON public.users
  FOR EACH ROW WHEN (OLD.full_name <> NEW.full_name) EXECUTE FUNCTION live.record_name();

-- +goose StatementBegin
-- Empties the partitions whose rows are all older than before, raises the floor by what that loses, and says how
-- many it emptied. It never makes anybody wait: writers do not touch an old partition, and where a reader does just
-- now, it is left for the next time.
CREATE FUNCTION live.forget_events(before timestamptz) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET lock_timeout = '50ms' AS $$
DECLARE
  forgotten int := 0;
  newest_id bigint;
  newest timestamptz;
  last_place bigint;
  lost bigint;
  same boolean;
BEGIN
  FOR n IN 0..5 LOOP
    EXECUTE format('SELECT max(place) FROM live.event_commits_%s', n) INTO last_place;
    CONTINUE WHEN last_place >= extract(epoch FROM before) * 1000000;
    EXECUTE format('SELECT max(id), max(at) FROM live.events_%s', n) INTO newest_id, newest;
    CONTINUE WHEN newest >= before OR newest_id IS NULL AND last_place IS NULL;
    -- A commit may have a place of the next day: it is not whole any more either.
    EXECUTE format('SELECT max(c.place) FROM public.event_commits c WHERE c.xid IN (SELECT e.xid FROM live.events_%s e)', n) INTO lost;
    BEGIN
      EXECUTE format('LOCK TABLE live.events_%1$s, live.event_commits_%1$s IN ACCESS EXCLUSIVE MODE', n);
      EXECUTE format('SELECT (SELECT max(id) FROM live.events_%1$s) IS NOT DISTINCT FROM $1
        AND (SELECT max(place) FROM live.event_commits_%1$s) IS NOT DISTINCT FROM $2', n) INTO same USING newest_id, last_place;
      CONTINUE WHEN NOT same;
      UPDATE public.event_epochs SET floor = greatest(floor, last_place, lost);
      EXECUTE format('TRUNCATE live.events_%1$s, live.event_commits_%1$s', n);
      forgotten := forgotten + 1;
    EXCEPTION WHEN lock_not_available THEN NULL;
    END;
  END LOOP;
  RETURN forgotten;
END
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION live.forget_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION live.forget_events TO autocrm_worker;

ALTER TABLE public.events ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.events FORCE ROW LEVEL SECURITY;
ALTER TABLE public.event_commits ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.event_commits FORCE ROW LEVEL SECURITY;
ALTER TABLE public.event_epochs ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.event_epochs FORCE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA live TO autocrm_worker;
GRANT SELECT (id, xid, at, source, ticket_number, seq, client_seq, client_id, old_client_id) ON public.events TO authenticated;
GRANT SELECT (place, xid) ON public.event_commits TO authenticated;
GRANT SELECT (floor) ON public.event_epochs TO authenticated;
GRANT SELECT ON public.events, public.event_commits, public.event_epochs TO autocrm_worker;

-- A viewer reads in the log what it may read on the page. The hub decides by the same rule for open streams;
-- a test holds the two against each other.
CREATE POLICY events_client ON public.events FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() = 'client') AND client_seq IS NOT NULL
    AND source IN ('tickets', 'ticket_activities', 'attachments')
    AND ((SELECT auth.uid()) = client_id OR (SELECT auth.uid()) = old_client_id));
CREATE POLICY events_agent ON public.events FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() = 'agent') AND source IN ('tickets', 'ticket_activities', 'attachments'));
CREATE POLICY events_admin ON public.events FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() = 'admin'));
CREATE POLICY events_worker ON public.events FOR SELECT TO autocrm_worker USING (true);
CREATE POLICY events_owner ON public.events FOR INSERT TO autocrm_owner WITH CHECK (true);

CREATE POLICY event_commits_viewer ON public.event_commits FOR SELECT TO authenticated
  USING (EXISTS (SELECT FROM public.events e WHERE e.xid = event_commits.xid));
CREATE POLICY event_commits_worker ON public.event_commits FOR SELECT TO autocrm_worker USING (true);
CREATE POLICY event_commits_owner_reads ON public.event_commits FOR SELECT TO autocrm_owner USING (true);
CREATE POLICY event_commits_owner ON public.event_commits FOR INSERT TO autocrm_owner WITH CHECK (true);
-- The staff's lists have the log's head for a version, also where all of it is forgotten.
CREATE POLICY event_epochs_staff ON public.event_epochs FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY event_epochs_worker ON public.event_epochs FOR SELECT TO autocrm_worker USING (true);
CREATE POLICY event_epochs_owner ON public.event_epochs TO autocrm_owner USING (true) WITH CHECK (true);

-- +goose Down
DROP TABLE public.events, public.event_commits, public.event_epochs CASCADE;
DROP SCHEMA live CASCADE;
