-- +goose Up
-- Two hands on one ticket: messages that are written against a thread which has moved on, who is looking and who is
-- writing, and what the desk knows of a customer.

-- ---- messages against a thread that has moved on

-- How far their author had seen the timeline; NULL: not asked. It is checked as the row comes, and never kept.
ALTER TABLE public.ticket_activities ADD COLUMN seen_position bigint CHECK (seen_position IS NULL);
GRANT INSERT (seen_position) ON public.ticket_activities TO authenticated;

-- +goose StatementBegin
-- Refuses a message where somebody else has written on the ticket what its author had not seen. The lock makes two who
-- send at once take turns; the second one's question sees what the first one committed.
CREATE FUNCTION tickets.refuse_unseen() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  -- What a client may not see it cannot have seen; and what was sent already is not sent too late.
  IF auth.user_role() IS DISTINCT FROM 'client' AND NOT EXISTS (SELECT FROM public.ticket_activities a WHERE a.id = NEW.id) THEN
    PERFORM FROM public.tickets t WHERE t.id = NEW.ticket_id FOR UPDATE;
    IF EXISTS (SELECT FROM public.ticket_activities a
               WHERE a.ticket_id = NEW.ticket_id AND a.position > NEW.seen_position
                 AND a.activity_type IN ('comment', 'internal_note') AND a.user_id IS DISTINCT FROM NEW.user_id) THEN
      RAISE EXCEPTION 'others wrote on the ticket what the author has not seen'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ticket_activities_moved_on';
    END IF;
  END IF;
  NEW.seen_position := NULL;
  RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER ticket_activities_refuse_unseen BEFORE INSERT ON public.ticket_activities
  FOR EACH ROW WHEN (NEW.seen_position IS NOT NULL) EXECUTE FUNCTION tickets.refuse_unseen();

-- ---- who is looking, who is writing

-- One row for each page of the staff that shows a ticket. It names the ticket by its number and refers to nothing that
-- is locked while a ticket changes: being there waits for nobody.
CREATE TABLE public.presences (
  ticket_number bigint NOT NULL,
  user_id uuid NOT NULL REFERENCES public.users ON DELETE CASCADE,
  page text NOT NULL CHECK (length(page) BETWEEN 1 AND 64),
  session_id uuid NOT NULL REFERENCES public.sessions ON DELETE CASCADE,
  writing boolean NOT NULL DEFAULT false,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (ticket_number, user_id, page)
);

-- +goose StatementBegin
-- Tells where what others see of a person on a ticket has changed: not by a second tab, nor by a sign of life.
CREATE FUNCTION live.record_presence() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  r record := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
  elsewhere boolean; -- NULL: on no other page
  before boolean := CASE WHEN TG_OP <> 'INSERT' THEN OLD.writing END;
  after boolean := CASE WHEN TG_OP <> 'DELETE' THEN NEW.writing END;
BEGIN
  -- Two tabs that close at once must not each take the other for still being there.
  PERFORM pg_advisory_xact_lock(hashtext('autocrm.presences'));
  SELECT bool_or(p.writing) INTO elsewhere FROM public.presences p
    WHERE p.ticket_number = r.ticket_number AND p.user_id = r.user_id AND p.page <> r.page;
  IF coalesce(before OR elsewhere, elsewhere, before) IS DISTINCT FROM coalesce(after OR elsewhere, elsewhere, after) THEN
    PERFORM live.tell('presences', TG_OP, r.user_id, 'presence-' || r.ticket_number);
    PERFORM live.tell('presences', TG_OP, r.user_id, 'presences');
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER presences_event AFTER INSERT OR DELETE OR UPDATE OF writing ON public.presences
  FOR EACH ROW EXECUTE FUNCTION live.record_presence();

-- +goose StatementBegin
-- Whoever's session is over, or who is no longer of the staff, is there no more.
CREATE FUNCTION live.end_presence() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_TABLE_NAME = 'sessions' THEN
    DELETE FROM public.presences p WHERE p.session_id = NEW.id;
  ELSE
    DELETE FROM public.presences p WHERE p.user_id = NEW.id;
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER sessions_end_presence AFTER UPDATE OF revoked_at ON public.sessions
  FOR EACH ROW WHEN (NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION live.end_presence();
CREATE TRIGGER users_end_presence AFTER UPDATE OF user_role, active ON public.users
  FOR EACH ROW WHEN (NEW.user_role <> OLD.user_role OR NOT NEW.active) EXECUTE FUNCTION live.end_presence();

ALTER TABLE public.presences ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.presences FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (writing, expires_at, session_id), DELETE ON public.presences TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.presences TO autocrm_worker;
CREATE POLICY presences_staff_sees_all ON public.presences FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY presences_own ON public.presences TO authenticated
  USING (user_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')))
  WITH CHECK (user_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY presences_worker ON public.presences TO autocrm_worker USING (true) WITH CHECK (true);
CREATE POLICY presences_owner_reads ON public.presences FOR SELECT TO autocrm_owner USING (true);
CREATE POLICY presences_owner_ends ON public.presences FOR DELETE TO autocrm_owner USING (true);

-- ---- the customer beside the ticket

CREATE INDEX tickets_client_active_idx ON public.tickets (client_id)
  WHERE status IN ('new', 'open', 'pending', 'on_hold');

CREATE TABLE public.customer_notes (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), -- chosen by the form that made it
  customer_id uuid NOT NULL REFERENCES public.users ON DELETE CASCADE,
  author_id uuid REFERENCES public.users ON DELETE SET NULL,
  body text NOT NULL CHECK (length(body) BETWEEN 1 AND 5000),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  edited_at timestamptz
);
CREATE INDEX customer_notes_customer_idx ON public.customer_notes (customer_id, created_at);
CREATE INDEX customer_notes_author_idx ON public.customer_notes (author_id);

-- +goose StatementBegin
CREATE FUNCTION live.record_customer_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM live.tell('customer_notes', TG_OP, coalesce(NEW.id, OLD.id), 'customer-' || coalesce(NEW.customer_id, OLD.customer_id));
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER customer_notes_event AFTER INSERT OR UPDATE OR DELETE ON public.customer_notes
  FOR EACH ROW EXECUTE FUNCTION live.record_customer_note();

ALTER TABLE public.customer_notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.customer_notes FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT (id, customer_id, author_id, body), UPDATE (body, edited_at), DELETE ON public.customer_notes TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.customer_notes TO autocrm_worker;
CREATE POLICY customer_notes_staff_sees_all ON public.customer_notes FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY customer_notes_own ON public.customer_notes TO authenticated
  USING (author_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')))
  WITH CHECK (author_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY customer_notes_worker ON public.customer_notes TO autocrm_worker USING (true) WITH CHECK (true);

-- +goose Down
-- Forward only, as everything since 6.
-- +goose StatementBegin
DO $$ BEGIN RAISE EXCEPTION 'there is no way back from migration 9; restore a backup'; END $$;
-- +goose StatementEnd
