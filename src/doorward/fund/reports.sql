-- Grantees' reports beside the ledger, in the same schema. Run by `doorward.fund.database` after `ledger.sql`, as the
-- role `doorward_fund_owner`.
--
-- The application's role may read everything but tables of people in bands, and INSERT; nothing is changed or removed.
-- What the numbers 1 to 6 at the head of `fund/filings/decide.py` say holds here for whatever SQL that role runs.
-- A rule of this file that stops an operation of the ledger has the SQLSTATE DW001: the store tells it as a refusal.

CREATE TABLE fund.check_rule (
    code text PRIMARY KEY,
    excusable boolean NOT NULL,
    refers boolean NOT NULL
);
CREATE TABLE fund.reason (code text PRIMARY KEY);

CREATE TABLE fund.filing (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key uuid NOT NULL UNIQUE,
    act text NOT NULL CHECK (act IN ('terms', 'accept-terms', 'report', 'return-report', 'refused', 'ask-exception',
        'grant-exception', 'draw', 'review', 'deliver', 'close-quarter')),
    login text NOT NULL CHECK (login ~ '^[a-z0-9][a-z0-9._@+-]{0,99}$'),
    day date NOT NULL,
    agreement text REFERENCES fund.agreement CHECK ((agreement IS NULL) = (act = 'close-quarter')),
    about bigint REFERENCES fund.filing CHECK ((about IS NULL) = (act IN ('terms', 'report', 'refused', 'deliver', 'close-quarter'))),
    text text NOT NULL CHECK (length(text) <= 65536),  -- `acts.format_filing`; its digest is in the record
    inserted xid8 NOT NULL
);
CREATE UNIQUE INDEX filing_once ON fund.filing (act, about)
    WHERE act IN ('accept-terms', 'return-report', 'grant-exception', 'draw', 'review');
CREATE INDEX filing_of_agreement ON fund.filing (agreement, act);
CREATE TABLE fund.filing_recorded (  -- the sequence of its entry in the record; without it nothing commits
    filing bigint PRIMARY KEY REFERENCES fund.filing,
    entry bigint NOT NULL UNIQUE
);
ALTER TABLE fund.filing ADD CONSTRAINT filing_is_recorded
    FOREIGN KEY (number) REFERENCES fund.filing_recorded (filing) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE fund.bought (
    terms bigint NOT NULL REFERENCES fund.filing,
    service text NOT NULL,
    units integer NOT NULL CHECK (units >= 0),
    price_cents bigint NOT NULL CHECK (price_cents > 0),
    PRIMARY KEY (terms, service)
);
CREATE TABLE fund.budgeted (
    terms bigint NOT NULL REFERENCES fund.filing,
    line text NOT NULL,
    cents bigint NOT NULL CHECK (cents > 0),
    PRIMARY KEY (terms, line)
);
CREATE TABLE fund.charged (
    terms bigint NOT NULL REFERENCES fund.filing,
    word text NOT NULL,
    line text NOT NULL REFERENCES fund.line,
    service text NOT NULL,
    PRIMARY KEY (terms, word)
);

CREATE TABLE fund.report (
    filing bigint PRIMARY KEY REFERENCES fund.filing,
    agreement text NOT NULL REFERENCES fund.agreement,
    begins date NOT NULL,
    ends date NOT NULL CHECK (ends >= begins),
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$')
);
CREATE INDEX report_of_agreement ON fund.report (agreement);
-- Words of the order's lists and numbers: what is no such word does not fit, whoever puts it in.
CREATE DOMAIN fund.word AS text CHECK (VALUE ~ '^[a-z0-9-]{0,40}$');
CREATE DOMAIN fund.few AS integer CHECK (VALUE BETWEEN 0 AND 99999);
CREATE TABLE fund.report_units (
    report bigint NOT NULL REFERENCES fund.report,
    place integer NOT NULL CHECK (place BETWEEN 1 AND 20001),
    service fund.word NOT NULL,
    detained text NOT NULL CHECK (detained IN ('', 'yes', 'no')),
    stage fund.word NOT NULL,
    opened fund.few NOT NULL,
    carried fund.few NOT NULL,
    closed fund.few NOT NULL,
    units fund.few NOT NULL,
    PRIMARY KEY (report, place)
);
CREATE TABLE fund.report_outcome (
    report bigint NOT NULL REFERENCES fund.report,
    place integer NOT NULL CHECK (place BETWEEN 1 AND 20001),
    service fund.word NOT NULL,
    outcome fund.word NOT NULL,
    cases fund.few NOT NULL,
    PRIMARY KEY (report, place)
);
CREATE TABLE fund.report_cost (
    report bigint NOT NULL REFERENCES fund.report,
    place integer NOT NULL CHECK (place BETWEEN 1 AND 20001),
    line fund.word NOT NULL,
    invoice integer NOT NULL CHECK (invoice BETWEEN 0 AND 999),
    service fund.word NOT NULL,
    units fund.few,
    price_cents bigint CHECK (price_cents BETWEEN 0 AND 999999999),
    amount_cents bigint NOT NULL CHECK (amount_cents BETWEEN 0 AND 999999999),
    note text NOT NULL CHECK (note ~ '^[a-z0-9 ]{0,200}$'),
    PRIMARY KEY (report, place)
);
CREATE TABLE fund.finding (
    report bigint NOT NULL REFERENCES fund.report,
    place integer NOT NULL CHECK (place BETWEEN 0 AND 20001),
    heading text NOT NULL CHECK (heading ~ '^[a-z]{1,12}$'),
    rule text NOT NULL REFERENCES fund.check_rule,
    PRIMARY KEY (report, place, heading, rule)
);
CREATE TABLE fund.exception (
    filing bigint PRIMARY KEY REFERENCES fund.filing,
    report bigint NOT NULL,
    place integer NOT NULL,
    heading text NOT NULL,
    rule text NOT NULL,
    reason text NOT NULL REFERENCES fund.reason,
    FOREIGN KEY (report, place, heading, rule) REFERENCES fund.finding
);
CREATE TABLE fund.drawn (
    filing bigint PRIMARY KEY REFERENCES fund.filing,
    leaf bigint NOT NULL CHECK (leaf >= 0),
    root text NOT NULL CHECK (root ~ '^[0-9a-f]{64}$'),
    wanted integer NOT NULL CHECK (wanted BETWEEN 1 AND 200)
);
CREATE TABLE fund.reviewed (
    filing bigint PRIMARY KEY REFERENCES fund.filing,
    answers text[] NOT NULL CHECK (answers <@ ARRAY['pass', 'fail'] AND array_position(answers, NULL) IS NULL)
);
CREATE TABLE fund.delivered (
    filing bigint PRIMARY KEY REFERENCES fund.filing,
    agreement text NOT NULL REFERENCES fund.agreement,
    way text NOT NULL CHECK (way IN ('language', 'ward', 'zip3')),
    quarter text NOT NULL CHECK (quarter ~ '^20[0-9]{2}-q[1-4]$'),
    UNIQUE (agreement, way, quarter)
);
CREATE TABLE fund.closed_quarter (
    quarter text PRIMARY KEY CHECK (quarter ~ '^20[0-9]{2}-q[1-4]$'),
    filing bigint NOT NULL REFERENCES fund.filing
);
-- How many tables of a quarter have which band for a category. No table is kept: it is added here, and no row says of
-- whom, when, or with which other band it came. The application reads a quarter once it is closed.
CREATE TABLE fund.banded (
    way text NOT NULL,
    quarter text NOT NULL,
    category text NOT NULL CHECK (category ~ '^[a-z0-9-]{1,40}$'),
    band integer NOT NULL CHECK (band >= 0),
    tables integer NOT NULL CHECK (tables > 0),
    PRIMARY KEY (way, quarter, category, band)
);

-- What a report is now -----------------------------------------------------------------------------------------------

CREATE VIEW fund.returned AS SELECT about AS report, login FROM fund.filing WHERE act = 'return-report';
CREATE VIEW fund.accepted_terms AS
    SELECT DISTINCT ON (t.agreement) t.agreement, t.number AS terms
    FROM fund.filing t JOIN fund.filing a ON a.about = t.number AND a.act = 'accept-terms'
    WHERE t.act = 'terms' ORDER BY t.agreement, t.number DESC;
CREATE VIEW fund.granted AS
    SELECT e.report, e.place, e.heading, e.rule FROM fund.exception e
    JOIN fund.filing g ON g.about = e.filing AND g.act = 'grant-exception';
CREATE VIEW fund.open_finding AS
    SELECT f.report, f.place, f.heading, f.rule FROM fund.finding f JOIN fund.check_rule r ON r.code = f.rule
    WHERE NOT r.refers AND NOT EXISTS (SELECT FROM fund.granted g
        WHERE (g.report, g.place, g.heading, g.rule) = (f.report, f.place, f.heading, f.rule));
CREATE VIEW fund.claim_of_report AS
    SELECT c.id AS claim, (regexp_match(c.id, '^report-([0-9]{1,15})-'))[1]::bigint AS report,
        NOT EXISTS (SELECT FROM fund.transaction t WHERE t.claim = c.id AND t.operation = 'withdraw') AS stands
    FROM fund.claim c WHERE c.id ~ '^report-[0-9]{1,15}-';

-- Rows are of the database transaction that filed them ---------------------------------------------------------------

CREATE TRIGGER begins BEFORE INSERT ON fund.filing FOR EACH ROW EXECUTE FUNCTION fund.begin_transaction();

CREATE FUNCTION fund.check_filed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made jsonb := to_jsonb(NEW);
    f fund.filing;
BEGIN
    SELECT * INTO f FROM fund.filing WHERE number = (made ->> TG_ARGV[0])::bigint;
    IF f.number IS NULL OR f.inserted <> pg_current_xact_id() OR TG_ARGV[1] NOT IN (f.act, '') THEN
        RAISE check_violation USING MESSAGE = format('a row of %s is of a filing that makes it', TG_TABLE_NAME);
    END IF;
    IF TG_ARGV[1] <> '' AND EXISTS (SELECT FROM fund.checked k WHERE k.filing = f.number) THEN
        RAISE check_violation USING MESSAGE = 'the rows of a filing come before it is checked';
    END IF;
    IF made ? 'quarter' AND (now() AT TIME ZONE 'UTC')::date < make_date(  -- of the server's clock; `day` is typed
            left(made ->> 'quarter', 4)::integer, right(made ->> 'quarter', 1)::integer * 3, 1) + interval '1 month' THEN
        RAISE EXCEPTION USING ERRCODE = 'DW001', MESSAGE = format('quarter: the quarter %s is not over', made ->> 'quarter');
    END IF;
    IF made ? 'agreement' AND made ->> 'agreement' <> f.agreement THEN
        RAISE check_violation USING MESSAGE = 'a row is of the agreement of its filing';
    END IF;
    IF TG_TABLE_NAME = 'exception' AND (made ->> 'report')::bigint <> f.about THEN
        RAISE check_violation USING MESSAGE = 'an exception is of the report of its filing';
    END IF;
    RETURN NEW;
END $$;
DO $$
DECLARE
    one text[];
BEGIN
    FOREACH one SLICE 1 IN ARRAY ARRAY[
        ['bought', 'terms', 'terms'], ['budgeted', 'terms', 'terms'], ['charged', 'terms', 'terms'],
        ['report', 'filing', 'report'], ['report_units', 'report', 'report'], ['report_outcome', 'report', 'report'],
        ['report_cost', 'report', 'report'], ['finding', 'report', 'report'], ['exception', 'filing', 'ask-exception'],
        ['drawn', 'filing', 'draw'], ['reviewed', 'filing', 'review'], ['delivered', 'filing', 'deliver'],
        ['closed_quarter', 'filing', 'close-quarter'], ['filing_recorded', 'filing', '']
    ] LOOP
        EXECUTE format('CREATE TRIGGER filed BEFORE INSERT ON fund.%I FOR EACH ROW EXECUTE FUNCTION fund.check_filed(%L, %L)', one[1], one[2], one[3]);
        EXECUTE format('CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON fund.%I FOR EACH ROW EXECUTE FUNCTION fund.keep()', one[1]);
        EXECUTE format('CREATE TRIGGER kept_whole BEFORE TRUNCATE ON fund.%I FOR EACH STATEMENT EXECUTE FUNCTION fund.keep()', one[1]);
    END LOOP;
END $$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON fund.filing FOR EACH ROW EXECUTE FUNCTION fund.keep();
CREATE TRIGGER kept_whole BEFORE TRUNCATE ON fund.filing FOR EACH STATEMENT EXECUTE FUNCTION fund.keep();

-- Put a table of people in: added up, and forgotten. A second call finds the delivery of the first.
CREATE FUNCTION fund.deliver(of bigint, of_agreement text, of_way text, of_quarter text, categories text[], bands integer[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM fund.closed_quarter c WHERE c.quarter = of_quarter) THEN
        RAISE check_violation USING MESSAGE = 'the quarter takes no more tables';
    END IF;
    IF cardinality(categories) IS DISTINCT FROM cardinality(bands) OR NOT cardinality(bands) BETWEEN 1 AND 1000 THEN
        RAISE check_violation USING MESSAGE = 'a table has a band for each category';
    END IF;
    INSERT INTO fund.delivered VALUES (of, of_agreement, of_way, of_quarter);
    INSERT INTO fund.banded AS b (way, quarter, category, band, tables)
        SELECT of_way, of_quarter, one.category, one.band, 1 FROM unnest(categories, bands) AS one (category, band)
        ON CONFLICT (way, quarter, category, band) DO UPDATE SET tables = b.tables + 1;
END $$;

-- At the end of the database transaction: the whole of a filing is what its act says ---------------------------------

CREATE FUNCTION fund.check_report(f fund.filing) RETURNS text LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    r fund.report;
    of_terms bigint := (SELECT a.terms FROM fund.accepted_terms a WHERE a.agreement = f.agreement);
BEGIN
    SELECT * INTO r FROM fund.report WHERE filing = f.number;
    RETURN CASE WHEN r.filing IS NULL THEN 'it files no report'
        WHEN of_terms IS NULL THEN 'no terms of the agreement are accepted'
        WHEN NOT EXISTS (SELECT FROM fund.agreement a WHERE a.id = r.agreement AND a.closed_by IS NULL
            AND a.begins <= r.begins AND r.ends <= a.ends) THEN 'the agreement does not run then'
        WHEN EXISTS (SELECT FROM fund.finding n JOIN fund.check_rule c ON c.code = n.rule
            WHERE n.report = r.filing AND NOT c.excusable AND NOT c.refers) THEN 'a finding that no exception may pass'
        WHEN EXISTS (SELECT FROM fund.report_cost c JOIN fund.report_cost o ON o.invoice = c.invoice AND o.report <> c.report
            JOIN fund.report p ON p.filing = o.report AND p.agreement = r.agreement
            WHERE c.report = r.filing AND NOT EXISTS (SELECT FROM fund.returned b WHERE b.report = p.filing))
            THEN 'an invoice was handed in before'
        WHEN EXISTS (SELECT FROM fund.report o WHERE o.agreement = r.agreement AND o.filing <> r.filing
                AND o.begins <= r.ends AND r.begins <= o.ends
                AND NOT EXISTS (SELECT FROM fund.returned b WHERE b.report = o.filing))
            AND NOT EXISTS (SELECT FROM fund.finding n WHERE n.report = r.filing AND n.rule = 'overlap')
            THEN 'the period overlaps one that was reported, and no finding says so'
        WHEN EXISTS (SELECT FROM fund.report_units u LEFT JOIN fund.bought b ON b.terms = of_terms AND b.service = u.service
            WHERE u.report = r.filing AND b.service IS NULL) THEN 'the agreement does not buy a service'
        WHEN EXISTS (SELECT FROM fund.report_units u
            JOIN fund.report p ON p.filing = u.report AND p.agreement = r.agreement
            JOIN fund.bought b ON b.terms = of_terms AND b.service = u.service
            WHERE NOT EXISTS (SELECT FROM fund.returned x WHERE x.report = p.filing)
            GROUP BY b.service, b.units HAVING sum(u.units - u.carried) > b.units
                AND bool_or(p.filing = r.filing AND u.units > u.carried))
            AND NOT EXISTS (SELECT FROM fund.finding n WHERE n.report = r.filing AND n.rule = 'units-over')
            THEN 'more units than the agreement has left, and no finding says so'
    END;
END $$;

CREATE FUNCTION fund.check_review(f fund.filing) RETURNS text LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM fund.transaction t WHERE t.agreement = f.agreement AND t.login = f.login)
            OR EXISTS (SELECT FROM fund.filing o WHERE o.agreement = f.agreement AND o.login = f.login
                AND o.act NOT IN ('draw', 'review'))
        THEN 'who took part in the agreement does not review its reports'
        WHEN cardinality((SELECT v.answers FROM fund.reviewed v WHERE v.filing = f.number)) IS DISTINCT FROM (
            SELECT least(d.wanted, (SELECT sum(u.units) FROM fund.report_units u WHERE u.report = f.about))
            FROM fund.drawn d JOIN fund.filing w ON w.number = d.filing WHERE w.about = f.about)
        THEN 'it has not one answer for each unit that was drawn' END
$$;

CREATE FUNCTION fund.check_filing(f fund.filing) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    o fund.filing;  -- what it is about
    e fund.exception;
BEGIN
    IF f.act <> 'close-quarter' AND f.act NOT IN ('draw', 'review', 'return-report', 'ask-exception', 'grant-exception')
        AND NOT EXISTS (SELECT FROM fund.agreement a WHERE a.id = f.agreement AND a.closed_by IS NULL) THEN
        RETURN 'the agreement is closed out';
    END IF;
    IF f.act NOT IN ('draw', 'review', 'close-quarter') AND EXISTS (SELECT FROM fund.filing r
            WHERE r.act = 'review' AND r.agreement = f.agreement AND r.login = f.login) THEN
        RETURN 'who reviewed a report of the agreement does nothing else with it';
    END IF;
    SELECT * INTO o FROM fund.filing WHERE number = f.about;
    IF o.agreement IS DISTINCT FROM f.agreement AND f.about IS NOT NULL OR o.act <> (CASE f.act WHEN 'accept-terms' THEN 'terms'
            WHEN 'grant-exception' THEN 'ask-exception' ELSE 'report' END) THEN
        RETURN 'it is about another thing';
    END IF;
    IF f.act IN ('ask-exception', 'draw', 'review') AND EXISTS (SELECT FROM fund.returned r WHERE r.report = f.about) THEN
        RETURN 'the report was returned';
    END IF;
    RETURN CASE f.act
        WHEN 'report' THEN fund.check_report(f)
        WHEN 'review' THEN fund.check_review(f)
        WHEN 'terms' THEN CASE WHEN NOT EXISTS (SELECT FROM fund.bought b WHERE b.terms = f.number)
            OR NOT EXISTS (SELECT FROM fund.budgeted b WHERE b.terms = f.number) THEN 'terms buy something' END
        WHEN 'accept-terms' THEN CASE WHEN o.login = f.login THEN 'who set the terms does not accept them' END
        WHEN 'return-report' THEN CASE WHEN EXISTS (SELECT FROM fund.claim_of_report c WHERE c.report = f.about AND c.stands)
            THEN 'an invoice of the report is filed' END
        WHEN 'ask-exception' THEN (SELECT CASE WHEN x.filing IS NULL THEN 'it asks nothing'
            WHEN NOT c.excusable THEN 'no exception passes this rule' END
            FROM (SELECT f.number) n LEFT JOIN fund.exception x ON x.filing = f.number
            LEFT JOIN fund.check_rule c ON c.code = x.rule)
        WHEN 'grant-exception' THEN (SELECT CASE
            WHEN f.login IN (o.login, r.login) THEN 'who asked it, or filed the report, does not grant it'
            WHEN EXISTS (SELECT FROM fund.returned b WHERE b.report = x.report) THEN 'the report was returned'
            WHEN (SELECT count(*) FROM fund.granted g WHERE (g.report, g.place, g.heading, g.rule)
                = (x.report, x.place, x.heading, x.rule)) > 1 THEN 'an exception is granted for it already' END
            FROM fund.exception x JOIN fund.filing r ON r.number = x.report WHERE x.filing = f.about)
        WHEN 'draw' THEN CASE WHEN NOT EXISTS (SELECT FROM fund.drawn d WHERE d.filing = f.number) THEN 'it draws nothing' END
        WHEN 'deliver' THEN CASE WHEN NOT EXISTS (SELECT FROM fund.delivered d WHERE d.filing = f.number) THEN 'it delivers nothing' END
        WHEN 'close-quarter' THEN CASE WHEN NOT EXISTS (SELECT FROM fund.closed_quarter c WHERE c.filing = f.number) THEN 'it closes nothing' END
    END;
END $$;

CREATE FUNCTION fund.check_filing_end() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong text := fund.check_filing(NEW);
BEGIN
    IF wrong IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = format('%s: %s', NEW.act, wrong);
    END IF;
    INSERT INTO fund.checked VALUES (NEW.number);  -- and no row of it comes after this (`pieces.sql`)
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER filing_is_whole AFTER INSERT ON fund.filing
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fund.check_filing_end();

-- What the ledger may do with reports --------------------------------------------------------------------------------

-- An invoice of an agreement with terms is one that a report bills: clear, whole, charged where the terms say.
CREATE FUNCTION fund.check_billed(c fund.claim) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_terms bigint := (SELECT a.terms FROM fund.accepted_terms a WHERE a.agreement = c.agreement);
    named text[] := regexp_match(c.id, '^report-([0-9]{1,15})-([0-9]{1,3})(-[0-9]{1,2})?$');
    r fund.report;
BEGIN
    IF c.kind <> 'invoice' OR of_terms IS NULL THEN
        RETURN CASE WHEN c.id ~ '^report-' THEN 'the id is for an invoice of a report' END;
    END IF;
    SELECT * INTO r FROM fund.report WHERE filing = named[1]::bigint AND agreement = c.agreement;
    RETURN CASE WHEN r.filing IS NULL THEN 'the agreement has terms, so its invoices are filed from a report'
        WHEN EXISTS (SELECT FROM fund.returned b WHERE b.report = r.filing) THEN 'the report was returned'
        WHEN EXISTS (SELECT FROM fund.open_finding o WHERE o.report = r.filing) THEN 'a finding stops the report'
        WHEN EXISTS (SELECT FROM fund.filing f WHERE f.number = r.filing AND f.inserted = pg_current_xact_id())
            THEN 'the report came in the same database transaction'
        WHEN (c.begins, c.ends) <> (r.begins, r.ends) OR c.number <> named[2]
            OR (named[1], named[2]) <> (r.filing::text, named[2]::integer::text)  -- 07 is not another invoice than 7
            THEN 'it is not the invoice of the report'
        WHEN EXISTS (SELECT FROM
            (SELECT line, service, sum(cents) AS cents FROM fund.claim_part WHERE claim = c.id GROUP BY line, service) p
            FULL JOIN (SELECT h.line, h.service, sum(b.amount_cents) AS cents FROM fund.report_cost b
                LEFT JOIN LATERAL (SELECT * FROM fund.charged h WHERE h.terms = of_terms AND h.word IN (b.service, b.line)
                    ORDER BY h.word = b.service DESC LIMIT 1) h ON true
                WHERE b.report = r.filing AND b.invoice = c.number::integer AND b.amount_cents > 0
                GROUP BY h.line, h.service) q USING (line, service)
            WHERE p.cents IS DISTINCT FROM q.cents) THEN 'it is not what the report bills' END;
END $$;
CREATE FUNCTION fund.check_billed_end() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong text := fund.check_billed(NEW);
BEGIN
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'DW001', MESSAGE = 'report: ' || wrong;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER claim_is_billed AFTER INSERT ON fund.claim
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fund.check_billed_end();

CREATE FUNCTION fund.check_party() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM fund.filing r WHERE r.act = 'review' AND r.agreement = NEW.agreement AND r.login = NEW.login) THEN
        RAISE EXCEPTION USING ERRCODE = 'DW001',
            MESSAGE = 'independent: who reviewed a report of the agreement does nothing else with it';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER party BEFORE INSERT ON fund.transaction FOR EACH ROW EXECUTE FUNCTION fund.check_party();

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA fund FROM PUBLIC;
GRANT SELECT ON fund.check_rule, fund.reason, fund.filing, fund.filing_recorded, fund.bought, fund.budgeted, fund.charged,
    fund.report, fund.report_units, fund.report_outcome, fund.report_cost, fund.finding, fund.exception, fund.drawn,
    fund.reviewed, fund.delivered, fund.closed_quarter, fund.returned, fund.accepted_terms, fund.granted,
    fund.open_finding, fund.claim_of_report TO doorward_fund;
GRANT INSERT (key, act, login, day, agreement, about, text) ON fund.filing TO doorward_fund;
GRANT INSERT ON fund.filing_recorded, fund.bought, fund.budgeted, fund.charged, fund.report, fund.report_units,
    fund.report_outcome, fund.report_cost, fund.finding, fund.exception, fund.drawn, fund.reviewed, fund.closed_quarter
    TO doorward_fund;
GRANT EXECUTE ON FUNCTION fund.deliver TO doorward_fund;
