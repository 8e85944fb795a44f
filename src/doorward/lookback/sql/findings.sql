-- Each access that is inconsistent or referred, or whose words are explicit or name an agency, under one order.
SELECT
  CAST($rules AS VARCHAR) AS rules, a.file, a.sheet, a.row, a.id, a."at", a.owner, a.searcher, a.agency, a.ori,
  v.result, v.outcome, v.possible, v.clauses_named AS clauses, v.clauses_certain, v.clauses_perhaps, v.policies,
  a.tier, a.patterns, a.evidence, a.reason, a.reason_state, a.offense,
  a.case_no, a.case_state, a.kind, a.reach_back_days, a.path, a.elsewhere
FROM seen a
JOIN verdicts v ON $same
WHERE v.result IN ('inconsistent', 'referred') OR a.tier IN ('explicit', 'agency-named')
