-- What the leads look at of each access. The only statement that uses functions of the engine: hash (a number that stands
-- for an account or a plate, so that no group is made of texts) and epoch_us (microseconds since 1970). Elsewhere they
-- are xxhash64 and unix_micros; nothing depends on which number stands for an account.
SELECT
  a.file, a.sheet, a."row" AS line,
  EPOCH_US(a."at") AS at_us,
  CAST(EXTRACT(YEAR FROM a."at") * 12 + EXTRACT(MONTH FROM a."at") - 1 AS INTEGER) AS month,
  -- the date that has begun everywhere in the States, Hawaii last: a search counts for a date once it is certain
  CAST(a."at" - INTERVAL 10 HOUR AS DATE) AS begun,
  f.owner_no,
  u.unit_no, COALESCE(u.federal, 0) AS federal, COALESCE(u.test, 0) AS test,
  -- a federal search, or one whose words are explicit
  CASE WHEN u.federal = 1 OR p.tier = 'explicit' THEN 1 ELSE 0 END AS first_one,
  CASE WHEN a.account_state = 'value' AND f.account_kind = 'id' THEN HASH(a.account) END AS account,
  CASE WHEN a.account_state = 'value' AND f.account_kind <> 'id' THEN 1 ELSE 0 END AS display_name,
  -- most plates are written plainly, and asking costs less than writing them anew
  CASE
    WHEN a.plate_state = 'value' AND REGEXP_MATCHES(a.plate, '[^A-Z0-9]')
      THEN HASH(NULLIF(REGEXP_REPLACE(UPPER(a.plate), '[^A-Z0-9]', '', 'g'), ''))
    WHEN a.plate_state = 'value' THEN HASH(NULLIF(a.plate, ''))
  END AS plate,
  CASE p.said WHEN 'vague' THEN 1 WHEN 'stated' THEN 0 END AS vague,
  CASE WHEN p.said = 'blank' THEN 1 ELSE 0 END AS blank,
  CASE
    WHEN a.case_state = 'value' OR p.case_in_reason IS NOT NULL THEN 0
    WHEN a.case_state = 'blank' AND p.said IS NOT NULL THEN 1
  END AS caseless,
  CASE
    WHEN u.zone IS NULL THEN NULL
    WHEN EXTRACT(HOUR FROM (a."at" AT TIME ZONE 'UTC') AT TIME ZONE u.zone) BETWEEN 1 AND 4 THEN 1
    ELSE 0
  END AS night,
  CASE WHEN LOWER(TRIM(a.kind)) = 'lookup' THEN 1 ELSE 0 END AS lookup
FROM accesses a
JOIN sources f ON f.file = a.file
JOIN phrases p ON p.phrase = a.phrase
LEFT JOIN lead_searchers s ON s.searcher_no = a.searcher_no
LEFT JOIN units u ON u.unit_key = s.unit_key
WHERE NOT a.elsewhere
