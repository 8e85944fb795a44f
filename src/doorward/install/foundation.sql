-- What doorward needs in a database once, before any scope: its schema, its groups, the grant table and the
-- guard that refuses data definition to grant sessions. Run by a superuser in one transaction; running it
-- again changes nothing. Source of each guard: the escapes tried in tests/live/test_escapes.py.
--
-- INVARIANT (the gateway defines nothing): the schema and all that a superuser's trigger reads belong to the role that
-- installs. doorward_admin, which the gateway is, owns the grant table and its view alone: who owns a schema can
-- replace what stands in it, and a superuser's trigger would run the replacement.

DO $roles$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'doorward_admin') THEN
    CREATE ROLE doorward_admin LOGIN CREATEROLE NOINHERIT;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dw_sessions') THEN
    CREATE ROLE dw_sessions NOLOGIN;
  END IF;
END
$roles$;

COMMENT ON ROLE doorward_admin IS 'made by doorward; `doorward order uninstall` drops it';
COMMENT ON ROLE dw_sessions IS 'made by doorward; `doorward order uninstall` drops it';
GRANT dw_sessions TO doorward_admin WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
GRANT pg_signal_backend TO doorward_admin WITH INHERIT TRUE;

CREATE SCHEMA IF NOT EXISTS doorward;
ALTER SCHEMA doorward OWNER TO CURRENT_USER;
GRANT USAGE ON SCHEMA doorward TO doorward_admin;

-- Which grant a login role stands for. Unlogged: after a crash of the server no session is left, and neither
-- may a grant be. Bound by the gateway before it logs in, removed when the backend is gone.
CREATE UNLOGGED TABLE IF NOT EXISTS doorward.session_grant (
  login    name PRIMARY KEY,
  scope    text NOT NULL,
  case_no  text NOT NULL,
  unit     text NOT NULL,
  place    text NOT NULL,
  until    timestamptz NOT NULL
);
ALTER TABLE doorward.session_grant OWNER TO doorward_admin;

-- session_user, not current_user: the views' owner reads this on the session's behalf.
CREATE OR REPLACE VIEW doorward.my_grant WITH (security_barrier) AS
  SELECT case_no, unit, place
  FROM doorward.session_grant
  WHERE login = session_user AND until > statement_timestamp();
ALTER VIEW doorward.my_grant OWNER TO doorward_admin;

-- What is in force, so that a second start can tell that nothing changed and a drift shows.
CREATE TABLE IF NOT EXISTS doorward.installation (
  only_one           boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  order_name         text NOT NULL,
  order_digest       text NOT NULL,
  scopes_digest      text NOT NULL,
  installed_at       timestamptz NOT NULL
);
ALTER TABLE doorward.installation OWNER TO CURRENT_USER;
ALTER TABLE doorward.installation ADD COLUMN IF NOT EXISTS collections_digest text NOT NULL DEFAULT '';
ALTER TABLE doorward.installation ADD COLUMN IF NOT EXISTS mode text NOT NULL DEFAULT 'rows';
ALTER TABLE doorward.installation ADD COLUMN IF NOT EXISTS catalog_digest text NOT NULL DEFAULT '';
GRANT SELECT ON doorward.installation TO doorward_admin;

-- The city's tables that carry row policies of ours, and whether row security was on before.
CREATE TABLE IF NOT EXISTS doorward.covered (
  relation          oid PRIMARY KEY,
  name              text NOT NULL,
  had_row_security  boolean NOT NULL
);
-- The access list of each object of the city's that an install touches, as it was before.
CREATE TABLE IF NOT EXISTS doorward.acl_before (
  catalog  text NOT NULL,
  object   oid NOT NULL,
  acl      text,
  PRIMARY KEY (catalog, object)
);
-- Rights that were PUBLIC's and are now held by name, and the roles that were given all of them.
CREATE TABLE IF NOT EXISTS doorward.moved_right (
  granted  text PRIMARY KEY,
  catalog  text NOT NULL,
  object   oid NOT NULL
);
CREATE TABLE IF NOT EXISTS doorward.moved_to (
  role  oid PRIMARY KEY
);

-- Direct membership, because pg_has_role() says yes to every superuser; without the admin option, because
-- doorward_admin holds that and must be able to drop what a session left.
CREATE OR REPLACE FUNCTION doorward.refuse_ddl() RETURNS event_trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM pg_catalog.pg_auth_members m
    WHERE m.roleid = 'dw_sessions'::pg_catalog.regrole AND NOT m.admin_option
      AND m.member = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user)
  ) THEN
    RAISE EXCEPTION USING ERRCODE = '42501',
      MESSAGE = 'a session under the order reads, and defines nothing';
  END IF;
END
$$;
REVOKE ALL ON FUNCTION doorward.refuse_ddl() FROM PUBLIC;

DROP EVENT TRIGGER IF EXISTS doorward_refuse_ddl;
CREATE EVENT TRIGGER doorward_refuse_ddl ON ddl_command_start EXECUTE FUNCTION doorward.refuse_ddl();
