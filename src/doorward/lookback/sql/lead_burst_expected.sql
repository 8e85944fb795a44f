-- How many bursts chance alone would give: every account keeps how many searches it made and over how many days; they
-- fall independently of each other, at the rate that its unit has in that hour of the day (a Poisson process).
-- With m the mean in a window and k the number that makes a burst, windows fill at the rate (searches) * P(k - 1; m),
-- and 1 - m / k of those begin a burst (Alm 1983; Glaz, Naus and Wallenstein, Scan Statistics, 2001).
-- Rates are not known but counted, and the k-th power of a count is too large for that of its mean: N^k is replaced by
-- N (N-1) .. (N-k+1), which is right on average. ln_drop is the logarithm of what that takes away, as a series in 1 / N.
WITH hours AS (
  SELECT unit_no, (at_us // 3600000000) % 24 AS hour, COUNT(*) AS n
  FROM $searches
  GROUP BY unit_no, (at_us // 3600000000) % 24
),
totals AS (
  SELECT unit_no, SUM(n) AS n FROM hours GROUP BY unit_no
),
accounts AS (
  SELECT
    s.unit_no, s.account, COUNT(*) AS n, MAX(s.at_us) // 86400000000 - MIN(s.at_us) // 86400000000 + 1 AS days
  FROM $searches s
  GROUP BY s.unit_no, s.account
),
classes AS (
  SELECT a.unit_no, a.n, a.days, COUNT(*) AS accounts, CAST(MAX(l.least) AS BIGINT) AS k, MAX(l.ln_factorial) AS ln_factorial
  FROM accounts a
  JOIN limits l ON l.unit_no = a.unit_no
  WHERE a.n >= l.least
  GROUP BY a.unit_no, a.n, a.days
),
cells AS (
  SELECT
    c.unit_no, c.accounts, c.n, c.k, c.ln_factorial,
    h.n * 1e0 / t.n AS share,
    c.n * (h.n * 1e0 / t.n) / c.days * ($window_us / 3600000000e0) AS m,
    c.k * (c.k - 1) / 2e0 AS s1, c.k * (c.k - 1) * (2 * c.k - 1) / 6e0 AS s2,
    1e0 / c.n + 1e0 / h.n - 1e0 / t.n AS d1,
    1e0 / c.n / c.n + 1e0 / h.n / h.n - 1e0 / t.n / t.n AS d2,
    1e0 / c.n / c.n / c.n + 1e0 / h.n / h.n / h.n - 1e0 / t.n / t.n / t.n AS d3
  FROM classes c
  JOIN hours h ON h.unit_no = c.unit_no AND h.n >= c.k
  JOIN totals t ON t.unit_no = c.unit_no
),
dropped AS (
  SELECT *, -s1 * d1 - s2 * d2 / 2 - s1 * s1 * d3 / 3 AS ln_drop FROM cells
)
SELECT
  unit_no,
  SUM(accounts * n * share * EXP((k - 1) * LN(m) - m - ln_factorial + ln_drop) * GREATEST(0, 1 - m / k)) AS expected
FROM dropped
GROUP BY unit_no
