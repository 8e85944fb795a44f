-- The searches whose times are drawn again: of plates that were searched by a first one and by others.
SELECT s.unit_no, s.federal, s.first_one, s.month, s.plate AS stands_for, s.file, s.sheet, s.line
FROM searches s
JOIN (
  SELECT s.plate
  FROM searches s
  JOIN (SELECT plate FROM searches WHERE first_one = 1 AND plate IS NOT NULL GROUP BY plate) p ON p.plate = s.plate
  GROUP BY s.plate
  HAVING MIN(s.unit_no) <> MAX(s.unit_no) AND MIN(s.federal) = 0
) p ON p.plate = s.plate
