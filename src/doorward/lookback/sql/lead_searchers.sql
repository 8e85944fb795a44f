-- Which unit each searcher is. Spellings of one agency are one unit: by its ORI, else by name and state, else as written.
-- A searcher that is masked is no unit, so no lead can name it. Its time zone is the first of: the one given for its ORI,
-- that of its county, the one given for its state, that of its state where the whole state has one; else not known.
SELECT
  s.searcher_no,
  COALESCE(s.ori, s.name || ' ' || COALESCE(s.state, ''), s.searcher) AS unit_key,
  COALESCE(s.name, s.searcher) AS label,
  s.state,
  COALESCE(s.level, '') AS peers,
  CASE WHEN COALESCE(LIST_CONTAINS(s.flags, 'federal'), FALSE) THEN 1 ELSE 0 END AS federal,
  CASE WHEN COALESCE(LIST_CONTAINS(s.flags, 'test'), FALSE) THEN 1 ELSE 0 END AS test,
  CASE WHEN s.participating THEN 1 ELSE 0 END AS participating,
  CASE WHEN s.participating THEN s.participating_since END AS participating_since,
  COALESCE(
    by_ori.zone,
    by_county.zone,
    by_state.zone,
    -- the Navajo Nation keeps another time than Arizona around it
    CASE WHEN s.state = 'AZ' AND COALESCE(LIST_CONTAINS(s.flags, 'tribal'), FALSE) THEN NULL ELSE whole.zone END
  ) AS zone
FROM searchers s
LEFT JOIN zone_options by_ori ON by_ori.name = s.ori
LEFT JOIN counties c ON c.ori = s.ori
LEFT JOIN zones by_county ON by_county.state = s.state AND by_county.county = c.county
LEFT JOIN zone_options by_state ON by_state.name = s.state
LEFT JOIN zones whole ON whole.state = s.state AND whole.county = ''
WHERE s.searcher_state = 'value' AND s.searcher IS NOT NULL
