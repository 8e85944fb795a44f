-- Chance: the candidates $draws times over, each with a time of its own unit's searches of that month, no time twice in a
-- draw. The candidates of a unit and month stand in an order fixed by $seed and the place of the row, and take times at
-- even distances, from a begin that is drawn too. Each draw has plates and accounts of its own, so that the rule's own
-- statement counts all draws in one run. A hash of several values mixes them little; the hash of that hash does.
WITH sizes AS (
  SELECT s.unit_no, s.month, COUNT(*) AS n
  FROM searches s
  JOIN (SELECT DISTINCT unit_no, month FROM candidates) c ON c.unit_no = s.unit_no AND c.month = s.month
  GROUP BY s.unit_no, s.month
),
times AS (
  SELECT s.unit_no, s.month, s.at_us, ROW_NUMBER() OVER (PARTITION BY s.unit_no, s.month ORDER BY s.at_us) - 1 AS place
  FROM searches s
  JOIN sizes z ON z.unit_no = s.unit_no AND z.month = s.month
),
shuffled AS (
  SELECT
    c.unit_no, c.month, c.federal, c.first_one, c.file, c.sheet, c.line, d.draw,
    HASH(c.stands_for, d.draw) AS stands_for,
    ROW_NUMBER() OVER (
      PARTITION BY c.unit_no, c.month, d.draw ORDER BY HASH(HASH(c.file, c.sheet, c.line, d.draw, $seed))
    ) - 1 AS turn,
    COUNT(*) OVER (PARTITION BY c.unit_no, c.month, d.draw) AS turns
  FROM candidates c
  CROSS JOIN (SELECT UNNEST(RANGE($draws)) AS draw) d
),
places AS (
  SELECT
    s.*,
    (s.turn * z.n + CAST(HASH(HASH(s.unit_no, s.month, s.draw, $seed)) % CAST(z.n AS UBIGINT) AS BIGINT)) // s.turns AS place
  FROM shuffled s
  JOIN sizes z ON z.unit_no = s.unit_no AND z.month = s.month
)
SELECT
  p.unit_no, p.federal, p.first_one, p.stands_for AS plate, p.stands_for AS account, p.file, p.sheet, p.line, t.at_us
FROM places p
JOIN times t ON t.unit_no = p.unit_no AND t.month = p.month AND t.place = p.place
