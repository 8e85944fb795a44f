-- How many pairs chance alone would give: the searches of a unit keep their plates, and whoever makes them is drawn from
-- its accounts. Of the n searches of a plate, each is then made by an account with the chance q, its share of the unit's.
-- Times are spread evenly over the account's own period; r is the part of that period that the span is. With
-- s = q (1 - r), three or more of n that are so far apart have the chance
--   1 - (1 - s)^n - n s (1 - s)^(n-1) - n (n-1) / 2 q^2 (1 - q)^(n-2) (1 - r)^2:
-- the sum over binomial numbers k from 3 of the chance 1 - k r^(k-1) + (k-1) r^k that k even times span more than r.
-- An account has so many searches and no more: for three of them that takes the factor `few`, and nothing where it is certain.
WITH read AS (
  SELECT unit_no, account, plate, at_us
  FROM searches
  WHERE account IS NOT NULL AND plate IS NOT NULL AND caseless = 1
),
totals AS (
  SELECT unit_no, COUNT(*) AS n FROM read GROUP BY unit_no
),
plates AS (
  SELECT unit_no, n, COUNT(*) AS plates
  FROM (SELECT unit_no, plate, COUNT(*) AS n FROM read GROUP BY unit_no, plate) p
  GROUP BY unit_no, n
),
accounts AS (
  SELECT unit_no, n, days, COUNT(*) AS accounts
  FROM (
    SELECT unit_no, account, COUNT(*) AS n, (MAX(at_us) - MIN(at_us)) // 86400000000 AS days
    FROM read
    GROUP BY unit_no, account
  ) a
  WHERE n >= 3 AND days * 86400000000 > $span_us
  GROUP BY unit_no, n, days
),
cells AS (
  SELECT
    a.unit_no, a.accounts * p.plates AS pairs, p.n AS n, a.n * 1e0 / t.n AS q,
    $span_us / (a.days * 86400000000e0) AS r,
    (1 - 1e0 / a.n) * (1 - 2e0 / a.n) / ((1 - 1e0 / t.n) * (1 - 2e0 / t.n)) AS few
  FROM accounts a
  JOIN plates p ON p.unit_no = a.unit_no AND p.n >= 3
  JOIN totals t ON t.unit_no = a.unit_no
)
SELECT
  unit_no,
  SUM(pairs * CASE
    -- the same to the first order; below this the exact form loses its digits
    WHEN n * q < 0.01 THEN few * n * (n - 1) * (n - 2) / 6e0 * q * q * q * (1 - r) * (1 - r) * (1 + 2 * r)
    ELSE 1 - POWER(
      POWER(1 - q * (1 - r), n) + n * q * (1 - r) * POWER(1 - q * (1 - r), n - 1)
        + n * (n - 1) / 2e0 * q * q * POWER(1 - q, n - 2) * (1 - r) * (1 - r),
      few)
  END) AS expected
FROM cells
GROUP BY unit_no
