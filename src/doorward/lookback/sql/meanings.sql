-- Wordings that mean the same to an order are one: far fewer than there are wordings. $immigration lists the agencies of
-- the order that enforce immigration law.
SELECT
  phrase, reason, reason_state, offense, tier, patterns, evidence, said,
  dense_rank() OVER (ORDER BY purposes, for_agencies, said, tags, offense_given) AS meaning,
  purposes, for_agencies, tags, offense_given,
  CASE WHEN for_agencies IS NOT NULL THEN list_has_any(for_agencies, $immigration) END AS for_immigration
FROM (
  SELECT * EXCLUDE (tags),
    -- A tag that no pattern found may stand in a cell that cannot be read.
    tags AS tags_found,
    CASE WHEN purposes IS NULL THEN list_concat(tags, ['?']) ELSE tags END AS tags,
    CASE offense_state WHEN 'value' THEN true WHEN 'blank' THEN false END AS offense_given
  FROM read_parquet($phrases)
)
