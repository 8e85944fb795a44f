-- Each access with what its words, its searcher and its owner are, and the way that it came. The other queries read this.
-- $elsewhere is true for an owner's own words, and false for an order over all logs, which counts each search once.
SELECT
  a.file, a.sheet, a.row, a.id, a."at", a.at_state, a.phrase, a.searcher_no, a.case_said, a.case_no, a.case_state,
  a.kind, a.networks, a.reach_back_days, a.declared, a.participating, a."at" AS accessed_at,
  a.elsewhere,
  o.owner, s.searcher, s.ori, s.state,
  CASE
    WHEN a.declared THEN s.agency_declared
    WHEN a.declared IS NULL AND s.agency IS DISTINCT FROM s.agency_declared THEN NULL
    ELSE s.agency
  END AS agency,
  CASE
    WHEN a.declared THEN s.agencies_declared
    WHEN a.declared IS NULL THEN s.agencies_either
    ELSE s.agencies
  END AS agencies,
  p.meaning, p.tier, p.patterns, p.evidence, p.said, p.reason, p.reason_state, p.offense, p.offense_given,
  CASE
    WHEN w.own IS NULL OR (s.immigration IS NULL AND NOT w.own) THEN 'cannot-tell'
    WHEN s.immigration AND NOT w.own AND w.one_to_one IS NULL THEN 'cannot-tell'
    WHEN s.immigration AND NOT w.own AND w.one_to_one THEN 'front'
    WHEN s.immigration AND NOT w.own AND a.networks > 1 THEN 'back'
    WHEN s.immigration AND NOT w.own THEN 'cannot-tell'
    WHEN p.for_immigration IS NULL THEN 'cannot-tell'
    WHEN p.for_immigration THEN 'side'
    WHEN w.own THEN 'own'
    ELSE 'other'
  END AS path
FROM accesses a
JOIN owners o ON o.file = a.file
JOIN phrases p ON p.phrase = a.phrase
JOIN searchers s ON s.searcher_no = a.searcher_no
JOIN relations w ON w.file = a.file AND w.searcher_no = a.searcher_no
WHERE $elsewhere OR NOT a.elsewhere
