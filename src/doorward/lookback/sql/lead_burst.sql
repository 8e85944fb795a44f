-- Bursts: so many searches of one account within $window_us microseconds, both ends included (`limits.least` says how
-- many, for its unit). Windows that are full and end at most one window apart are one burst.
WITH often AS (
  SELECT s.unit_no, s.account, MAX(l.least) AS least
  FROM $searches s
  JOIN limits l ON l.unit_no = s.unit_no
  GROUP BY s.unit_no, s.account
  HAVING COUNT(*) >= MAX(l.least)
),
counted AS (
  SELECT
    s.unit_no, s.account, s.at_us, o.least,
    COUNT(*) OVER (
      PARTITION BY s.unit_no, s.account ORDER BY s.at_us RANGE BETWEEN $window_us PRECEDING AND CURRENT ROW
    ) AS within
  FROM $searches s
  JOIN often o ON o.unit_no = s.unit_no AND o.account = s.account
),
ends AS (
  SELECT DISTINCT unit_no, account, at_us FROM counted WHERE within >= least
),
begun AS (
  SELECT
    unit_no, account, at_us,
    CASE
      WHEN at_us - LAG(at_us) OVER (PARTITION BY unit_no, account ORDER BY at_us) <= $window_us THEN 0
      ELSE 1
    END AS begins
  FROM ends
),
numbered AS (
  SELECT unit_no, account, at_us, SUM(begins) OVER (PARTITION BY unit_no, account ORDER BY at_us) AS burst FROM begun
),
spans AS (
  SELECT unit_no, account, burst, MIN(at_us) - $window_us AS first_us, MAX(at_us) AS last_us
  FROM numbered
  GROUP BY unit_no, account, burst
),
items AS (
  SELECT *, ROW_NUMBER() OVER (ORDER BY unit_no, first_us, last_us, account) AS item FROM spans
)
SELECT s.unit_no, 0 AS part, i.item, s.file, s.sheet, s.line, s.at_us
FROM items i
JOIN $searches s
  ON s.unit_no = i.unit_no AND s.account = i.account AND s.at_us BETWEEN i.first_us AND i.last_us
