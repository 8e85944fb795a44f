-- The same plate searched by the same account of a unit three times or more, the first and the last at least $span_us
-- microseconds apart, and none of those searches with a case number.
WITH pairs AS (
  SELECT unit_no, account, plate
  FROM searches
  WHERE account IS NOT NULL AND plate IS NOT NULL AND caseless = 1
  GROUP BY unit_no, account, plate
  HAVING COUNT(*) >= 3 AND MAX(at_us) - MIN(at_us) >= $span_us
),
items AS (
  SELECT *, ROW_NUMBER() OVER (ORDER BY unit_no, account, plate) AS item FROM pairs
)
SELECT s.unit_no, 0 AS part, i.item, s.file, s.sheet, s.line, s.at_us
FROM searches s
JOIN items i ON i.unit_no = s.unit_no AND i.account = s.account AND i.plate = s.plate
WHERE s.caseless = 1
