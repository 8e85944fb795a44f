-- What each wording says where it is words of the order: $purposes and $agencies are the order's, $explicit the purposes
-- that are explicit. A cell that cannot be read is open, as everywhere.
SELECT
  phrase, reason, reason_state, offense, offense_state, filters, filters_state, prompt, prompt_state,
  CASE WHEN reason_state = 'value' AND list_contains($explicit, reason) THEN 'explicit' ELSE 'other' END AS tier,
  CASE
    WHEN reason_state = 'value' AND list_contains($purposes, reason) THEN [reason]
    WHEN reason_state IN ('value', 'blank') THEN ['unknown']
  END AS purposes,
  CASE
    WHEN filters_state = 'value' AND starts_with(filters, 'for ') AND list_contains($agencies, substr(filters, 5))
      THEN [substr(filters, 5)]
    WHEN filters_state IN ('value', 'blank') THEN ['unknown']
  END AS for_agencies,
  CAST([] AS VARCHAR[]) AS patterns,
  CAST([] AS VARCHAR[]) AS evidence,
  CAST([] AS VARCHAR[]) AS tags,
  CASE reason_state WHEN 'value' THEN 'stated' WHEN 'blank' THEN 'blank' END AS said,
  CAST(NULL AS VARCHAR) AS case_in_reason
FROM read_parquet($phrases)
