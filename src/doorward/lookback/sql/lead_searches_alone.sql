-- The searches that the leads look at where none is a `lookup` of a plate that is known: none repeats another.
SELECT *, 0 AS repeat
FROM lead_read
WHERE at_us IS NOT NULL AND unit_no IS NOT NULL AND test = 0
