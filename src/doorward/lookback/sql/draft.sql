-- By month and clause: what the draft refuses for certain, what it keeps closed until somebody has decided, and how many
-- of those the order in force refuses too. An access counts once under each clause that decides it.
SELECT
  strftime(date_trunc('month', d."at"), '%Y-%m') AS month, c.clause,
  count(*) FILTER (WHERE d.result = 'inconsistent') AS refused,
  count(*) FILTER (WHERE d.result = 'inconsistent' AND b.file IS NULL) AS newly_refused,
  count(*) FILTER (WHERE d.result = 'referred') AS referred
FROM draft d
CROSS JOIN (SELECT unnest(clauses) AS clause, finding FROM draft) c
LEFT JOIN refused b ON b.file = d.file AND b.sheet = d.sheet AND b.row = d.row
WHERE c.finding = d.finding AND d.result IN ('inconsistent', 'referred')
GROUP BY ALL
ORDER BY ALL
