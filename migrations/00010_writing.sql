-- +goose Up
-- What is being written: drafts that their author finds on every device, replies that are held back for a moment so
-- that they can be taken back, and who is mentioned.

-- ---- drafts

-- One of a person, ticket and kind is being written; beside it stand replies that are on their way.
CREATE TABLE public.drafts (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), -- of a reply on its way: the id that its activity will have
  user_id uuid NOT NULL REFERENCES public.users ON DELETE CASCADE,
  ticket_id uuid NOT NULL REFERENCES public.tickets ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('reply', 'note')),
  content text NOT NULL DEFAULT '' CHECK (length(content) <= 1000000),
  -- The status that the ticket gets with the reply, and the one it had as far as its author knew.
  then_status text NOT NULL DEFAULT '',
  seen_status text NOT NULL DEFAULT '',
  -- The end of the timeline as far as its author knew.
  seen_position bigint NOT NULL DEFAULT 0,
  -- Of a reply on its way: the form that it was written in.
  form_id uuid,
  -- When it is sent; NULL while it is being written. Undone until then.
  send_at timestamptz,
  -- Why it was not sent, in words.
  refused text NOT NULL DEFAULT '',
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (send_at IS NULL OR kind = 'reply'),
  UNIQUE (id, user_id)
);
CREATE UNIQUE INDEX drafts_writing_key ON public.drafts (user_id, ticket_id, kind) WHERE send_at IS NULL;
CREATE INDEX drafts_ticket_idx ON public.drafts (ticket_id);
CREATE INDEX drafts_due_idx ON public.drafts (send_at) WHERE send_at IS NOT NULL;

-- Files that lie in the store of files and go with a draft.
CREATE TABLE public.draft_files (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  draft_id uuid NOT NULL,
  user_id uuid NOT NULL,
  file_name text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 255),
  content_type text NOT NULL,
  size bigint NOT NULL CHECK (size BETWEEN 0 AND 26214400),
  sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
  storage_key text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  FOREIGN KEY (draft_id, user_id) REFERENCES public.drafts (id, user_id) ON DELETE CASCADE
);
CREATE INDEX draft_files_draft_idx ON public.draft_files (draft_id);

-- +goose StatementBegin
-- What is being written is its author's alone. That somebody is about to send a reply is for all staff to know.
CREATE FUNCTION live.record_draft() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  draft public.drafts := coalesce(NEW, OLD);
  ticket bigint;
BEGIN
  SELECT number INTO ticket FROM public.tickets WHERE id = draft.ticket_id;
  IF ticket IS NULL THEN -- it goes with its ticket
    RETURN NULL;
  END IF;
  IF TG_OP <> 'INSERT' AND OLD.send_at IS NULL OR TG_OP <> 'DELETE' AND NEW.send_at IS NULL THEN
    PERFORM live.tell('drafts', TG_OP, draft.id, 'draft-' || ticket, draft.user_id);
  END IF;
  IF TG_OP <> 'INSERT' AND OLD.send_at IS NOT NULL OR TG_OP <> 'DELETE' AND NEW.send_at IS NOT NULL THEN
    PERFORM live.tell('drafts', TG_OP, draft.id, 'sending-' || ticket);
  ELSIF TG_OP <> 'INSERT' AND OLD.refused <> '' THEN -- what stood there of it is no longer so
    PERFORM live.tell('drafts', TG_OP, draft.id, 'sending-' || ticket, draft.user_id);
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER drafts_event AFTER INSERT OR UPDATE OR DELETE ON public.drafts
  FOR EACH ROW EXECUTE FUNCTION live.record_draft();

-- +goose StatementBegin
-- Who is about to send a reply to a ticket, and nothing of what it says.
CREATE FUNCTION tickets.being_sent(ticket uuid) RETURNS TABLE (id uuid, user_id uuid, full_name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF coalesce(auth.user_role(), '') NOT IN ('agent', 'admin') THEN
    RETURN;
  END IF;
  RETURN QUERY
    SELECT d.id, d.user_id, u.full_name
    FROM public.drafts d JOIN public.users u ON u.id = d.user_id
    WHERE d.ticket_id = ticket AND d.send_at IS NOT NULL
    ORDER BY d.send_at, d.id;
END
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION tickets.being_sent FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tickets.being_sent TO authenticated;

-- ---- mentions

CREATE TABLE public.mentions (
  activity_id uuid NOT NULL REFERENCES public.ticket_activities ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES public.users ON DELETE CASCADE,
  PRIMARY KEY (activity_id, user_id)
);
CREATE INDEX mentions_user_idx ON public.mentions (user_id);

-- ---- who may

ALTER TABLE public.drafts ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.drafts FORCE ROW LEVEL SECURITY;
ALTER TABLE public.draft_files ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.draft_files FORCE ROW LEVEL SECURITY;
ALTER TABLE public.mentions ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.mentions FORCE ROW LEVEL SECURITY;

GRANT SELECT,
      INSERT (id, user_id, ticket_id, kind, content, then_status, seen_status, seen_position, form_id, send_at),
      UPDATE (content, then_status, seen_status, seen_position, send_at, refused, updated_at),
      DELETE ON public.drafts TO authenticated;
GRANT SELECT,
      INSERT (id, draft_id, user_id, file_name, content_type, size, sha256, storage_key),
      UPDATE (draft_id),
      DELETE ON public.draft_files TO authenticated;
GRANT SELECT, INSERT (activity_id, user_id) ON public.mentions TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.drafts, public.draft_files, public.mentions TO autocrm_worker;

CREATE POLICY drafts_author ON public.drafts TO authenticated
  USING (user_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')))
  WITH CHECK (user_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY drafts_worker ON public.drafts TO autocrm_worker USING (true) WITH CHECK (true);
CREATE POLICY drafts_owner_reads ON public.drafts FOR SELECT TO autocrm_owner USING (true);
CREATE POLICY draft_files_author ON public.draft_files TO authenticated
  USING (user_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')))
  WITH CHECK (user_id = (SELECT auth.uid()) AND (SELECT auth.user_role() IN ('agent', 'admin')));
CREATE POLICY draft_files_worker ON public.draft_files TO autocrm_worker USING (true) WITH CHECK (true);
CREATE POLICY mentions_staff_sees_all ON public.mentions FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() IN ('agent', 'admin')));
-- One mentions others in one's own words alone.
CREATE POLICY mentions_author_adds ON public.mentions FOR INSERT TO authenticated
  WITH CHECK ((SELECT auth.user_role() IN ('agent', 'admin'))
    AND EXISTS (SELECT FROM public.ticket_activities a WHERE a.id = activity_id AND a.user_id = (SELECT auth.uid())));
CREATE POLICY mentions_worker ON public.mentions TO autocrm_worker USING (true) WITH CHECK (true);
CREATE POLICY mentions_owner_reads ON public.mentions FOR SELECT TO autocrm_owner USING (true);

-- +goose Down
DROP TABLE public.mentions, public.draft_files, public.drafts CASCADE;
DROP FUNCTION tickets.being_sent, live.record_draft;
