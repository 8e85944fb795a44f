-- Of each unit and month: how many searches, and how many of them have the mark $mark (1 yes, 0 no, NULL cannot tell).
SELECT s.unit_no, u.peers, s.month, COUNT(*) AS n, CAST(SUM(s.$mark) AS BIGINT) AS x
FROM searches s
JOIN units u ON u.unit_no = s.unit_no
WHERE s.$mark IS NOT NULL
GROUP BY s.unit_no, u.peers, s.month
