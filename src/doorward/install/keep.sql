-- Roles that are granted a right after the install: in the same transaction they keep every row (law 3), and what was
-- moved away from PUBLIC is given to a role that came later. Runs as the role that installed.
--
-- A lock that a GRANT does not get in five seconds is an error, not a silence: the role would read no row and nobody
-- would know why. Where a REVOKE does not get one at once, the role stays in the policy, which opens nothing: what
-- it may read is decided by its rights first.

CREATE OR REPLACE FUNCTION doorward.keep_rows() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
AS $$
DECLARE
  kept record;
  moved record;
  late name[];
BEGIN
  FOR kept IN
    SELECT c.relation,
      ARRAY(SELECT k FROM doorward.keepers(c.relation) k ORDER BY k) AS wanted,
      ARRAY(SELECT r.rolname FROM pg_roles r WHERE r.oid = ANY (p.polroles) ORDER BY r.rolname) AS present
    FROM doorward.covered c
    JOIN pg_policy p ON p.polrelid = c.relation AND p.polname = 'doorward_keep'
  LOOP
    CONTINUE WHEN kept.wanted = kept.present;
    BEGIN
      IF kept.wanted <@ kept.present THEN
        PERFORM set_config('lock_timeout', '200ms', true);
      END IF;
      EXECUTE format('ALTER POLICY doorward_keep ON %s TO %s', kept.relation::regclass,
        (SELECT string_agg(quote_ident(k), ', ') FROM unnest(kept.wanted) k));
    EXCEPTION WHEN lock_not_available THEN
      IF NOT kept.wanted <@ kept.present THEN
        RAISE EXCEPTION USING ERRCODE = '55P03',
          MESSAGE = format('%s is in use, so the role that was granted a right on it could not keep its rows', kept.relation::regclass),
          HINT = 'end the transaction that holds the table, then grant again';
      END IF;
    END;
    PERFORM set_config('lock_timeout', '5s', true);
  END LOOP;

  late := ARRAY(
    SELECT r.rolname FROM pg_roles r
    WHERE NOT r.rolsuper AND r.rolname !~ '^pg_' AND NOT doorward.is_own(r.rolname)
      AND NOT EXISTS (SELECT FROM doorward.moved_to t WHERE t.role = r.oid)
    ORDER BY r.rolname);
  IF cardinality(late) > 0 THEN
    -- First, because each GRANT below comes back here.
    INSERT INTO doorward.moved_to SELECT r.oid FROM pg_roles r WHERE r.rolname = ANY (late);
    FOR moved IN SELECT m.granted FROM doorward.moved_right m LOOP
      EXECUTE format('GRANT %s TO %s', moved.granted,
        (SELECT string_agg(quote_ident(l), ', ') FROM unnest(late) l));
    END LOOP;
  END IF;
END
$$;
REVOKE ALL ON FUNCTION doorward.keep_rows() FROM PUBLIC;

DROP EVENT TRIGGER IF EXISTS doorward_keep_rows;
CREATE EVENT TRIGGER doorward_keep_rows ON ddl_command_end
  WHEN TAG IN ('GRANT', 'REVOKE', 'ALTER TABLE') EXECUTE FUNCTION doorward.keep_rows();
