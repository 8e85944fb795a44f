-- What each such unit would have if taking part had nothing to do with how often a unit searches: an even share of all
-- searches of units that are not federal, from the date on.
WITH days AS (
  SELECT begun, COUNT(*) AS n FROM searches WHERE federal = 0 GROUP BY begun
),
active AS (
  SELECT unit_no FROM searches WHERE federal = 0 GROUP BY unit_no
),
sized AS (
  SELECT COUNT(*) AS units FROM active
)
SELECT u.unit_no, SUM(d.n) * 1e0 / MAX(z.units) AS expected
FROM units u
JOIN active a ON a.unit_no = u.unit_no
JOIN days d ON d.begun >= u.participating_since
CROSS JOIN sized z
WHERE u.federal = 0
GROUP BY u.unit_no
