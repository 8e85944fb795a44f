-- The searches that the leads look at, and which of them repeat the one before: a `lookup` of a plate within
-- $repeat_us microseconds of the lookup of the same plate by the same account of the same unit (by the unit, where the
-- account is not known). A hot list looks up like that by itself.
SELECT *, 0 AS repeat
FROM lead_read
WHERE at_us IS NOT NULL AND unit_no IS NOT NULL AND test = 0 AND (lookup = 0 OR plate IS NULL)
UNION ALL
SELECT
  *,
  CASE
    WHEN at_us - LAG(at_us) OVER (PARTITION BY unit_no, account, plate ORDER BY at_us, file, sheet, line) < $repeat_us THEN 1
    ELSE 0
  END AS repeat
FROM lead_read
WHERE at_us IS NOT NULL AND unit_no IS NOT NULL AND test = 0 AND lookup = 1 AND plate IS NOT NULL
