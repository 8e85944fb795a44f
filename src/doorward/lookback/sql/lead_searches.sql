-- The searches that the leads look at, and which of them repeat the one before: a `lookup` of a plate within
-- $repeat_us microseconds of the lookup of the same plate by the same account of the same unit (by the unit, where the
-- account is not known). A hot list looks up like that by itself. The accesses are read once; what is no lookup of a
-- plate stands alone, so that no group grows with the log.
SELECT
  *,
  CASE
    WHEN lookup = 1 AND plate IS NOT NULL AND at_us - LAG(at_us) OVER (
      PARTITION BY lookup, unit_no, account, COALESCE(plate, HASH(file, sheet, line))
      ORDER BY at_us, file, sheet, line
    ) < $repeat_us THEN 1
    ELSE 0
  END AS repeat
FROM lead_read
WHERE at_us IS NOT NULL AND unit_no IS NOT NULL AND test = 0
