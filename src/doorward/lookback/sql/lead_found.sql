-- One row a lead: of the searches that make it, how many, from when to when, whose data, and which are named.
WITH placed AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY kind_no, unit_no, part ORDER BY at_us, file, sheet, line) AS place
  FROM hits
)
SELECT
  h.kind_no, h.unit_no, h.part,
  CASE WHEN COUNT(h.item) = 0 THEN COUNT(*) ELSE COUNT(DISTINCT h.item) END AS n,
  COUNT(*) AS rows_n, MIN(h.at_us) AS first_us, MAX(h.at_us) AS last_us,
  MIN(f.owner) AS owner, COUNT(DISTINCT f.owner) AS owners,
  STRING_AGG(h.file || ':' || h.sheet || ':' || h.line, ', ' ORDER BY h.place) FILTER (WHERE h.place <= $rows) AS rows_named
FROM placed h
JOIN sources f ON f.file = h.file
GROUP BY h.kind_no, h.unit_no, h.part
