-- How many accesses are a `lookup` of a plate that is known: without any, none can repeat another.
SELECT COUNT(*)
FROM accesses
WHERE plate_state = 'value' AND LOWER(TRIM(kind)) = 'lookup'
