-- Where the findings of an audit are not as many as its counts say, by rules, result and tier; no row where they agree.
-- The parameters are the table of findings and the table of counts.
WITH found AS (
  SELECT rules, result, tier, count(*) AS n
  FROM read_parquet($findings)
  GROUP BY rules, result, tier
), counted AS (
  SELECT rules, result, tier, CAST(sum(n) AS BIGINT) AS n
  FROM read_parquet($counts)
  WHERE result IN ('inconsistent', 'referred') OR tier IN ('explicit', 'agency-named')
  GROUP BY rules, result, tier
)
SELECT
  coalesce(f.rules, c.rules) AS rules, coalesce(f.result, c.result) AS result, coalesce(f.tier, c.tier) AS tier,
  coalesce(f.n, 0) AS findings, coalesce(c.n, 0) AS counts
FROM found f
FULL OUTER JOIN counted c ON c.rules = f.rules AND c.result = f.result AND c.tier = f.tier
WHERE coalesce(f.n, 0) <> coalesce(c.n, 0)
ORDER BY 1, 2, 3
LIMIT 5
