"""Chicago's released use-of-force and complaint files as a city's own tables, and a DBA's reading of the proposal."""

import csv
import gzip
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]
POLICE = {
    "trr_main": "TRR-main_2021-2023_2023-10_p877988.csv.gz",
    "trr_subjects": "TRR-subjects_2021-2023_2023-10_p877988.csv.gz",
    "complaints": "complaints-complaints_2000-2023_2023-09_p876849.csv.gz",
}


def load(police: Connection, table: str, file: Path) -> None:
    """Load one released file as its city's own table, every column a text as it is in the file."""
    name = sql.Identifier(table)
    with gzip.open(file, "rt", encoding="utf-8") as source:
        columns = next(csv.reader(source))
        listed = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(column)) for column in columns)
        police.execute(sql.SQL("CREATE TABLE {} ({})").format(name, listed))
        with police.cursor().copy(sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(name)) as copy:
            while block := source.read(1 << 16):
                copy.write(block)
    police.execute(sql.SQL("ALTER TABLE {} OWNER TO trr_owner").format(name))
    police.execute(sql.SQL("GRANT SELECT, INSERT, UPDATE ON {} TO trr_app").format(name))
    police.execute(sql.SQL("CREATE INDEX ON {} ({})").format(name, sql.Identifier(columns[0])))


def edit(proposed: str) -> str:
    """Return the proposal as a DBA reads it: which rows are sealed, which column is the case and the unit."""
    text = proposed.replace("sealed = { value = true }", "sealed = { value = false }")
    text = text.replace("juvenile = { value = true }", "juvenile = { value = false }")
    head, main = text.split('[table."clear.trr_main".row]')
    main = main.replace('case_no = { value = "" }', 'case_no = { column = "rd_no", null_as = "" }', 1)
    main = main.replace('unit = { value = "" }', 'unit = { column = "beat", null_as = "" }', 1)
    return head + '[table."clear.trr_main".row]' + main
