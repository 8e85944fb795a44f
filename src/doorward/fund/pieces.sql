-- What comes in pieces is checked whole. Run by `doorward.fund.database` at every install, after `ledger.sql` and
-- `reports.sql`, as the role `doorward_fund_owner`: a ledger that an earlier version made has it too.
--
-- The checks of those files run at the end of a database transaction, or where SET CONSTRAINTS ... IMMEDIATE asks for
-- them. Each runs once for its row. Rows that come below it after that are refused here, or checked again.

DO $$
BEGIN
    IF to_regclass('fund.checked') IS NULL THEN
        CREATE TABLE fund.checked (filing bigint PRIMARY KEY REFERENCES fund.filing);
        CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON fund.checked FOR EACH ROW EXECUTE FUNCTION fund.keep();
        CREATE TRIGGER kept_whole BEFORE TRUNCATE ON fund.checked FOR EACH STATEMENT EXECUTE FUNCTION fund.keep();
        GRANT SELECT ON fund.checked TO doorward_fund;
    END IF;
END $$;

-- A claim is checked again for each part: with the whole of it, and whatever else was done with it.
CREATE OR REPLACE FUNCTION fund.check_part_end() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    t fund.transaction;
    wrong text;
BEGIN
    FOR t IN SELECT * FROM fund.transaction WHERE claim = NEW.claim LOOP
        wrong := fund.check_whole(t);
        IF wrong IS NOT NULL THEN
            RAISE check_violation USING MESSAGE = format('%s: %s', t.operation, wrong);
        END IF;
    END LOOP;
    SELECT fund.check_billed(c) INTO wrong FROM fund.claim c WHERE c.id = NEW.claim;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'DW001', MESSAGE = 'report: ' || wrong;
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS part_is_whole ON fund.claim_part;
CREATE CONSTRAINT TRIGGER part_is_whole AFTER INSERT ON fund.claim_part
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fund.check_part_end();

-- Tables of people are read of a quarter that another database transaction closed, which is recorded then, and of no
-- way that fewer than three grantees delivered: of two each could take its own table off the sum, and have the other's.
CREATE OR REPLACE VIEW fund.banded_closed AS
    SELECT b.way, b.quarter, b.category, b.band, b.tables FROM fund.banded b JOIN fund.closed_quarter c USING (quarter)
        JOIN fund.filing f ON f.number = c.filing AND f.inserted IS DISTINCT FROM pg_current_xact_id_if_assigned()
    WHERE (SELECT count(DISTINCT a.grantee) FROM fund.delivered d JOIN fund.agreement a ON a.id = d.agreement
        WHERE (d.way, d.quarter) = (b.way, b.quarter)) >= 3;
GRANT SELECT ON fund.banded_closed TO doorward_fund;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA fund FROM PUBLIC;
