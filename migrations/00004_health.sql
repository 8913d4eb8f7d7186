-- +goose Up
-- How well live updates work, as each node counts it, and what the doctor found: the admin portal's page "Health".

-- A node's figures of one minute. They make no event: four times a minute a row changes, and whoever looks at the
-- page asks once a minute anyway.
CREATE TABLE public.live_samples (
  minute timestamptz NOT NULL,
  node text NOT NULL CHECK (length(node) BETWEEN 1 AND 300),
  portal text NOT NULL CHECK (portal IN ('client', 'agent', 'admin')),
  sampled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- At that moment: what is open, whether the node hears of changes at once, and whether it goes on running.
  streams integer NOT NULL,
  polls integer NOT NULL,
  listening boolean NOT NULL,
  up boolean NOT NULL,
  -- In the minute so far: streams and polls that came about, those that failed, why any did not come about, and how
  -- many changes were handed on how fast (store.LagBounds).
  connects integer NOT NULL,
  failed integer NOT NULL,
  reasons jsonb NOT NULL,
  lags bigint[] NOT NULL,
  PRIMARY KEY (minute, node, portal)
);

-- What the doctor found on behalf of an admin. findings is NULL while it is at work, and where nothing came of it.
CREATE TABLE public.examinations (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  started_by uuid REFERENCES public.users ON DELETE SET NULL,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  findings jsonb CHECK (findings IS NULL OR ended_at IS NOT NULL)
);
-- One at a time, over all nodes.
CREATE UNIQUE INDEX examinations_under_way_key ON public.examinations ((true)) WHERE ended_at IS NULL;
CREATE INDEX examinations_started_at_idx ON public.examinations (started_at DESC);

ALTER TABLE public.events DROP CONSTRAINT events_source_check;
ALTER TABLE public.events ADD CONSTRAINT events_source_check
  CHECK (source IN ('tickets', 'ticket_activities', 'attachments', 'users', 'sessions', 'invitations', 'examinations'));

-- +goose StatementBegin
-- That one began or ended; not what it found, which the log would keep twice.
CREATE FUNCTION live.record_examinations() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  INSERT INTO public.events (source, operation, row_id, actor_id, opens)
    SELECT 'examinations', lower(TG_OP), n.id, n.started_by, row_number() OVER () = 1 AND live.opens()
    FROM new_rows n;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER examinations_event_insert AFTER INSERT ON public.examinations
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_examinations();
CREATE TRIGGER examinations_event_update AFTER UPDATE ON public.examinations
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live.record_examinations();

ALTER TABLE public.live_samples ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.live_samples FORCE ROW LEVEL SECURITY;
ALTER TABLE public.examinations ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.examinations FORCE ROW LEVEL SECURITY;

GRANT SELECT ON public.live_samples, public.examinations TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.live_samples, public.examinations TO autocrm_worker;

CREATE POLICY live_samples_admin ON public.live_samples FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() = 'admin'));
CREATE POLICY live_samples_worker ON public.live_samples TO autocrm_worker USING (true) WITH CHECK (true);
CREATE POLICY examinations_admin ON public.examinations FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() = 'admin'));
CREATE POLICY examinations_worker ON public.examinations TO autocrm_worker USING (true) WITH CHECK (true);

-- +goose Down
DROP TABLE public.live_samples, public.examinations;
DROP FUNCTION live.record_examinations;
DELETE FROM public.events WHERE source = 'examinations';
ALTER TABLE public.events DROP CONSTRAINT events_source_check;
ALTER TABLE public.events ADD CONSTRAINT events_source_check
  CHECK (source IN ('tickets', 'ticket_activities', 'attachments', 'users', 'sessions', 'invitations'));
