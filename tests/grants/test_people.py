"""The directory's files: strict, private, whole."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from doorward.errors import ConfigError
from doorward.grants.people import (
    Agreement,
    DirectoryWatch,
    Person,
    load_directory,
    save_agreements,
    save_people,
)

DANA = Person("dana.example", "SCRAM-SHA-256$4096:c2FsdA==$a:b", "detective", "CPD", "area-1")
FBI = Agreement("FBI", "agreement-1", date(2027, 1, 31))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    people, agreements = tmp_path / "people.json", tmp_path / "agencies.json"
    save_people([DANA], people)
    save_agreements([FBI], agreements)
    return people, agreements


def test_what_was_saved_is_read_back(files: tuple[Path, Path]) -> None:
    directory = load_directory(*files)
    assert directory.find("dana.example") == DANA
    assert directory.agreement("FBI", today=date(2027, 1, 31)) == FBI


def test_the_people_file_is_readable_by_its_owner_only(files: tuple[Path, Path]) -> None:
    assert files[0].stat().st_mode & 0o077 == 0


def test_an_agreement_ends_with_its_last_day(files: tuple[Path, Path]) -> None:
    assert load_directory(*files).agreement("FBI", today=date(2027, 2, 1)) is None


def test_an_inactive_person_is_not_found(files: tuple[Path, Path]) -> None:
    rows = json.loads(files[0].read_text())
    rows[0]["active"] = False
    files[0].write_text(json.dumps(rows))
    assert load_directory(*files).find("dana.example") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.update(birthplace="x"),
        lambda row: row.pop("role"),
        lambda row: row.update(active="yes"),
        lambda row: row.update(login=""),
        lambda row: row.update(task_force=1),
    ],
    ids=["a field of its own", "no role", "a flag as text", "an empty login", "a flag as a number"],
)
def test_an_entry_that_is_not_exactly_right_refuses_the_whole_file(
    files: tuple[Path, Path], change: Any
) -> None:
    rows = json.loads(files[0].read_text())
    change(rows[0])
    files[0].write_text(json.dumps(rows))
    with pytest.raises(ConfigError):
        load_directory(*files)


def test_a_login_that_stands_twice_is_refused(files: tuple[Path, Path]) -> None:
    save_people([DANA, DANA], files[0])
    with pytest.raises(ConfigError, match="twice"):
        load_directory(*files)


@pytest.mark.parametrize(
    "text", ["", "{", "{}", '"x"', "[1]"], ids=["empty", "cut", "object", "text", "number"]
)
def test_a_file_that_is_no_list_of_entries_is_refused(files: tuple[Path, Path], text: str) -> None:
    files[0].write_text(text)
    with pytest.raises(ConfigError):
        load_directory(*files)


def test_where_there_is_no_file_yet_there_is_nobody_and_a_file_that_goes_takes_nobody_out(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    assert load_directory(tmp_path / "none.json", tmp_path / "none too.json").people == {}
    watch = DirectoryWatch(*files, tmp_path / "applications.json")
    files[0].unlink()
    with pytest.raises(ConfigError, match=r"`people\.json` was removed"):
        watch.poll()
    assert watch.poll() is None
    save_people([DANA], files[0])
    found = watch.poll()
    assert found is not None
    assert found.find("dana.example") == DANA
