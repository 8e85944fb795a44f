-- Events of Oracle's unified audit trail that read a table, as accesses; $1 is the form of Oracle's times.
-- A time of another form is handed on as it stands: the mapping reads it, or says that it cannot.
WITH parts AS (
    SELECT *,
        regexp_full_match(time, $1) AS is_oracle,
        regexp_extract(time, $1, 1) AS day,
        upper(regexp_extract(time, $1, 2)) AS month_name,
        regexp_extract(time, $1, 3) AS year,
        regexp_extract(time, $1, 4) AS hour,
        regexp_extract(time, $1, 5) AS minute,
        regexp_extract(time, $1, 6) AS second,
        regexp_extract(time, $1, 7) AS fraction,
        upper(regexp_extract(time, $1, 8)) AS half,
        regexp_extract(time, $1, 9) AS zone
    FROM oracle_rows
    WHERE coalesce(code, '0') = '0' AND object IS NOT NULL
),

numbers AS (
    SELECT parts.*, oracle_times.number AS month,
        CASE half WHEN 'A' THEN hour::INTEGER % 12 WHEN 'P' THEN hour::INTEGER % 12 + 12 ELSE try_cast(hour AS INTEGER) END
            AS clock,
        try_cast(year AS INTEGER)
            + CASE WHEN length(year) = 4 THEN 0 WHEN try_cast(year AS INTEGER) < 50 THEN 2000 ELSE 1900 END AS full_year,
        CASE WHEN zone IN ('UTC', 'GMT', 'Z') THEN '+0000'
            WHEN zone = '' THEN ''
            ELSE zone[1] || lpad(replace(zone[2:], ':', ''), 4, '0') END AS offset_digits
    FROM parts LEFT JOIN oracle_times ON oracle_times.month = parts.month_name
)

SELECT
    concat_ws('/', session, entry, concat_ws('.', schema, object)) AS c0,
    searcher AS c1,
    account AS c2,
    CASE
        WHEN is_oracle AND month IS NOT NULL AND clock < 24 AND (half = '' OR hour::INTEGER BETWEEN 1 AND 12)
            THEN lpad(full_year::VARCHAR, 4, '0') || '-' || lpad(month::VARCHAR, 2, '0') || '-' || lpad(day, 2, '0')
                || 'T' || lpad(clock::VARCHAR, 2, '0') || ':' || minute || ':' || second
                || '.' || rpad((CASE fraction WHEN '' THEN '0' ELSE fraction END)[1:6], 6, '0')
                || CASE offset_digits WHEN '' THEN '' ELSE offset_digits[1:3] || ':' || offset_digits[4:5] END
        ELSE time
    END AS c3,
    kind AS c4,
    concat_ws('.', schema, object) AS c5,
    command AS c6,
    sheet,
    row
FROM numbers
ORDER BY sheet, row
