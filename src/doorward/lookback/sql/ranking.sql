-- The queue: what no pattern caught that a person should read anyway, the highest score first.
SELECT
  q.phrase,
  s.score,
  row_number() OVER (ORDER BY s.score DESC, q.n DESC, q.phrase) AS rank,
  q.n
FROM queue AS q
JOIN scored AS s ON s.norm = q.norm
ORDER BY rank
