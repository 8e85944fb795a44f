"""docs/reference/fund-tables.md is what the catalog of an installed fund says; `DOORWARD_REWRITE=1` writes it anew."""

import os
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fund.conftest import Fund

pytestmark = pytest.mark.pg
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "fund-tables.md"
HEAD = """# The fund's tables

Generated from the catalog of an installed fund by `tests/fund/test_tables_page.py`. The fund's database is on the record's server.
Its owner `doorward_fund_owner` is nobody's login. The application's role `doorward_fund` reads every table; where it may INSERT
is said below, and it may neither UPDATE, DELETE nor TRUNCATE a row of any. Money is whole cents. The tables of grantees' reports
stand in the same schema; `reports.sql` says what they are.
"""
TABLES = """
SELECT c.oid, c.relname, obj_description(c.oid, 'pg_class'),
    (SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
        AND has_column_privilege('doorward_fund', c.oid, a.attnum, 'INSERT')),
    has_table_privilege('doorward_fund', c.oid, 'INSERT'), has_table_privilege('doorward_fund', c.oid, 'DELETE')
FROM pg_class c WHERE c.relnamespace = 'fund'::regnamespace AND c.relkind = 'r' AND NOT c.relname = ANY (%s) ORDER BY c.relname
"""
REPORTS = re.findall(
    r"CREATE TABLE fund\.(\w+)", resources.files("doorward.fund").joinpath("reports.sql").read_text("utf-8")
)
COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(a.attrelid, a.attnum)
FROM pg_attribute a WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
RULES = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s AND contype IN ('p', 'u', 'f', 'c', 'x')
ORDER BY contype, conname
"""


def page_of(connection: psycopg.Connection[Any]) -> str:
    return HEAD + "".join(parts_of(connection))


def parts_of(connection: psycopg.Connection[Any]) -> Iterator[str]:
    for oid, name, says, inserted, whole, _ in connection.execute(TABLES, [REPORTS]).fetchall():
        assert says, name
        yield f"\n## {name}\n\n{says}\n"
        if inserted:
            yield f"\nThe application's role may INSERT{'' if whole else f' ({inserted})'}.\n"
        yield "\n| column | type | what it is |\n|---|---|---|\n"
        for column, kind, needed, means in connection.execute(COLUMNS, [oid]).fetchall():
            assert means, (name, column)
            yield f"| `{column}` | {kind}{'' if needed else ', or none'} | {means} |\n"
        rules = [definition for _, definition in connection.execute(RULES, [oid]).fetchall()]
        yield "".join(["\n", *(f"- `{' '.join(one.split())}`\n" for one in rules)]) if rules else ""


def test_the_page_is_what_the_catalog_says(fund: Fund) -> None:
    with fund.connect("postgres") as connection:
        page = page_of(connection)
    if os.environ.get("DOORWARD_REWRITE"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "DOORWARD_REWRITE=1 writes it anew"


def test_no_row_of_any_table_can_be_changed_or_removed_by_the_application(fund: Fund) -> None:
    with fund.connect("postgres") as connection:
        found = connection.execute(
            "SELECT c.relname, p.priv FROM pg_class c, (VALUES ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('TRIGGER')) p (priv) "
            "WHERE c.relnamespace = 'fund'::regnamespace AND c.relkind = 'r' "
            "AND has_table_privilege('doorward_fund', c.oid, p.priv)"
        ).fetchall()
    assert found == [("turn", "UPDATE")]  # LOCK TABLE asks for it, and it never has a row
