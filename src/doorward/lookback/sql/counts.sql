-- How many accesses, by everything that a report counts by, under one order. $same joins an access with its verdict.
SELECT
  CAST($rules AS VARCHAR) AS rules, a.owner, a.searcher_no, a.agency, a.ori, a.state,
  CAST(date_trunc('week', a."at") AS DATE) AS week, CAST(date_trunc('month', a."at") AS DATE) AS month,
  v.result, v.outcome, a.tier, a.said, array_to_string(v.clauses_named, ' ') AS clauses, a.path, a.elsewhere, count(*) AS n
FROM seen a
JOIN verdicts v ON $same
GROUP BY ALL
