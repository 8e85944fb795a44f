-- Whether the rate of vague reasons of a unit is another one after a mark than before it: $weeks weeks on each side, at
-- least $least searches and $least_weeks weeks with any on each side. Weeks are the units of chance: how much the
-- rate differs from week to week says how much it may differ by itself (Welch's t). Where no week differs, the
-- binomial spread is taken.
WITH weekly AS (
  SELECT
    m.mark, s.unit_no, CAST(FLOOR((s.at_us - m.at_us) / 604800000000e0) AS BIGINT) AS week,
    COUNT(*) AS n, SUM(s.vague) AS x
  FROM searches s
  JOIN marks m ON m.owner_no = 0 OR m.owner_no = s.owner_no
  WHERE s.vague IS NOT NULL
    AND s.at_us >= m.at_us - $weeks * 604800000000 AND s.at_us < m.at_us + $weeks * 604800000000
  GROUP BY m.mark, s.unit_no, CAST(FLOOR((s.at_us - m.at_us) / 604800000000e0) AS BIGINT)
),
sides AS (
  SELECT
    mark, unit_no, CASE WHEN week < 0 THEN 0 ELSE 1 END AS later,
    COUNT(*) AS weeks, SUM(n) AS n, SUM(x) AS x, SUM(x) * 1e0 / SUM(n) AS rate
  FROM weekly
  GROUP BY mark, unit_no, CASE WHEN week < 0 THEN 0 ELSE 1 END
),
spread AS (
  SELECT
    s.mark, s.unit_no, s.later, s.weeks, s.n, s.x, s.rate,
    s.weeks / (s.weeks - 1e0) * SUM((w.x - s.rate * w.n) * (w.x - s.rate * w.n)) / (1e0 * s.n * s.n) AS variance
  FROM sides s
  JOIN weekly w
    ON w.mark = s.mark AND w.unit_no = s.unit_no AND CASE WHEN w.week < 0 THEN 0 ELSE 1 END = s.later
  WHERE s.weeks >= $least_weeks AND s.n >= $least
  GROUP BY s.mark, s.unit_no, s.later, s.weeks, s.n, s.x, s.rate
),
pairs AS (
  SELECT
    b.mark, b.unit_no, b.n AS n_before, b.x AS x_before, a.n AS n_after, a.x AS x_after,
    b.rate AS before, a.rate AS after, b.variance AS v_before, a.variance AS v_after,
    b.weeks AS w_before, a.weeks AS w_after,
    (b.x + a.x) * 1e0 / (b.n + a.n) AS pooled
  FROM spread b
  JOIN spread a ON a.mark = b.mark AND a.unit_no = b.unit_no AND b.later = 0 AND a.later = 1
),
scored AS (
  SELECT
    *,
    CASE
      WHEN v_before + v_after > 0 THEN v_before + v_after
      ELSE pooled * (1 - pooled) * (1e0 / n_before + 1e0 / n_after)
    END AS variance,
    CASE
      WHEN v_before + v_after > 0 THEN
        (v_before + v_after) * (v_before + v_after)
        / (v_before * v_before / (w_before - 1) + v_after * v_after / (w_after - 1))
      ELSE w_before + w_after - 2
    END AS df
  FROM pairs
)
SELECT
  mark, unit_no, n_before, x_before, n_after, x_after, before, after, df,
  CASE WHEN variance > 0 THEN (after - before) / SQRT(variance) ELSE 0 END AS t
FROM scored
