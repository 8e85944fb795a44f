"""The observation report reads what every worker recorded, and a city's disclosures where its settings have them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from doorward.cli.folders import Folders
from doorward.cli.report_observe import find_disclosures, read_entries
from doorward.record.entry import Draft, Field, Kind
from doorward.record.spool import Spool
from doorward.record.workers import worker_folder

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def test_the_spool_of_every_worker_is_read(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    for worker in (0, 1):
        spool = Spool.open(worker_folder(folders.spool, worker), now=NOW, worker=worker)
        fields = ((Field.LOGIN, b"dana.example"), (Field.OUTCOME, b"authenticated"))
        spool.append([Draft(Kind.CONNECT, bytes([worker]) * 16, 0, fields)], now=NOW)
        spool.close(now=NOW)
    day = timedelta(days=1)
    found = read_entries(folders, "", begins=NOW - day, ends=NOW + day)
    assert [entry.session[0] for entry in found] == [0, 1]


def test_a_citys_disclosures_are_where_its_settings_say(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    found = find_disclosures(folders, "host=record.city.example user=postgres dbname=other")
    assert conninfo_to_dict(found) == {
        "host": "record.city.example", "user": "doorward_recorder", "dbname": "disclosures",
    }  # fmt: skip
    assert find_disclosures(folders, "") == ""
    folders.run.mkdir()
    (folders.run / "record.dsn").write_text("host=/run/sample\n", encoding="utf-8")
    assert find_disclosures(folders, "") == "host=/run/sample"
