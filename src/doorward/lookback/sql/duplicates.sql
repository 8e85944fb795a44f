-- Which rows say an access again that another row says: the same id, or without an id the same searcher, second,
-- number of networks, reason, case number and offense. Keys are two hashes of 64 bits, of two texts: were they drawn, two of
-- 50 million accesses would share both in one of 10^23 cases. What shares the first is a candidate, what shares both repeats.
-- {part} bounds the memory, where there are many rows: one part of the keys at once.
--
-- Views that must stand: rows_read (all of data/rows/*.parquet) and owners (file, owner).
-- Of rows that say the same, the one of the lowest file, sheet and row stays.

-- name: keys
CREATE OR REPLACE TEMP VIEW keyed AS
SELECT file, sheet, row, said, CASE WHEN said IS NOT NULL THEN hash(said) END AS key_one
FROM (
  SELECT file, sheet, row,
    CASE
      WHEN id_state = 'value' THEN 'id' || lower(trim(id))
      -- The length of each text stands before it, so that two accesses are one text only where every cell is the same.
      WHEN at_state = 'value' THEN concat_ws(' ', epoch_ms(date_trunc('second', "at")), coalesce(networks, -1),
        strlen(coalesce(searcher, '')), searcher, strlen(coalesce(reason, '')), reason,
        strlen(coalesce(case_no, '')), case_no, strlen(coalesce(offense, '')), offense)
    END AS said
  FROM rows_read
);

-- name: repeated
INSERT INTO repeated
SELECT key_one
FROM keyed {part}
GROUP BY key_one
HAVING count(*) > 1; -- NULL, the key of rows that have none, is joined with nothing

-- name: ranked
CREATE OR REPLACE TEMP VIEW ranked AS
SELECT keyed.file, keyed.sheet, keyed.row,
  row_number() OVER (PARTITION BY keyed.key_one, keyed.key_two, keyed.file ORDER BY keyed.sheet, keyed.row) AS in_file,
  row_number() OVER (PARTITION BY keyed.key_one, keyed.key_two, owners.owner
    ORDER BY keyed.file, keyed.sheet, keyed.row) AS in_owner,
  row_number() OVER (PARTITION BY keyed.key_one, keyed.key_two ORDER BY keyed.file, keyed.sheet, keyed.row) AS in_all,
  first_value(keyed.file) OVER (PARTITION BY keyed.key_one, keyed.key_two
    ORDER BY keyed.file, keyed.sheet, keyed.row) AS kept_file,
  first_value(keyed.sheet) OVER (PARTITION BY keyed.key_one, keyed.key_two
    ORDER BY keyed.file, keyed.sheet, keyed.row) AS kept_sheet,
  first_value(keyed.row) OVER (PARTITION BY keyed.key_one, keyed.key_two
    ORDER BY keyed.file, keyed.sheet, keyed.row) AS kept_row
FROM (
  SELECT k.file, k.sheet, k.row, k.key_one, hash('second' || k.said) AS key_two
  FROM keyed AS k
  JOIN repeated ON k.key_one = repeated.key_one
) AS keyed
JOIN owners ON keyed.file = owners.file;

-- name: duplicates
SELECT file, sheet, row,
  CASE WHEN in_file > 1 THEN 'same file' WHEN in_owner > 1 THEN 'same owner' ELSE 'another owner' END AS kind,
  kept_file, kept_sheet, kept_row
FROM ranked
WHERE in_all > 1
ORDER BY file, sheet, row;
