-- One row a unit. Where two units have one name, the name is followed by what tells them apart.
WITH named AS (
  SELECT
    unit_key, MIN(label) AS label, MIN(state) AS state, MIN(peers) AS peers, MAX(federal) AS federal, MAX(test) AS test,
    MAX(participating) AS participating, MIN(participating_since) AS participating_since, MIN(zone) AS zone,
    COUNT(DISTINCT zone) AS zones
  FROM lead_searchers
  GROUP BY unit_key
)
SELECT
  CAST(ROW_NUMBER() OVER (ORDER BY unit_key) AS INTEGER) AS unit_no,
  unit_key,
  CASE WHEN COUNT(*) OVER (PARTITION BY label) > 1 AND label <> unit_key THEN label || ' (' || unit_key || ')' ELSE label END
    AS unit,
  state, peers, federal, test, participating, participating_since,
  CASE WHEN zones = 1 THEN zone END AS zone
FROM named
