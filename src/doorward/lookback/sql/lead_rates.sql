-- Months of a unit whose rate stands out from its peers' (units of the same level, in the same month). Months with fewer
-- than $least searches are not looked at, nor where there are fewer than $peers peers. The mean of the others has the rate
-- of all units as one more of them; rho is how much the others differ beyond what chance gives (beta-binomial, by
-- moments), so that a unit stands out only from peers that are alike.
WITH rated AS (
  SELECT unit_no, peers, month, n, x, x * 1e0 / n AS rate FROM $months WHERE n >= $least
),
sums AS (
  SELECT peers, month, COUNT(*) AS units, SUM(rate) AS s1, SUM(rate * rate) AS s2, SUM(1e0 / n) AS h
  FROM rated
  GROUP BY peers, month
),
everybody AS (
  SELECT month, SUM(x) * 1e0 / SUM(n) AS rate FROM rated GROUP BY month
),
others AS (
  SELECT
    r.unit_no, r.peers, r.month, r.n, r.x, r.rate,
    s.units - 1 AS others,
    (s.s1 - r.rate + e.rate) / s.units AS mean,
    GREATEST(0, (s.s2 - r.rate * r.rate - (s.s1 - r.rate) * (s.s1 - r.rate) / (s.units - 1)) / (s.units - 2)) AS variance,
    (s.h - 1e0 / r.n) / (s.units - 1) AS h
  FROM rated r
  JOIN sums s ON s.peers = r.peers AND s.month = r.month
  JOIN everybody e ON e.month = r.month
  WHERE s.units > $peers
),
fitted AS (
  SELECT
    *,
    CASE
      WHEN mean <= 0 OR mean >= 1 THEN 0
      ELSE LEAST(0.99, GREATEST(0, (variance / (mean * (1 - mean)) - h) / (1 - h)))
    END AS rho
  FROM others
),
scored AS (
  SELECT
    *,
    CASE WHEN mean <= 0 OR mean >= 1 THEN 0 ELSE (rate - mean) / SQRT(mean * (1 - mean) * (rho + (1 - rho) / n)) END AS z
  FROM fitted
)
SELECT unit_no, peers, month, n, x, mean, rho, others, z, CASE WHEN z >= $z THEN 1 ELSE 0 END AS stands_out
FROM scored
