-- Rows that count, once for each owner: what each order is asked about, with the numbers of their phrase and searcher.
-- A row is `elsewhere` where another owner's log has the same search and that one counts: an order that looks at all logs
-- leaves it out, an owner's own report has it.
-- phrase_keys, searcher_keys and dropped are small tables of the audit; $rows is one source. $key is a number for the wording;
-- $same tells wordings apart that share one, where there are any. searcher_keys.declared lists the days on which a searcher
-- had declared, .perhaps_declared those of papers of which nobody can tell whose they are. They are lists beside the
-- searcher, since a subquery about each row would hold all rows of the source in memory.
SELECT
  r.file, r.sheet, r.row, r.id, r."at", r.at_state,
  k.phrase, s.searcher_no,
  CASE
    WHEN r.case_no_state = 'value' OR k.case_in_reason THEN 'given'
    WHEN r.case_no_state = 'blank' THEN 'none'
  END AS case_said,
  r.case_no, r.case_no_state AS case_state,
  r.account, r.account_state, r.plate, r.plate_state, r.kind, r.networks, r.networks_state,
  CASE WHEN r.since_state = 'value' AND r.at_state = 'value' THEN date_diff('day', r.since, r."at") END AS reach_back_days,
  CASE
    WHEN NOT s.known_to_declare OR r."at" IS NULL THEN NULL
    WHEN len(list_filter(s.declared, lambda one: one.since <= r."at" AND r."at" < one.until)) > 0 THEN true
    -- A paper of which nobody can tell whose it is may be this searcher's.
    WHEN len(list_filter(s.perhaps_declared, lambda one: one.since <= r."at" AND r."at" < one.until)) > 0 THEN NULL
    ELSE false
  END AS declared,
  CASE
    WHEN s.participating AND (s.participating_since IS NULL OR r."at" IS NULL) THEN NULL
    WHEN s.participating THEN r."at" >= s.participating_since
    -- After the day of the list, an agency that is not on it may have signed.
    WHEN r."at" IS NULL OR r."at" > s.participating_as_of THEN NULL
    ELSE s.participating
  END AS participating,
  x.kind IS NOT NULL AS elsewhere
FROM read_parquet($rows) r
JOIN phrase_keys k ON k.key = $key
JOIN searcher_keys s
  ON s.file = r.file AND s.searcher IS NOT DISTINCT FROM r.searcher AND s.searcher_state = r.searcher_state
LEFT JOIN dropped x ON x.file = r.file AND x.sheet = r.sheet AND x.row = r.row
WHERE (x.kind IS NULL OR x.kind = 'another owner') AND $same
