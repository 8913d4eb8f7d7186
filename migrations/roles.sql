-- The roles AutoCRM uses. Roles belong to the whole cluster, so this runs before the numbered migrations,
-- may run again at any time, and copes with another database of the same cluster doing the same at once.
--
--   autocrm_owner   owns the schema and the SECURITY DEFINER functions; never used by a request
--   autocrm_web     what the web pool is between requests: owns nothing, may read nothing
--   authenticated   a signed-in person; what it sees is decided by the policies and the request's claims
--   autocrm_auth    signing in: passwords, sessions, invitations; nothing about tickets
--   autocrm_worker  background work: the event log and upkeep; no HTTP handler holds it
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['autocrm_owner', 'authenticated', 'autocrm_auth', 'autocrm_worker'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', name);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
      END;
    END IF;
  END LOOP;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'autocrm_web') THEN
    BEGIN
      -- No password: until an operator sets one, only a server that trusts the connection lets it in.
      CREATE ROLE autocrm_web LOGIN NOINHERIT;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END IF;
  FOREACH name IN ARRAY ARRAY['authenticated', 'autocrm_auth', 'autocrm_worker'] LOOP
    IF NOT pg_has_role('autocrm_web', name, 'MEMBER') THEN
      BEGIN
        EXECUTE format('GRANT %I TO autocrm_web', name);
      EXCEPTION WHEN unique_violation OR duplicate_object THEN NULL;
      END;
    END IF;
  END LOOP;
  -- An owner that is no superuser must be able to become each of them.
  FOREACH name IN ARRAY ARRAY['autocrm_owner', 'autocrm_web', 'authenticated', 'autocrm_auth', 'autocrm_worker'] LOOP
    IF NOT pg_has_role(current_user, name, 'MEMBER') THEN
      EXECUTE format('GRANT %I TO CURRENT_USER', name);
    END IF;
  END LOOP;
  EXECUTE format('GRANT CREATE, CONNECT, TEMPORARY ON DATABASE %I TO autocrm_owner', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO autocrm_web', current_database());
  GRANT CREATE, USAGE ON SCHEMA public TO autocrm_owner;
END
$$;
