"""What a scope costs a query: the compiled row predicate under row security beside the same rule written by hand.

Two million synthetic rows in an embedded PostgreSQL. The peer reads as a role without row security and says the rule in
its own WHERE. Point, range, sorted page and whole scan alternate between the two. Wall milliseconds and CPU
milliseconds of the backend, median of the rounds.

Run: .venv/bin/python bench/bench_scopes.py [rows] [rounds]
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from doorward.embedded.launcher import Cluster, ClusterSpec
from doorward.orders.load import load_pack

CASE = "JH000007"
SETUP = """
CREATE SCHEMA doorward;
CREATE TABLE doorward.one_grant (case_no text NOT NULL, unit text NOT NULL, place text NOT NULL);
INSERT INTO doorward.one_grant VALUES ('{case}', 'area-1', '');
CREATE VIEW doorward.my_grant WITH (security_barrier) AS SELECT case_no, unit, place FROM doorward.one_grant;
CREATE TABLE persons AS
SELECT n AS person_id, 'Sample-' || lpad((n::bigint * 7919 % {rows})::text, 7, '0') AS last_name,
       'JH' || lpad((n % 5000)::text, 6, '0') AS case_no, 'area-' || n % 5 AS unit,
       n % 50 = 0 AS sealed, n % 20 = 3 AS juvenile,
       timestamptz '2026-01-01 00:00 UTC' + n % 1000000 * interval '1 second' AS updated_at
FROM generate_series(1, {rows}) AS n;
ALTER TABLE persons ADD PRIMARY KEY (person_id);
ALTER TABLE persons ALTER sealed SET NOT NULL, ALTER juvenile SET NOT NULL, ALTER case_no SET NOT NULL;
CREATE INDEX ON persons (last_name);
CREATE INDEX ON persons (updated_at);
CREATE ROLE by_hand; GRANT SELECT ON persons TO by_hand;
CREATE ROLE by_scope; GRANT SELECT ON persons TO by_scope;
GRANT USAGE ON SCHEMA doorward TO by_scope; GRANT SELECT ON doorward.my_grant TO by_scope;
CREATE POLICY everything ON persons FOR SELECT TO by_hand USING (true);
CREATE POLICY scope ON persons FOR SELECT TO by_scope USING ({predicate});
ALTER TABLE persons ENABLE ROW LEVEL SECURITY;
VACUUM ANALYZE persons;
"""
BY_HAND = f"(NOT sealed AND NOT juvenile OR case_no = '{CASE}')"
QUERIES = {
    "point": "SELECT last_name FROM persons WHERE person_id = {n}{rule}",
    "range": "SELECT count(last_name) FROM persons WHERE last_name BETWEEN 'Sample-{a}' AND 'Sample-{b}'{rule}",
    "sorted page": "SELECT person_id, last_name FROM persons WHERE updated_at < '2026-01-05 00:00 UTC'{rule} "
    "ORDER BY updated_at DESC LIMIT 50",
    "scan": "SELECT count(*), max(last_name) FROM persons WHERE unit = 'area-3'{rule}",
}
TIMES = {"point": 400, "range": 40, "sorted page": 200, "scan": 1}


def backend_cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(
    connection: psycopg.Connection[Any], role: str, name: str, rule: str
) -> tuple[float, float, list[Any]]:
    """Return wall and CPU milliseconds of one query over a batch, and the rows, for comparing."""
    connection.execute(f"SET ROLE {role}".encode())
    pid = connection.info.backend_pid
    found: list[Any] = []
    texts = [
        QUERIES[name].format(n=n * 37 + 1, a=f"{n * 400:07}", b=f"{n * 400 + 2000:07}", rule=rule)
        for n in range(TIMES[name])
    ]
    cpu, wall = backend_cpu(pid), time.perf_counter()
    for text in texts:
        found += connection.execute(text.encode()).fetchall()
    wall, cpu = time.perf_counter() - wall, backend_cpu(pid) - cpu
    connection.execute(b"RESET ROLE")
    return wall / len(texts) * 1e3, cpu / len(texts) * 1e3, found


def measure(connection: psycopg.Connection[Any], rounds: int) -> None:
    sides = {"by_hand": f" AND {BY_HAND}", "by_scope": ""}
    for name in QUERIES:
        walls: dict[str, list[float]] = {role: [] for role in sides}
        cpus: dict[str, list[float]] = {role: [] for role in sides}
        rows: dict[str, list[Any]] = {}
        for _ in range(rounds):
            for role, rule in sides.items():
                wall, cpu, rows[role] = run(connection, role, name, rule)
                walls[role].append(wall)
                cpus[role].append(cpu)
        assert rows["by_hand"] == rows["by_scope"], f"{name}: the two give other rows"
        hand, scope = (statistics.median(walls[role]) for role in sides)
        hand_cpu, scope_cpu = (statistics.median(cpus[role]) for role in sides)
        print(
            f"{name:<12} by hand {hand:>9.3f} ms ({hand_cpu:>8.3f} CPU)   scope {scope:>9.3f} ms "
            f"({scope_cpu:>8.3f} CPU)   {scope / hand:.2f}x wall"
        )


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    pack = load_pack("chicago")
    tables = (table for scope in pack.scope_book().scopes.values() for table in scope.tables)
    predicate = max((t.predicate for t in tables if t.table == "public.persons"), key=len)
    with tempfile.TemporaryDirectory(prefix="dw-") as name:
        home = Path(name)
        home.chmod(0o755)
        cluster = Cluster(
            ClusterSpec(
                name="scopes",
                data_dir=home / "data",
                socket_dir=home / "socket",
                port=5432,
                tcp=False,
                hba=("local all all trust",),
                ident=(),
                settings={"fsync": "off", "max_connections": "10", "jit": "off", "max_parallel_workers": "0"},
            )
        )
        cluster.start()
        try:
            with psycopg.connect(
                cluster.dsn(user="postgres", dbname="postgres"), autocommit=True
            ) as connection:
                for statement in SETUP.format(rows=rows, case=CASE, predicate=predicate).split(";\n"):
                    if statement.strip():
                        connection.execute(statement.encode())
                print(f"{rows} rows; row predicate: {predicate}")
                measure(connection, rounds)
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
