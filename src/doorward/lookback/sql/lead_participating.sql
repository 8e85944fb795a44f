-- Searches by units that took part in 287(g) on the date of the search.
SELECT s.unit_no, 0 AS part, NULL AS item, s.file, s.sheet, s.line, s.at_us
FROM searches s
JOIN units u ON u.unit_no = s.unit_no
WHERE u.federal = 0 AND u.participating_since <= s.begun
