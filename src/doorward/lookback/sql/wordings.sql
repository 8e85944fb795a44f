-- Every wording that stands in the rows, once, with a number that does not depend on the order of the files.
CREATE OR REPLACE TEMPORARY TABLE wordings AS
SELECT
    row_number() OVER (
        ORDER BY
            reason NULLS FIRST, reason_state, offense NULLS FIRST, offense_state,
            filters NULLS FIRST, filters_state, prompt NULLS FIRST, prompt_state
    ) AS phrase,
    reason, reason_state, offense, offense_state, filters, filters_state, prompt, prompt_state
FROM (
    SELECT DISTINCT
        reason, reason_state, offense, offense_state, filters, filters_state, prompt, prompt_state
    FROM rows
) AS distinct_wordings;
