-- Accesses of each set of rules, by owner, and how many have each result and each tier.
-- The parameter is the table of counts. The order of the columns is MEASURES of compare.py.
SELECT rules, owner, sum(n)::BIGINT AS accesses,
       coalesce(sum(n) FILTER (result = 'inconsistent'), 0)::BIGINT AS inconsistent,
       coalesce(sum(n) FILTER (result = 'referred'), 0)::BIGINT AS referred,
       coalesce(sum(n) FILTER (result = 'cannot-tell'), 0)::BIGINT AS cannot_tell,
       coalesce(sum(n) FILTER (tier = 'explicit'), 0)::BIGINT AS explicit,
       coalesce(sum(n) FILTER (tier = 'agency-named'), 0)::BIGINT AS agency_named,
       coalesce(sum(n) FILTER (tier = 'vague'), 0)::BIGINT AS vague
FROM read_parquet(?)
GROUP BY rules, owner
ORDER BY rules, owner
