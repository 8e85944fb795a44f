"""The example that loads real rows: every row, every column, typed, twice, and what does not fit is named."""

import csv
import gzip
import importlib.util
import shutil
import socket
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest

from doorward.embedded.clusters import city_spec
from doorward.embedded.launcher import Cluster
from doorward.embedded.sample import SampleSizes, create_sample
from doorward.errors import ConfigError
from doorward.orders.collections import read_collections
from doorward.orders.load import load_pack
from doorward.orders.toml import Toml

pytestmark = pytest.mark.pg

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "chicago-trr"
FILES = {
    "trr_reports": "TRR-main_*.csv.gz",
    "trr_subjects": "TRR-subjects_*.csv.gz",
    "complaints": "complaints-*.csv.gz",
}


@pytest.fixture(scope="module")
def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("chicago_trr_load", EXAMPLE / "load.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="dw-"))
    folder.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    cluster = Cluster(city_spec(folder / "data", port))
    cluster.start()
    create_sample(
        cluster.dsn(user="postgres", dbname="postgres"), rows=SampleSizes(100, 100, 100, 100, 100, 100)
    )
    yield cluster
    cluster.stop()
    shutil.rmtree(folder)


@pytest.fixture
def dsn(server: Cluster) -> str:
    """The database without the example's schema."""
    found = server.dsn(user="postgres", dbname="clear")
    with psycopg.connect(found, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS trr CASCADE")
    return found


def rows(dsn: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(statement).fetchall()


def cells(folder: Path, table: str) -> tuple[list[str], list[list[str]]]:
    (path,) = folder.glob(FILES[table])
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        header, *body = csv.reader(file)
    return header, body


@pytest.mark.shared
def test_every_row_and_cell_of_the_files_arrives(load: ModuleType, dsn: str, shared: Path) -> None:
    source = shared / "data" / "chicago-police"
    results = {result.table: result for result in load.load_all(dsn, source)}
    assert {table: result.read for table, result in results.items()} == {
        "trr_reports": 9338,
        "trr_subjects": 9338,
        "complaints": 18624,
    }
    for table, result in results.items():
        header, body = cells(source, table)
        assert result.rejects == []
        assert result.read == result.loaded == len(body)
        counted = ", ".join(f'count("{name.lower()}")' for name in header)
        ((total, *filled),) = rows(dsn, f"SELECT count(*), {counted} FROM trr.{table}")
        assert total == len(body)
        assert filled == [sum(1 for row in body if row[n].strip()) for n in range(len(header))], table


@pytest.mark.shared
def test_the_columns_have_the_types_of_what_is_in_them(load: ModuleType, dsn: str, shared: Path) -> None:
    load.load_all(dsn, shared / "data" / "chicago-police")
    types = dict(
        rows(
            dsn,
            "SELECT table_name || '.' || column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = 'trr' AND data_type <> 'text'",
        )
    )
    assert types["trr_reports.trr_date"] == "date"
    assert types["trr_reports.event_no"] == "bigint"
    assert types["trr_reports.notify_oemc"] == "boolean"
    assert types["trr_subjects.birth_year"] == "bigint"
    assert types["trr_subjects.juvenile"] == "boolean"
    assert types["complaints.incident_time"] == "time without time zone"
    assert types["complaints.days_to_closure"] == "bigint"
    assert "complaints.beat" not in types
    assert rows(dsn, "SELECT count(*) FROM trr.trr_reports WHERE beat LIKE '%.%'") == [(0,)]
    assert rows(dsn, "SELECT min(trr_date)::text, max(trr_date)::text FROM trr.trr_reports") == [
        ("2021-01-01", "2023-09-15")
    ]


@pytest.mark.shared
def test_a_subject_who_may_have_been_a_juvenile_is_not_said_to_be_grown(
    load: ModuleType, dsn: str, shared: Path
) -> None:
    source = shared / "data" / "chicago-police"
    load.load_all(dsn, source)
    _, reports = cells(source, "trr_reports")
    header, subjects = cells(source, "trr_subjects")
    year = {row[0]: int(row[3][:4]) for row in reports}
    born = header.index("birth_year")
    ages = [year[row[0]] - int(float(row[born])) if row[born] else None for row in subjects]
    unknown = sum(1 for age in ages if age is None or age == 18)
    young = sum(1 for age in ages if age is not None and age < 18)
    assert unknown > 900
    assert rows(
        dsn,
        "SELECT count(*) FILTER (WHERE juvenile IS NULL), count(*) FILTER (WHERE juvenile) FROM trr.trr_subjects",
    ) == [(unknown, young)]


@pytest.mark.shared
def test_a_second_run_finds_nothing_to_do(load: ModuleType, dsn: str, shared: Path) -> None:
    source = shared / "data" / "chicago-police"
    load.load_all(dsn, source)
    before = rows(
        dsn, "SELECT oid, relfilenode FROM pg_class WHERE relnamespace = 'trr'::regnamespace ORDER BY oid"
    )
    again = load.load_all(dsn, source)
    assert all(result.unchanged for result in again)
    assert before == rows(
        dsn, "SELECT oid, relfilenode FROM pg_class WHERE relnamespace = 'trr'::regnamespace ORDER BY oid"
    )


@pytest.mark.shared
def test_the_command_finds_the_running_server_by_its_data_folder(
    server: Cluster, dsn: str, shared: Path
) -> None:
    assert dsn
    command = [sys.executable, str(EXAMPLE / "load.py"), "--data", str(server.spec.data_dir.parent)]
    command += ["--source", str(shared / "data" / "chicago-police")]
    for word in ("loaded", "unchanged"):
        shown = subprocess.run(command, capture_output=True, text=True, check=True)
        assert shown.stdout.splitlines() == [
            f"trr.trr_reports: 9338 read, 9338 {word}, 0 rejected",
            f"trr.trr_subjects: 9338 read, 9338 {word}, 0 rejected",
            f"trr.complaints: 18624 read, 18624 {word}, 0 rejected",
        ]


def test_the_command_says_where_no_server_runs(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, EXAMPLE / "load.py", "--data", tmp_path], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 3
    assert "no server runs on" in shown.stderr
    assert "hint: " in shown.stderr


@pytest.fixture
def made(load: ModuleType, tmp_path: Path) -> Path:
    """A folder with three small files of invented rows."""
    report = {"row_id": "1", "trr_id": "2021-00001", "trr_status": "APPROVED", "trr_date": "2021-06-01"}
    report |= {"rd_no": "hash", "block": "13XX", "beat": "1233.0"}
    subject = {"row_id": "1", "trr_id": "2021-00001", "subject_cb_no": "hash", "birth_year": "2005.0"}
    subject |= {"injured": "No", "alleged_injury": "No", "hospitalized": "Yes", "veh_used_weapon": "No"}
    complaint = {"cr_id": "1", "case_type": "Notification", "complaint_date": "2021-06-01"}
    complaint |= {"closed_date": "2021-07-01", "investigating_agency": "CPD", "complainant_type": "Civilian"}
    for source, row in ((load.REPORTS, report), (load.SUBJECTS, subject), (load.COMPLAINTS, complaint)):
        write(tmp_path, source, [row])
    return tmp_path


def write(folder: Path, source: Any, body: list[dict[str, str]]) -> Path:
    path: Path = folder / source.pattern.replace("*", "made")
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        headers = [column.header for column in source.columns]
        writer = csv.writer(file)
        writer.writerow(headers)
        writer.writerows([[row.get(header, "") for header in headers] for row in body])
    return path


def test_a_child_is_a_juvenile(load: ModuleType, dsn: str, made: Path) -> None:
    load.load_all(dsn, made)
    assert rows(dsn, "SELECT juvenile FROM trr.trr_subjects") == [(True,)]


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ({"closed_date": "not-a-day-secret"}, "`closed_date` is no date"),
        ({"days_to_closure": "12.5"}, "`days_to_closure` is no bigint"),
        ({"incident_time": "25:00:00"}, "`incident_time` is no time"),
        ({"case_type": " "}, "`case_type` is empty"),
        ({"cr_id": "1"}, "`cr_id` stood in an earlier row"),
    ],
)
def test_a_row_that_does_not_fit_is_named_and_not_loaded(
    load: ModuleType, dsn: str, made: Path, cell: dict[str, str], fault: str
) -> None:
    good = dict(
        zip([c.header for c in load.COMPLAINTS.columns], cells(made, "complaints")[1][0], strict=True)
    )
    path = write(made, load.COMPLAINTS, [good, {**good, "cr_id": "2", **cell}, {**good, "cr_id": "3"}])
    complaints = load.load_all(dsn, made)[2]
    assert complaints.rejects == [f"{path.name}:3: {fault}"]
    assert (complaints.read, complaints.loaded) == (3, 2)
    assert rows(dsn, "SELECT cr_id FROM trr.complaints ORDER BY 1") == [("1",), ("3",)]


def test_a_row_with_too_few_cells_is_named(load: ModuleType, dsn: str, made: Path) -> None:
    path = next(made.glob("complaints-*"))
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b"2,short\n"))
    complaints = load.load_all(dsn, made)[2]
    assert complaints.rejects == [f"{path.name}:3: expected 12 cells, got 2"]


def test_a_changed_file_replaces_the_rows(load: ModuleType, dsn: str, made: Path) -> None:
    load.load_all(dsn, made)
    good = dict(
        zip([c.header for c in load.COMPLAINTS.columns], cells(made, "complaints")[1][0], strict=True)
    )
    write(made, load.COMPLAINTS, [good, {**good, "cr_id": "2"}])
    unchanged = [result.unchanged for result in load.load_all(dsn, made)]
    assert unchanged == [True, True, False]
    assert rows(dsn, "SELECT count(*) FROM trr.complaints") == [(2,)]


def test_a_file_that_is_absent_twice_there_or_broken_loads_nothing(
    load: ModuleType, dsn: str, made: Path
) -> None:
    path = next(made.glob("complaints-*"))
    whole = path.read_bytes()
    second = made / "complaints-second.csv.gz"
    second.write_bytes(whole)
    with pytest.raises(ConfigError, match="found 2"):
        load.load_all(dsn, made)
    second.unlink()
    for broken, message in (
        (None, "found 0"),
        (whole[:-12], "could not be read"),
        (b"no gzip at all", "could not be read"),
        (gzip.compress(b"other,columns\n1,2\n"), "does not begin with the columns"),
        (gzip.compress(b""), "does not begin with the columns"),
        (gzip.compress(b"\xff\xfe"), "could not be read"),
    ):
        path.unlink(missing_ok=True)
        if broken is not None:
            path.write_bytes(broken)
        with pytest.raises(ConfigError, match=message):
            load.load_all(dsn, made)
        assert rows(dsn, "SELECT to_regclass('trr.trr_reports')") == [(None,)]


def test_the_owner_is_the_databases_and_the_citys_readers_read(
    load: ModuleType, dsn: str, made: Path
) -> None:
    load.load_all(dsn, made)
    assert rows(
        dsn,
        "SELECT DISTINCT tableowner, has_table_privilege('records_app', 'trr.complaints', 'SELECT'), "
        "has_schema_privilege('analyst_ro', 'trr', 'USAGE') FROM pg_tables WHERE schemaname = 'trr'",
    ) == [("clear_owner", True, True)]


def test_the_collections_name_every_column_but_the_sealed_ones(load: ModuleType) -> None:
    described = Toml("collections.toml", (EXAMPLE / "collections.toml").read_text(encoding="utf-8"))
    collections = read_collections(described, load_pack("chicago").row_types)
    assert described.findings == []
    named = {table.table: set(table.columns) for table in collections.tables.values()}
    for source in (load.REPORTS, load.SUBJECTS, load.COMPLAINTS):
        columns = {column.name for column in source.columns} | {name for name, _ in source.derived}
        assert columns - named[f"trr.{source.table}"] == columns & {"rd_no", "subject_cb_no"}
        assert named[f"trr.{source.table}"] <= columns


def test_the_collections_use_the_orders_own_words() -> None:
    ours = tomllib.loads((EXAMPLE / "collections.toml").read_text(encoding="utf-8"))
    order = (
        resources.files("doorward.orders").joinpath("chicago", "collections.toml").read_text(encoding="utf-8")
    )
    theirs = tomllib.loads(order)
    assert ours["database"] == theirs["database"]
    assert ours["class"].items() <= theirs["class"].items()
    assert ours["collection"].items() <= theirs["collection"].items()
    assert not ours["table"].keys() & theirs["table"].keys()
