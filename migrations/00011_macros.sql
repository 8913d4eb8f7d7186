-- +goose Up
-- Macros: words and changes that are used again and again. One that only writes is what people call a template.

CREATE TABLE public.macros (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  owner_id uuid NOT NULL REFERENCES public.users,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
  shortcut text NOT NULL DEFAULT '' CHECK (shortcut ~ '^[a-z0-9_-]{0,20}$'),
  shared boolean NOT NULL DEFAULT false,
  -- Markdown with placeholders; '' says nothing.
  reply text NOT NULL DEFAULT '' CHECK (length(reply) <= 20000),
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 20000),
  -- NULL, '' and {} change nothing.
  status text CHECK (status IN ('open', 'pending', 'on_hold', 'resolved', 'closed', 'cancelled')),
  priority text CHECK (priority IN ('low', 'medium', 'high', 'urgent')),
  assign text NOT NULL DEFAULT '' CHECK (assign IN ('', 'me', 'nobody', 'person')),
  assignee_id uuid REFERENCES public.users,
  -- By name, so that a macro can say which tag it misses.
  add_tags text[] NOT NULL DEFAULT '{}',
  remove_tags text[] NOT NULL DEFAULT '{}',
  uses bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((assign = 'person') = (assignee_id IS NOT NULL))
);
CREATE INDEX macros_owner_idx ON public.macros (owner_id);

-- +goose StatementBegin
CREATE FUNCTION live.record_macro() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  -- A private one is its owner's alone; one that was shared or is now is news for all.
  IF coalesce(NEW.shared, false) OR coalesce(OLD.shared, false) THEN
    PERFORM live.tell('macros', TG_OP, coalesce(NEW.id, OLD.id), 'macros');
  ELSE
    PERFORM live.tell('macros', TG_OP, coalesce(NEW.id, OLD.id), 'macros', coalesce(NEW.owner_id, OLD.owner_id));
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
-- Not of uses: it is counted each time.
CREATE TRIGGER macros_event AFTER INSERT OR DELETE OR UPDATE OF name, shortcut, shared, reply, note, status, priority,
  assign, assignee_id, add_tags, remove_tags ON public.macros FOR EACH ROW EXECUTE FUNCTION live.record_macro();

-- +goose StatementBegin
-- Counts a use, by whoever may use it: it is not theirs to change.
CREATE FUNCTION tickets.use_macro(macro uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  UPDATE public.macros SET uses = uses + 1
  WHERE id = macro AND (shared OR owner_id = auth.uid()) AND auth.user_role() IN ('agent', 'admin')
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION tickets.use_macro FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tickets.use_macro TO authenticated;

-- +goose StatementBegin
-- A tag's new name is known to the macros too.
CREATE FUNCTION tickets.rename_in_macros() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  UPDATE public.macros SET add_tags = array_replace(add_tags, OLD.name, NEW.name),
                           remove_tags = array_replace(remove_tags, OLD.name, NEW.name)
    WHERE OLD.name = ANY (add_tags) OR OLD.name = ANY (remove_tags);
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER tags_name_in_macros AFTER UPDATE OF name ON public.tags
  FOR EACH ROW WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION tickets.rename_in_macros();

ALTER TABLE public.macros ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.macros FORCE ROW LEVEL SECURITY;
GRANT SELECT,
      INSERT (id, owner_id, name, shortcut, shared, reply, note, status, priority, assign, assignee_id, add_tags, remove_tags),
      UPDATE (name, shortcut, shared, reply, note, status, priority, assign, assignee_id, add_tags, remove_tags, updated_at),
      DELETE ON public.macros TO authenticated;
GRANT SELECT, INSERT ON public.macros TO autocrm_worker;

CREATE POLICY macros_staff_sees ON public.macros FOR SELECT TO authenticated
  USING ((SELECT auth.user_role() IN ('agent', 'admin')) AND (shared OR owner_id = (SELECT auth.uid())));
CREATE POLICY macros_staff_makes ON public.macros FOR INSERT TO authenticated
  WITH CHECK ((SELECT auth.user_role() IN ('agent', 'admin')) AND owner_id = (SELECT auth.uid()));
CREATE POLICY macros_staff_changes ON public.macros FOR UPDATE TO authenticated
  USING ((SELECT auth.user_role() IN ('agent', 'admin'))
    AND (owner_id = (SELECT auth.uid()) OR shared AND (SELECT auth.user_role() = 'admin')))
  WITH CHECK ((SELECT auth.user_role() IN ('agent', 'admin'))
    AND (owner_id = (SELECT auth.uid()) OR shared AND (SELECT auth.user_role() = 'admin')));
CREATE POLICY macros_staff_deletes ON public.macros FOR DELETE TO authenticated
  USING ((SELECT auth.user_role() IN ('agent', 'admin'))
    AND (owner_id = (SELECT auth.uid()) OR shared AND (SELECT auth.user_role() = 'admin')));
CREATE POLICY macros_worker ON public.macros TO autocrm_worker USING (true) WITH CHECK (true);
CREATE POLICY macros_owner_reads ON public.macros FOR SELECT TO autocrm_owner USING (true);
CREATE POLICY macros_owner_counts ON public.macros FOR UPDATE TO autocrm_owner USING (true) WITH CHECK (true);

-- +goose Down
DROP TRIGGER tags_name_in_macros ON public.tags;
DROP FUNCTION tickets.rename_in_macros;
DROP TABLE public.macros;
DROP FUNCTION live.record_macro, tickets.use_macro;
