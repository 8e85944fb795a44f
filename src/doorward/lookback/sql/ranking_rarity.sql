-- Without a model: a wording is the higher, the rarer its words are in these logs. The score is the mean of
-- log2(all accesses / accesses with this word); a number is as common as all numbers of its form.
CREATE TABLE scored AS
WITH split AS (
  SELECT DISTINCT norm, n, unnest(string_split(norm, ' ')) AS word FROM norms
),
words AS (
  SELECT word, sum(n) AS n FROM split GROUP BY word
)
SELECT s.norm, round(avg(log2((SELECT sum(n) FROM norms) / w.n)), 6) AS score
FROM split AS s
JOIN words AS w ON w.word = s.word
GROUP BY s.norm;
