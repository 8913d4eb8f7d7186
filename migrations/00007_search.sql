-- +goose Up
-- Search. What a ticket says stands once more as words in search.documents, kept in the transaction of the data by
-- triggers. Nobody may read it: full-text operators are not leakproof, so under row-level security their index would
-- not serve. The functions below ask it as the owner, tell who asks by the claims, and give away ids alone; what is
-- shown of those is read from the tables, as the viewer.

CREATE SCHEMA search;
GRANT USAGE ON SCHEMA search TO authenticated, autocrm_auth, autocrm_worker;

-- +goose StatementBegin
-- The extension is where the database has it already, or else here.
DO $do$
DECLARE
  home text;
BEGIN
  CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA search;
  SELECT n.nspname INTO home FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'unaccent';
  EXECUTE format($f$
    -- A text as it is compared: words of letters and digits in lower case, without accents, one blank between them.
    CREATE FUNCTION search.plain(words text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = '' AS $body$
    BEGIN
      IF octet_length(words) <> length(words) THEN
        words := %1$I.unaccent('%1$I.unaccent', normalize(words, NFC));
      END IF;
      RETURN lower(regexp_replace(words, '[^[:alnum:]]+', ' ', 'g'));
    END
    $body$
  $f$, home);
END
$do$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION search.vector(words text, weight "char") RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = '' AS $$
BEGIN
  IF words IS NULL OR words = '' THEN
    RETURN '';
  END IF;
  RETURN setweight(to_tsvector('pg_catalog.simple', search.plain(words)), weight);
EXCEPTION WHEN program_limit_exceeded THEN
  -- More different words than one vector holds, a megabyte of them: its beginning is found.
  RETURN setweight(to_tsvector('pg_catalog.simple', search.plain(left(words, 100000))), weight);
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Two vectors in one; what no longer fits into it is not found.
CREATE FUNCTION search.joined(a tsvector, b tsvector) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = '' AS $$
BEGIN
  IF length(b) = 0 THEN
    RETURN a;
  END IF;
  RETURN a || b;
EXCEPTION WHEN program_limit_exceeded THEN
  RETURN a;
END
$$;
-- +goose StatementEnd

-- What a ticket's client may find it by, what the desk alone may, and whose it is: three vectors and not one, so that
-- what a client may not read moves neither its matches nor their rank. Weights: A the subject and number, B the
-- requester's name and address, C messages and names of files, D internal ones.
CREATE TABLE search.documents (
  ticket_id uuid PRIMARY KEY REFERENCES public.tickets ON DELETE CASCADE,
  number bigint NOT NULL,
  client_id uuid NOT NULL,
  public tsvector NOT NULL,
  internal tsvector NOT NULL,
  people tsvector NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- +goose StatementBegin
-- All that the desk finds a ticket by, and, as a word that no text has, its block: 1024 numbers that follow each
-- other. An index of words knows no order; with the block in it, it can be asked for the newest first.
CREATE FUNCTION search.everything(public tsvector, internal tsvector, people tsvector, number bigint) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = '' AS $$
BEGIN
  RETURN search.joined(array_to_tsvector(ARRAY['#' || (number / 1024)]) || people || public, internal);
EXCEPTION WHEN program_limit_exceeded THEN
  RETURN array_to_tsvector(ARRAY['#' || (number / 1024)]) || public;
END
$$;
-- +goose StatementEnd
-- No pending list: its reading would be added to every search, and its emptying to some unlucky reply.
CREATE INDEX documents_words_idx ON search.documents
  USING gin (search.everything(public, internal, people, number)) WITH (fastupdate = off);
ALTER INDEX search.documents_words_idx ALTER COLUMN 1 SET STATISTICS 300;

-- What words may have been meant by a misspelt one: each word of a subject or a person's name, under itself and under
-- itself without each of its letters in turn. Two words that differ by one letter more, less, other or exchanged have
-- such a variant in common. Not unique: two transactions with the same new word need not wait for each other.
CREATE TABLE search.words (
  variant text COLLATE "C" NOT NULL,
  word text COLLATE "C" NOT NULL
);
CREATE INDEX words_variant_idx ON search.words (variant, word);

CREATE INDEX users_words_idx ON public.users USING gin (search.vector(full_name || ' ' || email, 'B')) WITH (fastupdate = off);

CREATE POLICY attachments_owner_searches ON public.attachments FOR SELECT TO autocrm_owner USING (true);

-- ---- keeping it

-- What the documents of tickets are, made from the data.
CREATE VIEW search.made WITH (security_invoker = true) AS
  SELECT t.id AS ticket_id, t.number, t.client_id,
         search.joined(search.vector(t.number || ' ' || t.subject, 'A'),
           search.vector(concat_ws(' ', t.description, said.public, files.public), 'C')) AS public,
         search.vector(concat_ws(' ', said.internal, files.internal), 'D') AS internal,
         search.vector(u.full_name || ' ' || u.email, 'B') AS people
  FROM public.tickets t
    JOIN public.users u ON u.id = t.client_id
    CROSS JOIN LATERAL (
      SELECT string_agg(a.content, ' ' ORDER BY a.position) FILTER (WHERE NOT a.is_internal) AS public,
             string_agg(a.content, ' ' ORDER BY a.position) FILTER (WHERE a.is_internal) AS internal
      FROM public.ticket_activities a WHERE a.ticket_id = t.id AND a.content <> '') said
    CROSS JOIN LATERAL (
      SELECT string_agg(f.file_name, ' ' ORDER BY f.created_at, f.id) FILTER (WHERE NOT f.is_internal) AS public,
             string_agg(f.file_name, ' ' ORDER BY f.created_at, f.id) FILTER (WHERE f.is_internal) AS internal
      FROM public.attachments f WHERE f.ticket_id = t.id) files;

-- +goose StatementBegin
-- Makes the documents of these tickets anew. The lock comes first: what is read after it has all that others, who
-- held it, committed.
CREATE FUNCTION search.refresh(tickets uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM FROM search.documents d WHERE d.ticket_id = ANY (tickets) ORDER BY d.number FOR UPDATE;
  INSERT INTO search.documents AS d SELECT * FROM search.made m WHERE m.ticket_id = ANY (tickets) ORDER BY m.number
    ON CONFLICT (ticket_id) DO UPDATE SET number = excluded.number, client_id = excluded.client_id,
      public = excluded.public, internal = excluded.internal, people = excluded.people;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION search.variants(word text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = '' AS $$
  SELECT word UNION SELECT left(word, i - 1) || substr(word, i + 1) FROM generate_series(1, length(word)) i
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Words worth correcting to: no short ones, no numbers and codes.
CREATE FUNCTION search.learn(texts text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  INSERT INTO search.words (variant, word)
    SELECT v, w.word
    FROM (SELECT DISTINCT word FROM unnest(texts) AS said, regexp_split_to_table(search.plain(said), ' ') AS word
          WHERE length(word) BETWEEN 4 AND 24 AND word !~ '[0-9]') w
      CROSS JOIN LATERAL search.variants(w.word) v
    WHERE NOT EXISTS (SELECT FROM search.words known WHERE known.variant = w.word COLLATE "C" AND known.word = w.word COLLATE "C");
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION search.keep_tickets() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM search.refresh(array_agg(n.id)), search.learn(array_agg(n.subject)) FROM new_rows n HAVING count(*) > 0;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER tickets_search_insert AFTER INSERT ON public.tickets
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION search.keep_tickets();

-- +goose StatementBegin
CREATE FUNCTION search.keep_ticket() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM search.refresh(ARRAY[NEW.id]), search.learn(ARRAY[NEW.subject]);
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER tickets_search_update AFTER UPDATE ON public.tickets FOR EACH ROW
  WHEN ((OLD.subject, OLD.description, OLD.number, OLD.client_id) IS DISTINCT FROM (NEW.subject, NEW.description, NEW.number, NEW.client_id))
  EXECUTE FUNCTION search.keep_ticket();

-- +goose StatementBegin
-- Messages and files. What is added is appended: a long ticket is not read again for every reply. Who adds to a
-- ticket has its row locked by then, so that two do not append at once.
CREATE FUNCTION search.keep_parts() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF TG_TABLE_NAME = 'attachments' THEN
      UPDATE search.documents d
        SET public = search.joined(d.public, search.vector(n.public, 'C')),
            internal = search.joined(d.internal, search.vector(n.internal, 'D'))
        FROM (SELECT n.ticket_id, string_agg(n.file_name, ' ' ORDER BY n.created_at, n.id) FILTER (WHERE NOT n.is_internal) AS public,
                     string_agg(n.file_name, ' ' ORDER BY n.created_at, n.id) FILTER (WHERE n.is_internal) AS internal
              FROM new_rows n GROUP BY n.ticket_id) n
        WHERE d.ticket_id = n.ticket_id;
    ELSIF EXISTS (SELECT FROM new_rows n WHERE n.content <> '') THEN
      UPDATE search.documents d
        SET public = search.joined(d.public, search.vector(n.public, 'C')),
            internal = search.joined(d.internal, search.vector(n.internal, 'D'))
        FROM (SELECT n.ticket_id, string_agg(n.content, ' ' ORDER BY n.position) FILTER (WHERE NOT n.is_internal) AS public,
                     string_agg(n.content, ' ' ORDER BY n.position) FILTER (WHERE n.is_internal) AS internal
              FROM new_rows n WHERE n.content <> '' GROUP BY n.ticket_id) n
        WHERE d.ticket_id = n.ticket_id;
    END IF;
  ELSIF TG_OP = 'DELETE' THEN
    PERFORM search.refresh(array_agg(DISTINCT o.ticket_id)) FROM old_rows o HAVING count(*) > 0;
  ELSE
    PERFORM search.refresh(array_agg(DISTINCT x.ticket_id))
      FROM (SELECT ticket_id FROM old_rows UNION SELECT ticket_id FROM new_rows) x HAVING count(*) > 0;
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER ticket_activities_search_insert AFTER INSERT ON public.ticket_activities
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION search.keep_parts();
CREATE TRIGGER ticket_activities_search_update AFTER UPDATE ON public.ticket_activities
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION search.keep_parts();
CREATE TRIGGER ticket_activities_search_delete AFTER DELETE ON public.ticket_activities
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION search.keep_parts();
CREATE TRIGGER attachments_search_insert AFTER INSERT ON public.attachments
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION search.keep_parts();
CREATE TRIGGER attachments_search_update AFTER UPDATE ON public.attachments
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION search.keep_parts();
CREATE TRIGGER attachments_search_delete AFTER DELETE ON public.attachments
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION search.keep_parts();

-- +goose StatementBegin
CREATE FUNCTION search.keep_person() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM search.learn(ARRAY[NEW.full_name]);
  IF TG_OP = 'UPDATE' THEN
    UPDATE search.documents d SET people = search.vector(NEW.full_name || ' ' || NEW.email, 'B')
      FROM public.tickets t WHERE t.client_id = NEW.id AND d.ticket_id = t.id;
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER users_search_insert AFTER INSERT ON public.users
  FOR EACH ROW WHEN (NOT auth.is_probe(NEW.id)) EXECUTE FUNCTION search.keep_person();
CREATE TRIGGER users_search_update AFTER UPDATE ON public.users
  FOR EACH ROW WHEN ((OLD.full_name, OLD.email) IS DISTINCT FROM (NEW.full_name, NEW.email)) EXECUTE FUNCTION search.keep_person();

-- +goose StatementBegin
-- Makes everything anew, for who filled the tables with the triggers off. A million tickets take minutes.
CREATE FUNCTION search.rebuild() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET maintenance_work_mem = '512MB' SET work_mem = '64MB' AS $$
BEGIN
  LOCK TABLE search.documents IN ACCESS EXCLUSIVE MODE;
  DROP INDEX search.documents_words_idx, search.words_variant_idx;
  TRUNCATE search.documents, search.words;
  INSERT INTO search.documents SELECT * FROM search.made ORDER BY number;
  CREATE INDEX documents_words_idx ON search.documents
    USING gin (search.everything(public, internal, people, number)) WITH (fastupdate = off);
  ALTER INDEX search.documents_words_idx ALTER COLUMN 1 SET STATISTICS 300;
  INSERT INTO search.words (variant, word)
    SELECT v, w.word
    FROM (SELECT DISTINCT word
          FROM (SELECT subject FROM public.tickets UNION ALL SELECT full_name FROM public.users) said (words),
               regexp_split_to_table(search.plain(said.words), ' ') AS word
          WHERE length(word) BETWEEN 4 AND 24 AND word !~ '[0-9]') w
      CROSS JOIN LATERAL search.variants(w.word) v;
  CREATE INDEX words_variant_idx ON search.words (variant, word);
  ANALYZE search.documents, search.words;
END
$$;
-- +goose StatementEnd

-- ---- asking it. A query is a tsquery as text, of words that search.plain made.

-- +goose StatementBegin
-- The words of each text, in the order they stand in; a text without any has no row.
CREATE FUNCTION search.words_of(texts text[]) RETURNS TABLE (text_no bigint, plain text, words text[])
LANGUAGE sql STABLE SET search_path = '' AS $$
  SELECT said.no, btrim(search.plain(said.words)), array_agg(w.lexeme ORDER BY place)
  FROM unnest(texts) WITH ORDINALITY AS said (words, no),
       unnest(search.vector(said.words, 'A')) AS w, unnest(w.positions) AS place
  GROUP BY said.no, said.words
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- About how many tickets a query finds, as the planner guesses; for a client all of its own. Volatile, for no other
-- function may EXPLAIN.
CREATE FUNCTION search.estimate(query text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  plan json;
BEGIN
  IF auth.user_role() = 'client' THEN
    RETURN (SELECT count(*) FROM (SELECT FROM public.tickets t WHERE t.client_id = auth.uid() LIMIT 100000) own);
  ELSIF auth.user_role() IN ('agent', 'admin') THEN
    EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM search.documents d
      WHERE search.everything(d.public, d.internal, d.people, d.number) @@ %L::tsquery', query) INTO plan;
    RETURN (plan -> 0 -> 'Plan' ->> 'Plan Rows')::bigint;
  END IF;
  RETURN 0;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- As newest, by reading one document after the other.
CREATE FUNCTION search.walked(wanted tsquery, before bigint, most int) RETURNS TABLE (ticket_id uuid, number bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET enable_seqscan = off AS $$
BEGIN
  RETURN QUERY SELECT t.id, t.number FROM public.tickets t JOIN search.documents d ON d.ticket_id = t.id
    WHERE t.number < before AND search.everything(d.public, d.internal, d.people, d.number) @@ wanted
    ORDER BY t.number DESC LIMIT most;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The newest tickets that a query finds, by number, those before a number; at most so many, and never one that the
-- asking client may not read.
CREATE FUNCTION search.newest(query text, before bigint, most int) RETURNS TABLE (ticket_id uuid, number bigint)
-- Asked of whole blocks, the words' index is the way, whatever the planner thinks of a common word.
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET enable_seqscan = off SET work_mem = '32MB' AS $$
DECLARE
  wanted tsquery := query::tsquery;
  guess bigint;
  top bigint;
  bottom bigint;
  width bigint;
  got int := 0;
  batch int;
  blocks text;
BEGIN
  IF auth.user_role() = 'client' THEN
    RETURN QUERY SELECT d.ticket_id, d.number FROM public.tickets t JOIN search.documents d ON d.ticket_id = t.id
      WHERE t.client_id = auth.uid() AND t.number < before AND d.public @@ wanted ORDER BY d.number DESC LIMIT most;
    RETURN;
  ELSIF auth.user_role() IS DISTINCT FROM 'agent' AND auth.user_role() IS DISTINCT FROM 'admin' THEN
    RETURN;
  END IF;

  guess := greatest(search.estimate(query), 1);
  top := least(coalesce((SELECT max(t.number) FROM public.tickets t), 0), before - 1) / 1024; -- also where there is none
  -- Of a word so common a few blocks hold enough. They are asked one stretch after the other, each longer.
  IF query LIKE '%:*%' AND guess > top * 1024 / 20 THEN
    -- Of a word's beginning the index reads every word that begins so, whatever else is asked for.
    RETURN QUERY SELECT * FROM search.walked(wanted, before, most);
    RETURN;
  END IF;
  width := CASE WHEN guess > 4 * most THEN 2 + (top + 1) * most / guess ELSE top + 1 END;
  WHILE top >= 0 AND got < most LOOP
    bottom := CASE WHEN width > 200 THEN 0 ELSE greatest(top - width + 1, 0) END;
    IF bottom > 0 THEN
      SELECT string_agg('''#' || b || '''', '|') INTO blocks FROM generate_series(bottom, top) b;
      RETURN QUERY EXECUTE 'SELECT d.ticket_id, d.number FROM search.documents d
        WHERE search.everything(d.public, d.internal, d.people, d.number) @@ $1 AND d.number < $2
        ORDER BY d.number DESC LIMIT $3' USING wanted && blocks::tsquery, before, most - got;
    ELSE
      RETURN QUERY EXECUTE 'SELECT d.ticket_id, d.number FROM search.documents d
        WHERE search.everything(d.public, d.internal, d.people, d.number) @@ $1 AND d.number < $2
        ORDER BY d.number DESC LIMIT $3' USING wanted, least(before, (top + 1) * 1024), most - got;
    END IF;
    GET DIAGNOSTICS batch = ROW_COUNT;
    got := got + batch;
    top := bottom - 1;
    width := width * 4;
  END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Whether a query finds this ticket: for lists that walk many tickets in an order of their own.
CREATE FUNCTION search.matches(ticket uuid, query tsquery) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' COST 5000 AS $$
BEGIN
  IF auth.user_role() = 'client' THEN
    RETURN EXISTS (SELECT FROM search.documents d WHERE d.ticket_id = ticket AND d.client_id = auth.uid() AND d.public @@ query);
  ELSIF auth.user_role() IN ('agent', 'admin') THEN
    RETURN EXISTS (SELECT FROM search.documents d WHERE d.ticket_id = ticket
      AND search.everything(d.public, d.internal, d.people, d.number) @@ query);
  END IF;
  RETURN false;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Whether these words, as search.plain has them, stand on this ticket in this order within one text.
CREATE FUNCTION search.says(ticket uuid, phrase text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' COST 50000 AS $$
DECLARE
  part text := ' ' || btrim(phrase) || ' ';
  client boolean := auth.user_role() = 'client';
BEGIN
  IF part = '  ' OR auth.uid() IS NULL OR coalesce(auth.user_role(), '') NOT IN ('client', 'agent', 'admin')
     OR client AND NOT tickets.is_own(ticket) THEN
    RETURN false;
  END IF;
  RETURN EXISTS (SELECT FROM public.tickets t JOIN public.users u ON u.id = t.client_id
      WHERE t.id = ticket AND (
        position(part IN ' ' || search.plain(t.subject) || ' ') > 0
        OR position(part IN ' ' || t.number || ' ') > 0
        OR position(part IN ' ' || search.plain(t.description) || ' ') > 0
        OR NOT client AND position(part IN ' ' || search.plain(u.full_name) || ' ') > 0
        OR NOT client AND position(part IN ' ' || search.plain(u.email) || ' ') > 0))
    OR EXISTS (SELECT FROM public.ticket_activities a
      WHERE a.ticket_id = ticket AND a.content <> '' AND NOT (client AND a.is_internal)
        AND position(part IN ' ' || search.plain(a.content) || ' ') > 0)
    OR EXISTS (SELECT FROM public.attachments f
      WHERE f.ticket_id = ticket AND NOT (client AND f.is_internal)
        AND position(part IN ' ' || search.plain(f.file_name) || ' ') > 0);
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- How well a query fits each of these tickets; nothing of those that the asking client may not read.
CREATE FUNCTION search.ranked(query text, tickets uuid[]) RETURNS TABLE (ticket_id uuid, rank real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' ROWS 500 AS $$
BEGIN
  IF auth.user_role() = 'client' THEN
    RETURN QUERY SELECT d.ticket_id, ts_rank('{0.1, 0.2, 0.6, 1}', d.public, query::tsquery)
      FROM search.documents d WHERE d.ticket_id = ANY (tickets) AND d.client_id = auth.uid();
  ELSIF auth.user_role() IN ('agent', 'admin') THEN
    RETURN QUERY SELECT d.ticket_id, ts_rank('{0.1, 0.2, 0.6, 1}', search.everything(d.public, d.internal, d.people, d.number), query::tsquery)
      FROM search.documents d WHERE d.ticket_id = ANY (tickets);
  END IF;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Words of subjects and names that a misspelt word may stand for. For a client: all words of its own subjects.
CREATE FUNCTION search.near(misspelt text) RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF auth.user_role() = 'client' THEN
    RETURN QUERY SELECT DISTINCT w.lexeme FROM public.tickets t JOIN search.documents d ON d.ticket_id = t.id, unnest(d.public) w
      WHERE t.client_id = auth.uid() AND 'A' = ANY (w.weights);
  ELSIF auth.user_role() IN ('agent', 'admin') THEN
    RETURN QUERY SELECT DISTINCT k.word::text FROM search.words k WHERE k.variant IN (SELECT search.variants(misspelt)) LIMIT 200;
  END IF;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- People whose name or address has the words; for staff alone.
CREATE FUNCTION search.people(query text, most int) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET enable_seqscan = off AS $$
BEGIN
  IF auth.user_role() IN ('agent', 'admin') THEN
    RETURN QUERY SELECT u.id FROM public.users u
      WHERE search.vector(u.full_name || ' ' || u.email, 'B') @@ query::tsquery LIMIT most;
  END IF;
END
$$;
-- +goose StatementEnd

-- What only makes words of a text stays everybody's: whoever writes a person's name fills an index of them.
REVOKE EXECUTE ON FUNCTION search.refresh, search.learn, search.rebuild, search.walked,
  search.estimate, search.newest, search.matches, search.says, search.ranked, search.near, search.people FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search.estimate, search.newest, search.matches, search.says, search.ranked, search.near, search.people
  TO authenticated;

SELECT search.rebuild();

-- +goose Down
-- +goose StatementBegin
DO $$ BEGIN RAISE EXCEPTION 'there is no way back from migration 7; restore a backup'; END $$;
-- +goose StatementEnd
