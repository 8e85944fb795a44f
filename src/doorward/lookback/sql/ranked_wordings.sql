-- Every wording once, with how many accesses say so and how many organisations searched with it.
-- A wording is what stands in the four cells; phrases that differ only in why a cell is empty are one wording.
CREATE TABLE uses AS
SELECT phrase, searcher_no, count(*) AS n
FROM read_parquet($accesses)
WHERE NOT elsewhere
GROUP BY phrase, searcher_no;

CREATE TABLE phrases AS
SELECT
  phrase,
  coalesce(reason, '') AS reason,
  coalesce(offense, '') AS offense,
  coalesce(filters, '') AS filters,
  coalesce(prompt, '') AS prompt,
  tier,
  patterns,
  evidence,
  min(phrase) OVER (PARTITION BY coalesce(reason, ''), coalesce(offense, ''), coalesce(filters, ''), coalesce(prompt, ''))
    AS wording
FROM read_parquet($phrases);

CREATE TABLE wordings AS
SELECT
  p.wording,
  any_value(w.reason) AS reason,
  any_value(w.offense) AS offense,
  any_value(w.filters) AS filters,
  any_value(w.prompt) AS prompt,
  any_value(w.tier) AS tier,
  any_value(w.patterns) AS patterns,
  any_value(w.evidence) AS evidence,
  CAST(sum(u.n) AS BIGINT) AS n,
  count(DISTINCT u.searcher_no) AS searchers
FROM uses AS u
JOIN phrases AS p ON p.phrase = u.phrase
JOIN phrases AS w ON w.phrase = p.wording
WHERE NOT (w.reason = '' AND w.offense = '' AND w.filters = '' AND w.prompt = '')
GROUP BY p.wording;
