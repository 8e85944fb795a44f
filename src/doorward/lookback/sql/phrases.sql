-- What each wording says. The expressions of the lexicon are written in where a comment names them, so that this query, as
-- `doorward audit words --sql` prints it, can be read and run again by anybody who holds the rows.
-- doorward/lookback/words/phrase.py states the rules and is its twin; what is not ASCII is classified there. Cells in which
-- nothing stands anywhere are left out: making an expression ready takes as long as a search through ten thousand wordings.
CREATE OR REPLACE TEMPORARY TABLE plain_phrases AS
WITH readable AS (
    SELECT
        *,
        CASE WHEN reason_state = 'value' THEN left(reason, /*most*/) END AS reason_text,
        CASE WHEN offense_state = 'value' THEN left(offense, /*most*/) END AS offense_text,
        CASE WHEN filters_state = 'value' THEN left(filters, /*most*/) END AS filters_text,
        CASE WHEN prompt_state = 'value' THEN left(prompt, /*most*/) END AS prompt_text,
        coalesce(offense_state IN (/*beside*/), FALSE)
        OR coalesce(prompt_state IN (/*beside*/), FALSE)
        OR CASE
            WHEN reason_state = 'not-exported' THEN coalesce(offense_state, '') <> 'value'
            ELSE coalesce(reason_state IN (/*beside*/), FALSE)
        END AS is_open
    FROM wordings
    WHERE /*first*/ <= phrase AND phrase < /*after*/
),

hits AS (
    SELECT
        *,
        list_filter(flatten([
            /*hits*/
        ]), lambda hit: hit.evidence IS NOT NULL) AS hit,
        /*case*/ AS case_in_reason
    FROM readable
    WHERE NOT regexp_matches(concat_ws(' ', reason_text, offense_text, filters_text, prompt_text), '[^\x00-\x7F]')
),

meanings AS (
    SELECT
        *,
        list_transform(hit, lambda one: /*tiers*/[one.number]) AS tiers,
        flatten(list_transform(hit, lambda one: /*purposes*/[one.number])) AS purposes_said,
        list_transform(hit, lambda one: /*agencies*/[one.number]) AS agencies_said,
        flatten(list_transform(hit, lambda one: /*tags*/[one.number])) AS tags_said,
        -- In a CASE, since the expression of vague words is dear and most phrases do not need it.
        CASE
            WHEN len(hit) > 0 OR case_in_reason IS NOT NULL THEN TRUE
            ELSE /*stated*/
        END AS is_stated,
        coalesce(regexp_matches(concat_ws(' ', reason_text, offense_text, prompt_text), '[0-9A-Za-z]'), FALSE)
            AS has_words
    FROM hits
),

ordered AS (
    SELECT
        *,
        list_filter(/*all purposes*/, lambda word: list_contains(purposes_said, word)) AS purposes_found,
        list_filter(/*all agencies*/, lambda word: list_contains(agencies_said, word)) AS agencies_found,
        list_filter(/*all tags*/, lambda word: list_contains(tags_said, word)) AS tags,
        CASE WHEN is_stated THEN 'stated' WHEN is_open THEN NULL WHEN has_words THEN 'vague' ELSE 'blank' END AS said
    FROM meanings
)

SELECT
    phrase, reason, reason_state, offense, offense_state, filters, filters_state, prompt, prompt_state,
    CASE
        WHEN list_contains(tiers, 'explicit') THEN 'explicit'
        WHEN list_contains(tiers, 'agency-named') THEN 'agency-named'
        WHEN said = 'vague' THEN 'vague'
        ELSE 'other'
    END AS tier,
    CASE
        WHEN is_open AND NOT list_contains(tiers, 'explicit') THEN NULL
        WHEN len(purposes_found) > 0 THEN purposes_found
        ELSE ['unknown']
    END AS purposes,
    CASE
        WHEN len(agencies_found) > 0 THEN agencies_found
        WHEN is_open THEN NULL
        ELSE ['unknown']
    END AS for_agencies,
    list_transform(hit, lambda one: /*ids*/[one.number]) AS patterns,
    list_transform(hit, lambda one: one.evidence) AS evidence,
    tags,
    said,
    case_in_reason
FROM ordered
