-- The searches whose times are drawn again: of accounts that are active in more than one unit.
SELECT s.unit_no, s.federal, s.first_one, s.month, s.account AS stands_for, s.file, s.sheet, s.line
FROM searches s
JOIN (
  SELECT account FROM searches WHERE account IS NOT NULL GROUP BY account HAVING MIN(unit_no) <> MAX(unit_no)
) a ON a.account = s.account
