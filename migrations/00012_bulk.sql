-- +goose Up
-- Changes of many tickets at once. One is done in the background, in one transaction of its own: until that commits,
-- nothing is changed. How far it is stands here meanwhile, written beside that transaction.

CREATE TABLE public.bulk_changes (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  actor_id uuid NOT NULL REFERENCES public.users,
  change jsonb NOT NULL,    -- what is done to each ticket
  selection jsonb NOT NULL, -- which tickets: their numbers, or the query that found them
  undoes uuid REFERENCES public.bulk_changes ON DELETE CASCADE,
  total int NOT NULL CHECK (total >= 0),
  done int NOT NULL DEFAULT 0,    -- looked at so far
  changed int NOT NULL DEFAULT 0, -- of these
  refused int NOT NULL DEFAULT 0, -- of these; the rest was so already
  state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'cancelled', 'failed', 'undone')),
  cancel_requested boolean NOT NULL DEFAULT false,
  report jsonb NOT NULL DEFAULT '{}',
  started_at timestamptz NOT NULL DEFAULT now(),
  beat_at timestamptz NOT NULL DEFAULT now(), -- when its node was last heard of
  ended_at timestamptz
);
CREATE INDEX bulk_changes_actor_idx ON public.bulk_changes (actor_id, started_at DESC);
CREATE UNIQUE INDEX bulk_changes_running_key ON public.bulk_changes (actor_id) WHERE state = 'running';
CREATE UNIQUE INDEX bulk_changes_undoes_key ON public.bulk_changes (undoes) WHERE state IN ('running', 'done');
CREATE INDEX bulk_changes_beat_idx ON public.bulk_changes (beat_at) WHERE state = 'running';

-- What each changed ticket was and became, some hundred tickets a row.
CREATE TABLE public.bulk_change_parts (
  bulk_change_id uuid NOT NULL REFERENCES public.bulk_changes ON DELETE CASCADE,
  part int NOT NULL,
  tickets jsonb NOT NULL,
  PRIMARY KEY (bulk_change_id, part)
);

-- +goose StatementBegin
CREATE FUNCTION live.record_bulk_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM live.tell('bulk_changes', TG_OP, NEW.id, 'bulk', NEW.actor_id);
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER bulk_changes_event AFTER INSERT OR UPDATE OF done, state, cancel_requested ON public.bulk_changes
  FOR EACH ROW EXECUTE FUNCTION live.record_bulk_change();

ALTER TABLE public.bulk_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.bulk_changes FORCE ROW LEVEL SECURITY;
ALTER TABLE public.bulk_change_parts ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.bulk_change_parts FORCE ROW LEVEL SECURITY;

GRANT SELECT,
      INSERT (id, actor_id, change, selection, undoes, total),
      UPDATE (done, changed, refused, state, cancel_requested, report, beat_at, ended_at) ON public.bulk_changes TO authenticated;
GRANT SELECT, INSERT ON public.bulk_change_parts TO authenticated;
GRANT SELECT, UPDATE, DELETE ON public.bulk_changes TO autocrm_worker;

CREATE POLICY bulk_changes_sees ON public.bulk_changes FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() = 'admin')
    OR (SELECT auth.user_role() = 'agent') AND actor_id = (SELECT auth.uid()));
CREATE POLICY bulk_changes_begins ON public.bulk_changes FOR INSERT TO authenticated
  WITH CHECK ((SELECT auth.user_role() IN ('agent', 'admin')) AND actor_id = (SELECT auth.uid()));
CREATE POLICY bulk_changes_goes_on ON public.bulk_changes FOR UPDATE TO authenticated
  USING ((SELECT auth.user_role() = 'admin')
    OR (SELECT auth.user_role() = 'agent') AND actor_id = (SELECT auth.uid()))
  WITH CHECK ((SELECT auth.user_role() = 'admin')
    OR (SELECT auth.user_role() = 'agent') AND actor_id = (SELECT auth.uid()));
CREATE POLICY bulk_changes_worker ON public.bulk_changes TO autocrm_worker USING (true) WITH CHECK (true);

-- Whose the change is, says its own row, under its own policies.
CREATE POLICY bulk_change_parts_sees ON public.bulk_change_parts FOR SELECT TO authenticated
  USING (EXISTS (SELECT FROM public.bulk_changes b WHERE b.id = bulk_change_id));
CREATE POLICY bulk_change_parts_keeps ON public.bulk_change_parts FOR INSERT TO authenticated
  WITH CHECK (EXISTS (SELECT FROM public.bulk_changes b WHERE b.id = bulk_change_id AND b.actor_id = (SELECT auth.uid())));

-- +goose Down
DROP TABLE public.bulk_change_parts, public.bulk_changes;
DROP FUNCTION live.record_bulk_change;
