-- The fund's tables. Run by `doorward.fund.database` as the role `doorward_fund_owner`, which nobody logs in as.
--
-- The application's role may read everything and INSERT into seven tables, and nothing else: no UPDATE, no DELETE, no
-- TRUNCATE. Balances are kept by triggers of the owner. What the numbers 2 to 8 at the head of
-- `fund/ledger/decide.py` say holds here for whatever SQL that role runs; a test runs both sides against each other.

-- What the order says; only the owner writes it ------------------------------------------------------------------

CREATE TABLE fund.rule (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    approvals integer NOT NULL CHECK (approvals BETWEEN 2 AND 9)
);
CREATE TABLE fund.source (code text PRIMARY KEY);
CREATE TABLE fund.line (
    code text PRIMARY KEY,
    enabled boolean NOT NULL,
    carries boolean NOT NULL
);
CREATE TABLE fund.line_service (
    line text NOT NULL REFERENCES fund.line,
    service text NOT NULL,
    PRIMARY KEY (line, service)
);
-- Which operation may debit (1) and credit (-1) which account; an absent row is a refusal. Filled from MAY_POST.
CREATE TABLE fund.operation (code text PRIMARY KEY);
CREATE TABLE fund.may_post (
    operation text NOT NULL REFERENCES fund.operation,
    account text NOT NULL,
    side integer NOT NULL CHECK (side IN (-1, 1)),
    PRIMARY KEY (operation, account, side)
);

-- What people do; the application's role inserts, nobody changes or removes ---------------------------------------

CREATE TABLE fund.turn (nothing boolean);  -- held in turn by writers; it never has a row

CREATE TABLE fund.transaction (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key uuid NOT NULL UNIQUE,
    operation text NOT NULL REFERENCES fund.operation,
    login text NOT NULL CHECK (login ~ '^[a-z0-9][a-z0-9._@+-]{0,99}$'),
    day date NOT NULL,
    year integer,      -- of a year's opening and closing
    agreement text,    -- of whatever is of one agreement
    claim text,        -- of whatever is of one claim
    text text NOT NULL CHECK (length(text) <= 65536),  -- `operations.format_transaction`; its digest is in the record
    inserted xid8 NOT NULL
);
CREATE UNIQUE INDEX transaction_approved_once ON fund.transaction (claim, login) WHERE operation = 'approve';
CREATE UNIQUE INDEX transaction_paid_once ON fund.transaction (claim) WHERE operation = 'pay';
CREATE UNIQUE INDEX transaction_withdrawn_once ON fund.transaction (claim) WHERE operation = 'withdraw';
CREATE INDEX transaction_of_claim ON fund.transaction (claim, number) WHERE claim IS NOT NULL;

CREATE TABLE fund.recorded (  -- the sequence of its entry in the record; without it nothing commits
    transaction bigint PRIMARY KEY REFERENCES fund.transaction,
    entry bigint NOT NULL UNIQUE
);
ALTER TABLE fund.transaction ADD CONSTRAINT transaction_is_recorded
    FOREIGN KEY (number) REFERENCES fund.recorded (transaction) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE fund.year (
    year integer PRIMARY KEY CHECK (year BETWEEN 2000 AND 2199),
    begins date NOT NULL,
    ends date NOT NULL CHECK (ends > begins),
    transaction bigint NOT NULL REFERENCES fund.transaction,
    closed_by bigint REFERENCES fund.transaction,
    EXCLUDE USING gist (daterange(begins, ends, '[]') WITH &&)
);
CREATE TABLE fund.agreement (
    id text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    grantee text NOT NULL CHECK (grantee ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    begins date NOT NULL,
    ends date NOT NULL CHECK (ends >= begins),
    transaction bigint NOT NULL REFERENCES fund.transaction,
    author text NOT NULL,  -- who last set money aside for it
    closed_by bigint REFERENCES fund.transaction
);
CREATE TABLE fund.claim (
    id text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    agreement text NOT NULL REFERENCES fund.agreement,
    kind text NOT NULL CHECK (kind IN ('invoice', 'advance')),
    number text NOT NULL CHECK (number ~ '^[A-Za-z0-9][A-Za-z0-9./-]{0,39}$'),
    begins date NOT NULL,
    ends date NOT NULL CHECK (ends >= begins),
    author text NOT NULL,
    transaction bigint NOT NULL REFERENCES fund.transaction
);
CREATE INDEX claim_of_agreement ON fund.claim (agreement);
CREATE TABLE fund.claim_part (
    claim text NOT NULL REFERENCES fund.claim,
    place integer NOT NULL CHECK (place BETWEEN 1 AND 100),
    year integer NOT NULL REFERENCES fund.year,
    line text NOT NULL REFERENCES fund.line,
    service text NOT NULL,
    cents bigint NOT NULL CHECK (cents > 0 AND cents <= 100000000000000),
    recoup bigint NOT NULL CHECK (recoup >= 0 AND recoup <= cents),
    PRIMARY KEY (claim, place)
);
CREATE TABLE fund.posting (
    transaction bigint NOT NULL REFERENCES fund.transaction,
    place integer NOT NULL CHECK (place >= 1),
    account text NOT NULL,
    year integer NOT NULL REFERENCES fund.year,
    line text NOT NULL REFERENCES fund.line,
    agreement text NOT NULL,
    cents bigint NOT NULL CHECK (cents <> 0 AND cents BETWEEN -100000000000000 AND 100000000000000),
    origin integer NOT NULL CHECK ((origin <> 0) = (account = 'refund')),
    PRIMARY KEY (transaction, place),
    CHECK ((agreement = '') =
           (account IN ('appropriated', 'available', 'lapsed', 'carried', 'treasury', 'moved')))
);

-- Balances; triggers alone write them ------------------------------------------------------------------------------

CREATE TABLE fund.standing (
    year integer NOT NULL REFERENCES fund.year,
    line text NOT NULL REFERENCES fund.line,
    appropriated bigint NOT NULL DEFAULT 0 CHECK (appropriated <= 0),
    available bigint NOT NULL DEFAULT 0 CONSTRAINT nothing_beyond_the_appropriation CHECK (available >= 0),
    lapsed bigint NOT NULL DEFAULT 0 CHECK (lapsed >= 0),
    carried bigint NOT NULL DEFAULT 0,
    treasury bigint NOT NULL DEFAULT 0,
    moved bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (year, line)
);
CREATE TABLE fund.holding (
    year integer NOT NULL REFERENCES fund.year,
    line text NOT NULL REFERENCES fund.line,
    agreement text NOT NULL REFERENCES fund.agreement,
    pending bigint NOT NULL DEFAULT 0 CHECK (pending >= 0),
    encumbered bigint NOT NULL DEFAULT 0,
    expended bigint NOT NULL DEFAULT 0 CHECK (expended >= 0),
    expense bigint NOT NULL DEFAULT 0,
    advance bigint NOT NULL DEFAULT 0 CHECK (advance >= 0),
    payable bigint NOT NULL DEFAULT 0 CHECK (payable <= 0),
    refund bigint NOT NULL DEFAULT 0 CHECK (refund <= 0),
    returned bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (agreement, year, line),
    CONSTRAINT nothing_beyond_the_encumbrance CHECK (encumbered >= advance),
    CONSTRAINT spent_is_authority_used CHECK (expense = expended),
    CONSTRAINT no_more_back_than_was_paid CHECK (expense + advance + payable >= 0),
    CONSTRAINT no_more_back_than_was_spent CHECK (returned BETWEEN 0 AND expense)
);

-- Every writing transaction is serializable; rows are of the database transaction that wrote them ------------------

CREATE FUNCTION fund.begin_transaction() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'serializable' THEN
        RAISE check_violation USING MESSAGE = 'the fund is written in serializable transactions';
    END IF;
    NEW.inserted := pg_current_xact_id();
    RETURN NEW;
END $$;
CREATE TRIGGER begins BEFORE INSERT ON fund.transaction FOR EACH ROW EXECUTE FUNCTION fund.begin_transaction();

-- A document is put in by the operation that makes it, in its own database transaction, unclosed.
CREATE FUNCTION fund.check_document() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of fund.transaction;
    made jsonb;
BEGIN
    IF TG_TABLE_NAME = 'claim_part' THEN
        SELECT t.* INTO of FROM fund.transaction t JOIN fund.claim c ON c.transaction = t.number WHERE c.id = NEW.claim;
    ELSE
        SELECT t.* INTO of FROM fund.transaction t WHERE t.number = NEW.transaction;
    END IF;
    IF of.number IS NULL OR of.inserted <> pg_current_xact_id() OR NOT of.operation = ANY (TG_ARGV) THEN
        RAISE check_violation USING MESSAGE = format('a row of %s is of an operation that makes it', TG_TABLE_NAME);
    END IF;
    made := to_jsonb(NEW);  -- a field that this table does not have is NULL here
    IF made ->> 'closed_by' IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = 'nothing is made closed';
    END IF;
    IF made ->> 'author' <> of.login THEN
        RAISE check_violation USING MESSAGE = 'the author is who does the operation';
    END IF;
    IF TG_TABLE_NAME = 'year' AND (made ->> 'year')::integer IS DISTINCT FROM of.year
        OR TG_TABLE_NAME = 'agreement' AND made ->> 'id' IS DISTINCT FROM of.agreement
        OR TG_TABLE_NAME = 'claim' AND (made ->> 'id', made ->> 'agreement') IS DISTINCT FROM (of.claim, of.agreement)
    THEN
        RAISE check_violation USING MESSAGE = 'a document is that of its operation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER made BEFORE INSERT ON fund.year FOR EACH ROW EXECUTE FUNCTION fund.check_document('open-year');
CREATE TRIGGER made BEFORE INSERT ON fund.agreement FOR EACH ROW
    EXECUTE FUNCTION fund.check_document('agree', 'opening');
CREATE TRIGGER made BEFORE INSERT ON fund.claim FOR EACH ROW EXECUTE FUNCTION fund.check_document('file');
CREATE TRIGGER made BEFORE INSERT ON fund.claim_part FOR EACH ROW EXECUTE FUNCTION fund.check_document('file');
CREATE TRIGGER made BEFORE INSERT ON fund.recorded FOR EACH ROW EXECUTE FUNCTION fund.check_document(
    'open-year', 'appropriate', 'agree', 'amend', 'post', 'void', 'file', 'withdraw', 'approve', 'pay', 'refund',
    'close-out', 'close-year', 'opening');

-- Postings: all of a transaction in one statement; then the balances, whose CHECKs refuse an overdraft -------------

CREATE FUNCTION fund.take_postings() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong text;
BEGIN
    SELECT format('transaction %s', p.transaction) INTO wrong
        FROM (SELECT transaction, count(*) AS many, max(place) AS last FROM fresh GROUP BY transaction) p
        JOIN fund.transaction t ON t.number = p.transaction
        WHERE t.inserted <> pg_current_xact_id() OR p.many <> p.last
            OR p.many <> (SELECT count(*) FROM fund.posting o WHERE o.transaction = p.transaction);
    IF wrong IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = wrong || ': postings come with their transaction, all at once';
    END IF;
    SELECT format('`%s` may not post %s to %s', t.operation, CASE WHEN p.cents > 0 THEN 'a debit' ELSE 'a credit' END,
                  p.account) INTO wrong
        FROM fresh p JOIN fund.transaction t ON t.number = p.transaction
        WHERE NOT EXISTS (SELECT FROM fund.may_post m
            WHERE m.operation = t.operation AND m.account = p.account AND m.side = sign(p.cents));
    IF wrong IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = wrong;
    END IF;
    PERFORM FROM fund.year y WHERE y.year IN (SELECT year FROM fresh) ORDER BY y.year FOR SHARE;
    SELECT format('the year %s is closed, or begins after the day', y.year) INTO wrong
        FROM fresh p JOIN fund.year y USING (year) JOIN fund.transaction t ON t.number = p.transaction
        WHERE y.closed_by IS NOT NULL OR (t.day < y.begins AND t.operation <> 'close-year') LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = wrong;
    END IF;
    SELECT format('the line `%s` is off', l.code) INTO wrong
        FROM fresh p JOIN fund.line l ON l.code = p.line JOIN fund.transaction t ON t.number = p.transaction
        WHERE NOT l.enabled
            AND t.operation IN ('appropriate', 'agree', 'amend', 'approve', 'refund', 'opening') LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = wrong;
    END IF;
    SELECT format('the agreement `%s` is closed out, or another transaction''s', a.id) INTO wrong
        FROM fresh p JOIN fund.agreement a ON a.id = p.agreement JOIN fund.transaction t ON t.number = p.transaction
        WHERE (a.closed_by IS NOT NULL AND t.operation NOT IN ('refund', 'close-year'))
            OR (t.operation <> 'close-year' AND t.agreement IS DISTINCT FROM a.id) LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = wrong;
    END IF;
    PERFORM fund.add_up(f.transaction) FROM (SELECT DISTINCT transaction FROM fresh) f;
    RETURN NULL;
END $$;

CREATE FUNCTION fund.add_up(of bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO fund.standing (year, line)
        SELECT DISTINCT year, line FROM fund.posting WHERE transaction = of ORDER BY year, line
        ON CONFLICT DO NOTHING;
    INSERT INTO fund.holding (year, line, agreement)
        SELECT DISTINCT year, line, agreement FROM fund.posting WHERE transaction = of AND agreement <> ''
        ORDER BY year, line, agreement
        ON CONFLICT DO NOTHING;
    UPDATE fund.standing s SET
        appropriated = s.appropriated + p.appropriated, available = s.available + p.available,
        lapsed = s.lapsed + p.lapsed, carried = s.carried + p.carried, treasury = s.treasury + p.treasury,
        moved = s.moved + p.moved
        FROM (SELECT year, line,
            coalesce(sum(cents) FILTER (WHERE account = 'appropriated'), 0) AS appropriated,
            coalesce(sum(cents) FILTER (WHERE account = 'available'), 0) AS available,
            coalesce(sum(cents) FILTER (WHERE account = 'lapsed'), 0) AS lapsed,
            coalesce(sum(cents) FILTER (WHERE account = 'carried'), 0) AS carried,
            coalesce(sum(cents) FILTER (WHERE account = 'treasury'), 0) AS treasury,
            coalesce(sum(cents) FILTER (WHERE account = 'moved'), 0) AS moved
            FROM fund.posting WHERE transaction = of AND agreement = '' GROUP BY year, line) p
        WHERE (s.year, s.line) = (p.year, p.line);
    UPDATE fund.holding h SET
        pending = h.pending + p.pending, encumbered = h.encumbered + p.encumbered,
        expended = h.expended + p.expended, expense = h.expense + p.expense, advance = h.advance + p.advance,
        payable = h.payable + p.payable, refund = h.refund + p.refund
        FROM (SELECT year, line, agreement,
            coalesce(sum(cents) FILTER (WHERE account = 'pending'), 0) AS pending,
            coalesce(sum(cents) FILTER (WHERE account = 'encumbered'), 0) AS encumbered,
            coalesce(sum(cents) FILTER (WHERE account = 'expended'), 0) AS expended,
            coalesce(sum(cents) FILTER (WHERE account = 'expense'), 0) AS expense,
            coalesce(sum(cents) FILTER (WHERE account = 'advance'), 0) AS advance,
            coalesce(sum(cents) FILTER (WHERE account = 'payable'), 0) AS payable,
            coalesce(sum(cents) FILTER (WHERE account = 'refund'), 0) AS refund
            FROM fund.posting WHERE transaction = of AND agreement <> '' GROUP BY year, line, agreement) p
        WHERE (h.year, h.line, h.agreement) = (p.year, p.line, p.agreement);
    UPDATE fund.holding h SET returned = h.returned - p.cents
        FROM (SELECT origin, line, agreement, sum(cents) AS cents FROM fund.posting
            WHERE transaction = of AND origin <> 0 GROUP BY origin, line, agreement) p
        WHERE (h.year, h.line, h.agreement) = (p.origin, p.line, p.agreement);
END $$;
CREATE TRIGGER taken AFTER INSERT ON fund.posting REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION fund.take_postings();

-- At the end of the database transaction: the whole of what was done is what its operation says --------------------

CREATE FUNCTION fund.check_claim(t fund.transaction, posted boolean) RETURNS text LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c fund.claim;
    approvals bigint;
    settled boolean;
BEGIN
    SELECT * INTO c FROM fund.claim WHERE id = t.claim;
    IF c.id IS NULL OR c.agreement IS DISTINCT FROM t.agreement THEN
        RETURN 'it is of no claim of its agreement';
    END IF;
    settled := EXISTS (SELECT FROM fund.transaction o JOIN fund.posting p ON p.transaction = o.number
        WHERE o.claim = t.claim AND o.operation = 'approve' AND o.number <> t.number);
    IF t.operation = 'file' THEN
        RETURN CASE WHEN EXISTS (SELECT FROM fund.claim o WHERE o.agreement = c.agreement AND o.number = c.number
                AND o.id <> c.id AND NOT EXISTS (SELECT FROM fund.transaction w
                    WHERE w.claim = o.id AND w.operation = 'withdraw'))
                THEN 'the claim was filed before'
            WHEN NOT EXISTS (SELECT FROM fund.claim_part p WHERE p.claim = c.id) THEN 'a claim has a part'
            WHEN NOT EXISTS (SELECT FROM fund.agreement a WHERE a.id = c.agreement AND a.closed_by IS NULL
                AND a.begins <= c.begins AND c.ends <= a.ends) THEN 'the agreement does not run then'
            WHEN EXISTS (SELECT FROM fund.claim_part p JOIN fund.line l ON l.code = p.line
                WHERE p.claim = c.id AND NOT (l.enabled AND CASE c.kind WHEN 'advance' THEN p.service = '' AND p.recoup = 0
                    ELSE EXISTS (SELECT FROM fund.line_service s WHERE s.line = p.line AND s.service = p.service) END))
                THEN 'a line is off, or does not buy the service'
            WHEN EXISTS (SELECT FROM fund.claim_part p JOIN fund.year y ON y.year = p.year
                WHERE p.claim = c.id AND (y.closed_by IS NOT NULL OR t.day < y.begins))
                THEN 'a year is closed, or begins after the day' END;
    END IF;
    IF EXISTS (SELECT FROM fund.transaction o WHERE o.claim = t.claim AND o.operation = 'withdraw' AND o.number <> t.number) THEN
        RETURN 'the claim was withdrawn';
    END IF;
    IF t.operation = 'withdraw' THEN
        RETURN CASE WHEN settled THEN 'the claim was approved' END;
    END IF;
    IF t.login = c.author THEN
        RETURN 'who filed a claim neither approves nor pays it';
    END IF;
    IF t.operation = 'pay' THEN
        RETURN CASE WHEN NOT settled THEN 'the claim is not approved'
            WHEN fund.differs(t.number, 'treasury', -1, c.id, false, true) THEN 'the claim is paid whole' END;
    END IF;
    SELECT count(DISTINCT login) INTO approvals FROM fund.transaction WHERE claim = t.claim AND operation = 'approve';
    RETURN CASE WHEN settled THEN 'the claim was approved before'
        WHEN posted <> (approvals >= (SELECT r.approvals FROM fund.rule r)) THEN 'a claim is posted by its last approval'
        WHEN NOT posted THEN NULL
        WHEN c.kind = 'advance' AND fund.differs(t.number, 'advance', 1, c.id, false, false)
            OR c.kind = 'invoice' AND (fund.differs(t.number, 'expense', 1, c.id, false, false)
                OR fund.differs(t.number, 'advance', -1, c.id, true, false))
            OR c.kind = 'advance' AND EXISTS (SELECT FROM fund.posting p
                WHERE p.transaction = t.number AND p.account IN ('expense', 'expended', 'encumbered'))
            THEN 'it is not what was claimed' END;
END $$;

-- Whether an account's postings are another sum, in some year and line, than the claim's parts.
CREATE FUNCTION fund.differs(of bigint, what text, side integer, of_claim text, recouped boolean, net boolean)
RETURNS boolean LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM (SELECT year, line, sum(cents) AS cents FROM fund.posting
                WHERE transaction = of AND account = what GROUP BY year, line) p
            FULL JOIN (SELECT year, line, side * sum(CASE WHEN recouped THEN recoup WHEN net THEN cents - recoup
                ELSE cents END) AS cents FROM fund.claim_part WHERE claim = of_claim GROUP BY year, line) c
            USING (year, line)
        WHERE coalesce(p.cents, 0) <> coalesce(c.cents, 0))
$$;

CREATE FUNCTION fund.is_waiting(of_claim text) RETURNS boolean LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT NOT EXISTS (SELECT FROM fund.transaction t WHERE t.claim = of_claim AND (t.operation = 'withdraw'
        OR t.operation = 'approve' AND EXISTS (SELECT FROM fund.posting p WHERE p.transaction = t.number)))
$$;

CREATE FUNCTION fund.check_whole(t fund.transaction) RETURNS text LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    posted boolean := EXISTS (SELECT FROM fund.posting p WHERE p.transaction = t.number);
BEGIN
    IF EXISTS (SELECT FROM fund.posting p WHERE p.transaction = t.number
            GROUP BY p.year, p.line,
                p.account IN ('appropriated', 'available', 'lapsed', 'carried', 'pending', 'encumbered', 'expended')
            HAVING sum(p.cents) <> 0) THEN
        RETURN 'debits are not the credits in a book, year and line';
    END IF;
    IF NOT posted AND t.operation IN ('appropriate', 'agree', 'amend', 'post', 'void', 'pay', 'refund', 'opening') THEN
        RETURN 'it posts nothing';
    END IF;
    IF t.operation IN ('file', 'withdraw', 'approve', 'pay') THEN
        RETURN fund.check_claim(t, posted);
    END IF;
    IF t.operation = 'opening' THEN
        RETURN CASE WHEN EXISTS (SELECT FROM fund.posting p
            JOIN fund.posting q ON (q.year, q.line) = (p.year, p.line) AND q.transaction < p.transaction
            JOIN fund.transaction o ON o.number = q.transaction AND o.operation <> 'opening'
            WHERE p.transaction = t.number) THEN 'the line runs already' END;
    END IF;
    IF t.operation = 'open-year' THEN
        RETURN CASE WHEN NOT EXISTS (SELECT FROM fund.year y WHERE y.transaction = t.number) THEN 'it opens no year' END;
    END IF;
    IF t.operation = 'post' THEN
        RETURN CASE WHEN t.login = (SELECT a.author FROM fund.agreement a WHERE a.id = t.agreement)
            THEN 'who set the money aside does not post it' END;
    END IF;
    IF t.operation = 'refund' THEN
        RETURN CASE WHEN EXISTS (SELECT FROM fund.posting p LEFT JOIN fund.year y ON y.year = p.origin
            WHERE p.transaction = t.number AND p.origin <> 0 AND (y.closed_by IS NULL OR y.year >= p.year
                OR NOT EXISTS (SELECT FROM fund.holding h
                    WHERE (h.year, h.line, h.agreement) = (p.origin, p.line, p.agreement))))
            THEN 'a refund of another year is of what was spent in one that is closed' END;
    END IF;
    IF t.operation = 'close-out' THEN
        RETURN CASE WHEN NOT EXISTS (SELECT FROM fund.agreement a WHERE a.id = t.agreement
                AND (a.closed_by IS NULL OR a.closed_by = t.number)) THEN 'there is no such agreement, or it is closed out'
            WHEN EXISTS (SELECT FROM fund.claim c WHERE c.agreement = t.agreement AND fund.is_waiting(c.id))
                THEN 'a claim is waiting'
            WHEN EXISTS (SELECT FROM fund.holding h WHERE h.agreement = t.agreement
                AND (h.pending, h.encumbered, h.advance, h.payable) <> (0, 0, 0, 0)) THEN 'the agreement still holds something'
            END;
    END IF;
    IF t.operation = 'close-year' THEN
        RETURN CASE WHEN NOT EXISTS (SELECT FROM fund.year y WHERE y.year = t.year AND y.ends < t.day
                AND (y.closed_by IS NULL OR y.closed_by = t.number)) THEN 'the year is not over, or is closed'
            WHEN EXISTS (SELECT FROM fund.year y WHERE y.year < t.year AND y.closed_by IS NULL)
                THEN 'an earlier year is open'
            WHEN EXISTS (SELECT FROM fund.claim_part p WHERE p.year = t.year AND fund.is_waiting(p.claim))
                THEN 'a claim is waiting'
            WHEN EXISTS (SELECT FROM fund.holding h WHERE h.year = t.year
                AND (h.pending, h.encumbered, h.advance, h.payable) <> (0, 0, 0, 0))
            OR EXISTS (SELECT FROM fund.standing s WHERE s.year = t.year AND s.available <> 0)
            THEN 'the year still holds something' END;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION fund.check_end() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    t fund.transaction;
    wrong text;
BEGIN
    IF TG_TABLE_NAME = 'posting' THEN
        SELECT * INTO t FROM fund.transaction WHERE number = NEW.transaction;
    ELSE
        t := NEW;
    END IF;
    wrong := fund.check_whole(t);
    IF wrong IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = format('%s: %s', t.operation, wrong);
    END IF;
    IF t.operation = 'close-out' THEN
        UPDATE fund.agreement SET closed_by = t.number WHERE id = t.agreement AND closed_by IS NULL;
    ELSIF t.operation = 'close-year' THEN
        UPDATE fund.year SET closed_by = t.number WHERE year = t.year AND closed_by IS NULL;
    ELSIF t.operation IN ('agree', 'amend') THEN
        UPDATE fund.agreement a SET author = t.login WHERE a.id = t.agreement AND EXISTS (
            SELECT FROM fund.posting p WHERE p.transaction = t.number AND p.account = 'pending');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER transaction_is_whole AFTER INSERT ON fund.transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fund.check_end();
-- Again where postings come after that check ran, as it does on SET CONSTRAINTS ... IMMEDIATE.
CREATE CONSTRAINT TRIGGER posting_is_whole AFTER INSERT ON fund.posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.place = 1) EXECUTE FUNCTION fund.check_end();

-- Nothing is changed or removed, by its owner neither ---------------------------------------------------------------

CREATE FUNCTION fund.keep() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME IN ('year', 'agreement') AND pg_trigger_depth() > 1 THEN
        RETURN NEW;  -- the trigger above closes it
    END IF;
    RAISE insufficient_privilege USING MESSAGE = format('%s is only added to', TG_TABLE_NAME);
END $$;
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['transaction', 'recorded', 'year', 'agreement', 'claim', 'claim_part', 'posting'] LOOP
        EXECUTE format('CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON fund.%I FOR EACH ROW EXECUTE FUNCTION fund.keep()', kept);
        EXECUTE format('CREATE TRIGGER kept_whole BEFORE TRUNCATE ON fund.%I FOR EACH STATEMENT EXECUTE FUNCTION fund.keep()', kept);
    END LOOP;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA fund FROM PUBLIC;
GRANT USAGE ON SCHEMA fund TO doorward_fund;
GRANT SELECT ON ALL TABLES IN SCHEMA fund TO doorward_fund;
GRANT INSERT (key, operation, login, day, year, agreement, claim, text) ON fund.transaction TO doorward_fund;
GRANT INSERT ON fund.recorded, fund.claim, fund.claim_part, fund.posting TO doorward_fund;
GRANT INSERT (year, begins, ends, transaction) ON fund.year TO doorward_fund;
GRANT INSERT (id, grantee, begins, ends, transaction, author) ON fund.agreement TO doorward_fund;
GRANT UPDATE ON fund.turn TO doorward_fund;  -- LOCK TABLE asks for it; `kept` is not needed where no row ever is
