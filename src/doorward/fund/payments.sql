-- What came of the finance system's payment files. Run by `doorward.fund.database` as the role `doorward_fund_owner`.
--
-- The application's role reads and INSERTs; nothing is changed or removed. No row here moves a cent: what a confirmed
-- match posts is a transaction of the ledger, under the ledger's own checks.

CREATE TABLE fund.payment_line (
    id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{32}$'),  -- of its text's digest: the same line has it in any file
    text text NOT NULL CHECK (length(text) <= 4096)     -- `payments.lines.PaymentLine.text`
);
CREATE TABLE fund.payment_file (
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),  -- of its bytes; the file itself is not kept, nor its name
    form text NOT NULL CHECK (form ~ '^[0-9a-f]{64}$'),      -- digest of the form it was read with
    login text NOT NULL,
    others integer NOT NULL CHECK (others >= 0),  -- lines of payees that are not the fund's
    passed integer NOT NULL CHECK (passed >= 0),  -- lines of payments that were not made
    entry bigint NOT NULL UNIQUE,                 -- the sequence of its entry in the record
    PRIMARY KEY (digest, form)
);
CREATE TABLE fund.payment_seen (  -- on which line of which file a line stood
    digest text NOT NULL,
    form text NOT NULL,
    place integer NOT NULL CHECK (place >= 1),
    line text NOT NULL REFERENCES fund.payment_line,
    PRIMARY KEY (digest, form, place),
    FOREIGN KEY (digest, form) REFERENCES fund.payment_file
);
CREATE TABLE fund.payment_match (  -- what a named person confirmed
    id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{32}$'),
    login text NOT NULL,
    returning_text text NOT NULL CHECK (length(returning_text) <= 65536),  -- of a reversal: the refunds, as JSON
    entry bigint NOT NULL UNIQUE
);
CREATE TABLE fund.payment_match_line (
    line text PRIMARY KEY REFERENCES fund.payment_line,  -- a line is of one match
    match text NOT NULL REFERENCES fund.payment_match
);
CREATE TABLE fund.payment_match_claim (
    match text NOT NULL REFERENCES fund.payment_match,
    claim text NOT NULL REFERENCES fund.claim,
    pays boolean NOT NULL,  -- or brings back
    PRIMARY KEY (match, claim)
);
CREATE UNIQUE INDEX payment_match_pays_once ON fund.payment_match_claim (claim) WHERE pays;

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['payment_line', 'payment_file', 'payment_seen', 'payment_match', 'payment_match_line',
                                'payment_match_claim'] LOOP
        EXECUTE format('CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON fund.%I FOR EACH ROW EXECUTE FUNCTION fund.keep()', kept);
        EXECUTE format('CREATE TRIGGER kept_whole BEFORE TRUNCATE ON fund.%I FOR EACH STATEMENT EXECUTE FUNCTION fund.keep()', kept);
        EXECUTE format('GRANT SELECT, INSERT ON fund.%I TO doorward_fund', kept);
    END LOOP;
END $$;
