-- +goose Up
-- What staff are told of by name: notifications, which kinds of them a person wants, and whose turn is about to be late.

CREATE TABLE public.notifications (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  position bigint GENERATED ALWAYS AS IDENTITY, -- the order of a person's list
  user_id uuid NOT NULL REFERENCES public.users ON DELETE CASCADE,
  -- assigned: somebody gave the ticket to the person. answered: its customer wrote on a ticket that the person has.
  -- mentioned: a colleague named the person. followed: somebody wrote on a ticket that the person follows. late: nobody has answered the customer of such a ticket for long. unsent:
  -- a reply of the person's that was held back for a moment could not be sent.
  kind text NOT NULL CHECK (kind IN ('assigned', 'mentioned', 'answered', 'followed', 'late', 'unsent')),
  ticket_id uuid NOT NULL REFERENCES public.tickets ON DELETE CASCADE,
  activity_id uuid REFERENCES public.ticket_activities ON DELETE CASCADE,
  actor_id uuid REFERENCES public.users ON DELETE SET NULL, -- NULL: the clock, or nobody who was signed in
  -- Of a change of many at once: how many tickets beside this one, so that it is one line and not thousands.
  more int NOT NULL DEFAULT 0 CHECK (more >= 0),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  read_at timestamptz
);
CREATE UNIQUE INDEX notifications_list_idx ON public.notifications (user_id, position);
CREATE INDEX notifications_unread_idx ON public.notifications (user_id, ticket_id) WHERE read_at IS NULL;
CREATE INDEX notifications_ticket_idx ON public.notifications (ticket_id, user_id);
CREATE INDEX notifications_activity_idx ON public.notifications (activity_id) WHERE activity_id IS NOT NULL;
CREATE INDEX notifications_created_idx ON public.notifications (created_at);

-- The kinds that a person does not want. What is off is not written.
CREATE TABLE public.notification_mutes (
  user_id uuid NOT NULL REFERENCES public.users ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('assigned', 'mentioned', 'answered', 'followed', 'late', 'unsent')),
  PRIMARY KEY (user_id, kind)
);

-- When who has the ticket is to be told that its customer waits. It holds only the tickets whose time is to come: the
-- look at what is due reads these, however many tickets there are.
CREATE TABLE public.ticket_reminders (
  ticket_id uuid PRIMARY KEY REFERENCES public.tickets ON DELETE CASCADE,
  due_at timestamptz NOT NULL
);
CREATE INDEX ticket_reminders_due_idx ON public.ticket_reminders (due_at);

-- ---- who is told of what

-- +goose StatementBegin
-- How long a customer may wait before who has the ticket is told; here alone it is said.
CREATE FUNCTION tickets.patience(priority text) RETURNS interval
LANGUAGE sql IMMUTABLE SET search_path = '' AS $$
  SELECT CASE priority WHEN 'urgent' THEN interval '1 hour' WHEN 'high' THEN interval '2 hours' ELSE interval '4 hours' END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Whether the person is to be told of such a thing that actor did: staff who are active and have not switched it off,
-- and nobody of what they did themselves.
CREATE FUNCTION tickets.wants(person uuid, kind text, actor uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT person IS DISTINCT FROM actor AND person IS DISTINCT FROM auth.uid()
    AND EXISTS (SELECT FROM public.users u WHERE u.id = person AND u.active AND u.user_role IN ('agent', 'admin'))
    AND NOT EXISTS (SELECT FROM public.notification_mutes m WHERE m.user_id = person AND m.kind = wants.kind)
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- What happens on a ticket stands on its timeline, so this is the one place that hears of it. Of more than five
-- tickets that one statement gives to a person, the first stands for all.
CREATE FUNCTION tickets.notify_of_activities() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  INSERT INTO public.notifications (user_id, kind, ticket_id, activity_id, actor_id, more, created_at)
    SELECT user_id, kind, ticket_id, activity_id, actor_id, CASE WHEN alike > 5 THEN alike - 1 ELSE 0 END, created_at
    FROM (SELECT w.user_id, w.kind, n.ticket_id, n.id AS activity_id, n.user_id AS actor_id, n.created_at, n.position,
                 count(*) OVER (PARTITION BY w.user_id, w.kind, n.user_id) AS alike,
                 row_number() OVER (PARTITION BY w.user_id, w.kind, n.user_id ORDER BY n.position) AS nth
          FROM new_rows n
          JOIN public.tickets t ON t.id = n.ticket_id
          CROSS JOIN LATERAL (
            SELECT (n.metadata ->> 'to')::uuid AS user_id, 'assigned' AS kind WHERE n.activity_type = 'assignment'
            UNION ALL SELECT t.agent_id, 'assigned' WHERE n.activity_type = 'created'
            UNION ALL SELECT t.agent_id, 'answered' WHERE n.activity_type = 'comment' AND n.user_id = t.client_id
            UNION ALL SELECT f.user_id, 'followed' FROM public.ticket_followers f
              WHERE f.ticket_id = n.ticket_id AND n.activity_type IN ('comment', 'internal_note')
                AND (f.user_id, n.user_id) IS DISTINCT FROM (t.agent_id, t.client_id)) w
          WHERE w.user_id IS NOT NULL AND tickets.wants(w.user_id, w.kind, n.user_id)) told
    WHERE alike <= 5 OR nth = 1
    ORDER BY position;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER activities_notify AFTER INSERT ON public.ticket_activities
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tickets.notify_of_activities();

-- +goose StatementBegin
CREATE FUNCTION tickets.notify_of_mentions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  INSERT INTO public.notifications (user_id, kind, ticket_id, activity_id, actor_id)
    SELECT n.user_id, 'mentioned', a.ticket_id, a.id, a.user_id
    FROM new_rows n JOIN public.ticket_activities a ON a.id = n.activity_id
    WHERE tickets.wants(n.user_id, 'mentioned', a.user_id);
  -- Who follows the ticket as well is told once.
  DELETE FROM public.notifications f USING new_rows n
    WHERE f.activity_id = n.activity_id AND f.user_id = n.user_id AND f.kind = 'followed'
      AND EXISTS (SELECT FROM public.notifications m WHERE m.activity_id = n.activity_id AND m.user_id = n.user_id AND m.kind = 'mentioned');
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER mentions_notify AFTER INSERT ON public.mentions
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tickets.notify_of_mentions();

-- +goose StatementBegin
-- The one thing that one is told of one's own doing: that it was not done.
CREATE FUNCTION tickets.notify_of_refusal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  INSERT INTO public.notifications (user_id, kind, ticket_id)
    SELECT NEW.user_id, 'unsent', NEW.ticket_id
    WHERE NOT EXISTS (SELECT FROM public.notification_mutes m WHERE m.user_id = NEW.user_id AND m.kind = 'unsent');
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER drafts_notify AFTER UPDATE ON public.drafts
  FOR EACH ROW WHEN (NEW.refused <> '' AND (OLD.refused = '' OR OLD.send_at IS NOT NULL))
  EXECUTE FUNCTION tickets.notify_of_refusal();

-- +goose StatementBegin
-- Sets the time at which who has the ticket is to be told that its customer waits.
CREATE FUNCTION tickets.remind() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF NEW.waiting_since IS NULL OR NEW.agent_id IS NULL OR NEW.snoozed_until IS NOT NULL
     OR NEW.status NOT IN ('new', 'open', 'pending', 'on_hold') THEN
    DELETE FROM public.ticket_reminders WHERE ticket_id = NEW.id;
  ELSE
    INSERT INTO public.ticket_reminders (ticket_id, due_at) VALUES (NEW.id, NEW.waiting_since + tickets.patience(NEW.priority))
      ON CONFLICT (ticket_id) DO UPDATE SET due_at = EXCLUDED.due_at;
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER tickets_remind_insert AFTER INSERT ON public.tickets
  FOR EACH ROW WHEN (NEW.waiting_since IS NOT NULL AND NEW.agent_id IS NOT NULL) EXECUTE FUNCTION tickets.remind();
CREATE TRIGGER tickets_remind_update AFTER UPDATE ON public.tickets
  FOR EACH ROW WHEN (
    (OLD.agent_id IS NOT NULL OR NEW.agent_id IS NOT NULL) AND
    (OLD.waiting_since, OLD.agent_id, OLD.priority, OLD.status, OLD.snoozed_until)
      IS DISTINCT FROM (NEW.waiting_since, NEW.agent_id, NEW.priority, NEW.status, NEW.snoozed_until))
  EXECUTE FUNCTION tickets.remind();
REVOKE EXECUTE ON FUNCTION tickets.wants, tickets.patience FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tickets.wants TO autocrm_worker;

INSERT INTO public.ticket_reminders (ticket_id, due_at)
  SELECT id, waiting_since + tickets.patience(priority) FROM public.tickets
  WHERE waiting_since IS NOT NULL AND agent_id IS NOT NULL AND snoozed_until IS NULL
    AND status IN ('new', 'open', 'pending', 'on_hold');

-- ---- told to the one person's pages, once a statement however many rows

-- +goose StatementBegin
CREATE FUNCTION live.record_notifications() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM live.tell('notifications', TG_OP, id, 'notifications', user_id)
      FROM (SELECT DISTINCT ON (user_id) id, user_id FROM old_rows WHERE read_at IS NULL) o;
  ELSE
    PERFORM live.tell('notifications', TG_OP, id, 'notifications', user_id)
      FROM (SELECT DISTINCT ON (user_id) id, user_id FROM new_rows) n;
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER notifications_event_insert AFTER INSERT ON public.notifications
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_notifications();
CREATE TRIGGER notifications_event_update AFTER UPDATE ON public.notifications
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_notifications();
CREATE TRIGGER notifications_event_delete AFTER DELETE ON public.notifications
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_notifications();

-- ---- who may

ALTER TABLE public.notifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.notifications FORCE ROW LEVEL SECURITY;
ALTER TABLE public.notification_mutes ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.notification_mutes FORCE ROW LEVEL SECURITY;
ALTER TABLE public.ticket_reminders ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.ticket_reminders FORCE ROW LEVEL SECURITY;

GRANT SELECT, UPDATE (read_at) ON public.notifications TO authenticated;
GRANT SELECT, INSERT, DELETE ON public.notification_mutes TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.notifications, public.notification_mutes, public.ticket_reminders TO autocrm_worker;

CREATE POLICY notifications_own ON public.notifications FOR SELECT TO authenticated
  USING (user_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY notifications_own_changes ON public.notifications FOR UPDATE TO authenticated
  USING (user_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')))
  WITH CHECK (user_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY notifications_worker ON public.notifications TO autocrm_worker USING (true) WITH CHECK (true);
CREATE POLICY notifications_owner ON public.notifications TO autocrm_owner USING (true) WITH CHECK (true);

CREATE POLICY notification_mutes_own ON public.notification_mutes TO authenticated
  USING (user_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')))
  WITH CHECK (user_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY notification_mutes_worker ON public.notification_mutes TO autocrm_worker USING (true) WITH CHECK (true);
CREATE POLICY notification_mutes_owner_reads ON public.notification_mutes FOR SELECT TO autocrm_owner USING (true);

CREATE POLICY ticket_reminders_worker ON public.ticket_reminders TO autocrm_worker USING (true) WITH CHECK (true);
CREATE POLICY ticket_reminders_owner ON public.ticket_reminders TO autocrm_owner USING (true) WITH CHECK (true);

-- +goose Down
DROP TRIGGER tickets_remind_insert ON public.tickets;
DROP TRIGGER tickets_remind_update ON public.tickets;
DROP TRIGGER activities_notify ON public.ticket_activities;
DROP TRIGGER mentions_notify ON public.mentions;
DROP TRIGGER drafts_notify ON public.drafts;
DROP FUNCTION tickets.remind, tickets.notify_of_activities, tickets.notify_of_mentions, tickets.notify_of_refusal, tickets.wants;
DROP TABLE public.ticket_reminders, public.notification_mutes, public.notifications CASCADE;
DROP FUNCTION live.record_notifications, tickets.patience;
