-- Which rows say an access again that another row says: the same id, or without an id the same searcher, second,
-- number of networks, reason, case number and offense. Keys are two hashes of 64 bits, of two texts: were they drawn, two of
-- 50 million accesses would share both in one of 10^23 cases. What shares the first is a candidate, what shares both repeats.
-- {part} bounds the memory, where there are many rows: one part of the keys at once.
--
-- Views that must stand: rows_with_id (of files in which every row has an id), rows_read (of all other files; both of
-- data/rows/*.parquet), and owners (file, owner). Of rows that say the same, the one of the lowest file, sheet and row stays.

-- name: keys
CREATE OR REPLACE TEMP VIEW keyed AS
SELECT file, sheet, row, own, text,
  CASE WHEN own IS NOT NULL THEN hash(own) WHEN text IS NOT NULL THEN hash(text) END AS key_one
FROM (
  -- Only the ids of these files are read. An ASCII text without a space has nothing to trim, and trimming is dear.
  SELECT file, sheet, row,
    CASE WHEN strlen(id) = length(id) AND NOT contains(id, ' ') THEN lower(id) ELSE lower(trim(id)) END AS own,
    NULL AS text
  FROM rows_with_id
  UNION ALL
  SELECT file, sheet, row,
    CASE WHEN id_state = 'value' THEN lower(trim(id)) END AS own,
    -- The length of each text stands before it, so that two accesses are one text only where every cell is the same.
    CASE
      WHEN id_state <> 'value' AND at_state = 'value' THEN concat_ws(' ', epoch_ms(date_trunc('second', "at")),
        coalesce(networks, -1), strlen(coalesce(searcher, '')), searcher, strlen(coalesce(reason, '')), reason,
        strlen(coalesce(case_no, '')), case_no, strlen(coalesce(offense, '')), offense)
    END AS text
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
  lag(keyed.file) OVER same AS file_before,
  row_number() OVER (PARTITION BY keyed.key_one, keyed.key_two, owners.owner
    ORDER BY keyed.file, keyed.sheet, keyed.row) AS in_owner,
  row_number() OVER same AS in_all,
  first_value(keyed.file) OVER same AS kept_file,
  first_value(keyed.sheet) OVER same AS kept_sheet,
  first_value(keyed.row) OVER same AS kept_row
FROM (
  SELECT k.file, k.sheet, k.row, k.key_one, hash('second' || coalesce('id' || k.own, k.text)) AS key_two
  FROM keyed AS k
  JOIN repeated ON k.key_one = repeated.key_one
) AS keyed
JOIN owners ON keyed.file = owners.file
WINDOW same AS (PARTITION BY keyed.key_one, keyed.key_two ORDER BY keyed.file, keyed.sheet, keyed.row);

-- name: duplicates
SELECT file, sheet, row,
  CASE WHEN file_before = file THEN 'same file' WHEN in_owner > 1 THEN 'same owner' ELSE 'another owner' END AS kind,
  kept_file, kept_sheet, kept_row
FROM ranked
WHERE in_all > 1
ORDER BY file, sheet, row;
