-- The way that a search came (paths.py), over the columns own, immigration, for_immigration, one_to_one (BOOLEAN,
-- NULL is open) and networks (BIGINT). An expression: it stands in a SELECT over such columns.
CASE
    WHEN own IS NULL OR (immigration IS NULL AND NOT own) THEN 'cannot-tell'
    WHEN immigration AND NOT own AND one_to_one IS NULL THEN 'cannot-tell'
    WHEN immigration AND NOT own AND one_to_one THEN 'front'
    WHEN immigration AND NOT own AND networks > 1 THEN 'back'
    WHEN immigration AND NOT own THEN 'cannot-tell'
    WHEN for_immigration IS NULL THEN 'cannot-tell'
    WHEN for_immigration THEN 'side'
    WHEN own THEN 'own'
    ELSE 'other'
END
