-- How many searches a unit makes in $window_us microseconds of its busiest hour of the day, over all its days.
WITH hours AS (
  SELECT
    unit_no, (at_us // 3600000000) % 24 AS hour, COUNT(*) AS n,
    MIN(at_us) // 86400000000 AS first_day, MAX(at_us) // 86400000000 AS last_day
  FROM $searches
  GROUP BY unit_no, (at_us // 3600000000) % 24
)
SELECT unit_no, MAX(n) * ($window_us / 3600000000e0) / (MAX(last_day) - MIN(first_day) + 1) AS busiest
FROM hours
GROUP BY unit_no
