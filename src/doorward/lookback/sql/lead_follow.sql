-- A search of a unit that is not federal, of a plate that another unit searched before it, at most $window_us
-- microseconds earlier, in a search that is federal or whose words are explicit. Two searches at the same moment do not
-- follow each other: the log does not say which came first.
WITH plates AS (
  SELECT plate FROM $searches WHERE first_one = 1 AND plate IS NOT NULL GROUP BY plate
),
seen AS (
  SELECT
    s.unit_no, s.federal, s.file, s.sheet, s.line, s.at_us,
    SUM(s.first_one) OVER (
      PARTITION BY s.plate ORDER BY s.at_us RANGE BETWEEN $window_us PRECEDING AND 1 PRECEDING
    ) AS by_all,
    SUM(s.first_one) OVER (
      PARTITION BY s.plate, s.unit_no ORDER BY s.at_us RANGE BETWEEN $window_us PRECEDING AND 1 PRECEDING
    ) AS by_itself
  FROM $searches s
  JOIN plates p ON p.plate = s.plate
)
SELECT unit_no, 0 AS part, NULL AS item, file, sheet, line, at_us
FROM seen
WHERE federal = 0 AND COALESCE(by_all, 0) > COALESCE(by_itself, 0)
