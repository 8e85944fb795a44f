-- Accounts that were active in $units units within $window_us microseconds, both ends included, or in two units of
-- different states. The most units that a window holds are held where a run of searches in one unit begins; of the
-- other units it holds their latest search before that, which is the end of a run.
WITH several AS (
  SELECT account FROM $searches WHERE account IS NOT NULL GROUP BY account HAVING MIN(unit_no) <> MAX(unit_no)
),
ordered AS (
  SELECT
    s.account, s.unit_no, s.at_us,
    LAG(s.unit_no) OVER (PARTITION BY s.account ORDER BY s.at_us, s.unit_no) AS unit_before,
    LEAD(s.unit_no) OVER (PARTITION BY s.account ORDER BY s.at_us, s.unit_no) AS unit_after
  FROM $searches s
  JOIN several v ON v.account = s.account
),
begins AS (
  SELECT DISTINCT account, unit_no, at_us FROM ordered WHERE unit_before IS NULL OR unit_before <> unit_no
),
ends AS (
  SELECT DISTINCT account, unit_no, at_us FROM ordered WHERE unit_after IS NULL OR unit_after <> unit_no
),
meetings AS (
  SELECT b.account, b.unit_no, b.at_us
  FROM begins b
  JOIN ends e
    ON e.account = b.account AND e.unit_no <> b.unit_no AND e.at_us BETWEEN b.at_us - $window_us AND b.at_us
  JOIN units here ON here.unit_no = b.unit_no
  JOIN units there ON there.unit_no = e.unit_no
  GROUP BY b.account, b.unit_no, b.at_us
  HAVING COUNT(DISTINCT e.unit_no) >= $units - 1 OR MAX(CASE WHEN there.state <> here.state THEN 1 ELSE 0 END) = 1
)
SELECT DISTINCT s.unit_no, 0 AS part, s.account AS item, s.file, s.sheet, s.line, s.at_us
FROM meetings m
JOIN $searches s ON s.account = m.account AND s.at_us BETWEEN m.at_us - $window_us AND m.at_us
