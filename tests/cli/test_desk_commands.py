"""`doorward deadlines`, `statutory`, `foia` and `data-map`, as a person runs them, over a made-up year."""

import importlib.util
import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from doorward.cli.desk_files import day_of
from doorward.cli.main import app
from doorward.desk.statutory.custody import COLUMNS
from doorward.desk.statutory.report import verify_release
from doorward.errors import ConfigError, PolicyCheckError, VerificationError
from doorward.notes.key_files import write_key
from doorward.notes.note import Signer, format_verifier, parse_note
from doorward.orders.load import find_pack

HELD: dict[str, Any] = {
    "papers": [{"id": "P1", "kind": "detainer", "received": "2025-02-03", "is_civil": True}],
    "requests": [{"id": "R1", "received": "2025-02-03", "component": "ICE-ERO", "asked": "hold", "handled": "declined",
                  "documents": ["DOC-2025-0001"]}],
}  # fmt: skip
CUSTODY = (
    ",".join(COLUMNS)
    + "\nE1,P1,released,2025-02-04T10:00:00-06:00,,\nE2,P7,released,2025-02-04T10:00:00-06:00,,\n"
)
LETTERS = importlib.util.find_spec("doorward.desk.letters") is not None


def run(*arguments: str | Path) -> Result:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def write(file: Path, held: object) -> Path:
    file.write_text(held if isinstance(held, str) else json.dumps(held), encoding="utf-8")
    return file


# --- deadlines


def test_the_clocks_of_the_order_are_listed_with_what_they_rest_on() -> None:
    done = run("deadlines", "check")
    assert done.exit_code == 0
    assert "voices-90: 90 business-days; 5 ILCS 825/10; needs-counsel" in done.output
    assert "12 clocks, 11 of them need counsel; 3 reports" in done.output
    said = json.loads(run("deadlines", "check", "--json").output)
    assert {one["id"] for one in said["clocks"]} >= {"voices-21", "records-5", "court-return"}


def test_a_fault_of_the_file_is_said_with_its_line(tmp_path: Path) -> None:
    for file in find_pack("chicago").rglob("*"):
        if file.is_file():
            copy = tmp_path / "pack" / file.relative_to(find_pack("chicago"))
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    deadlines = tmp_path / "pack" / "deadlines.toml"
    text = deadlines.read_text().replace("length = 90", "length = 9000")
    deadlines.write_text(text)
    with pytest.raises(
        PolicyCheckError, match=r"deadlines.toml:\d+:1: `length` must be a number from 1 to 1000"
    ):
        run("deadlines", "check", "--order", tmp_path / "pack")


def test_a_due_day_is_counted_before_the_readers_eyes() -> None:
    asked = ("deadlines", "due", "records-5", "--from", "2026-11-24T10:00:00-06:00", "--now")
    done = run(*asked, "2026-11-25T10:00:00-06:00")
    assert done.exit_code == 0
    assert "records-5: running; over at 2026-12-03T00:00-06:00, last day 2026-12-02" in done.output
    assert "2026-11-26  not counted: Thanksgiving Day" in done.output
    assert run(*asked, "2026-12-03T00:00:00-06:00").exit_code == 1


def test_a_history_is_taken_in_place_of_a_start(tmp_path: Path) -> None:
    history = write(tmp_path / "h.json", [
        {"event": "started", "at": "2026-11-24T10:00:00-06:00"},
        {"event": "extended", "at": "2026-11-25T10:00:00-06:00", "clause": "5 ILCS 140/3(e)", "by": 5},
    ])  # fmt: skip
    done = run(
        "deadlines", "due", "records-5", "--history", history, "--now", "2026-11-25T12:00:00-06:00", "--json"
    )
    said = json.loads(done.output)
    assert (said["last_day"], said["days_left"], said["needs_counsel"]) == ("2026-12-09", 9, True)
    assert json.loads(history.read_text()) == said["history"]
    write(history, [{"event": "started", "at": "2026-11-24T10:00:00-06:00"},
                    {"event": "paused", "at": "2026-11-25T10:00:00-06:00", "reason": "tired"}])  # fmt: skip
    with pytest.raises(ConfigError, match=r"event 2 .* is not lawful"):
        run("deadlines", "due", "records-5", "--history", history)


@pytest.mark.parametrize(
    "more",
    [
        ("records-5",), ("records-5", "--from", "2026-11-24T10:00:00"), ("records-6", "--from", "2026-11-24T10:00:00Z"),
        ("court-return", "--from", "2026-11-24T10:00:00Z"), ("records-5", "--from", "soon"),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_refused(more: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        run("deadlines", "due", *more)


# --- statutory


def test_a_report_is_written_signed_and_verified(tmp_path: Path) -> None:
    events, custody = write(tmp_path / "e.json", HELD), write(tmp_path / "c.csv", CUSTODY)
    signer = Signer.make("law/finn.example", bytes(32))
    write_key(tmp_path / "key", signer)
    asked = ("statutory", "trust", "2025", "--events", events, "--custody", custody, "--on", "2026-02-01",
             "--out", tmp_path / "out", "--key", tmp_path / "key")  # fmt: skip
    done = run(*asked)
    assert done.exit_code == 0, done.output
    assert "trust 2025: due 2026-02-27; 5 ILCS 805/25; confirmed" in done.output
    assert "custody events: new 1, held 0, correction 0, refused 1" in done.output
    assert "line 3 refused: `paper`: the desk has no paper of this number" in done.output
    files = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    note = files.pop("trust-2025.note")
    assert verify_release(parse_note(note), (signer.verifier,), files) == "trust 2025"
    assert files["trust-2025-detainers.csv"].decode().splitlines()[1] == (
        "1,immigration detainer,2025-02-03,,released,2025-02-04 10:00,"
    )
    assert run(*asked).exit_code == 0  # a second run writes the same
    keys = write(tmp_path / "keys", format_verifier(signer.verifier) + "\n")
    verified = run("statutory", "verify", tmp_path / "out", "--keys", keys)
    assert verified.output == f"trust 2025: signed, and its {len(files)} files are as they were signed\n"
    shutil.copytree(tmp_path / "out", tmp_path / "other")
    write(tmp_path / "other" / "trust-2025-detainers.csv", "number\r\n")
    with pytest.raises(
        VerificationError, match=r"`trust-2025-detainers.csv` is not the file that was signed"
    ):
        run("statutory", "verify", tmp_path / "other", "--keys", keys)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="one note"):
        run("statutory", "verify", tmp_path / "empty", "--keys", keys)
    write(events, HELD | {"papers": []})
    with pytest.raises(ConfigError, match="holds something else"):
        run(*asked)


@pytest.mark.skipif(not LETTERS, reason="the renderer of letters is not in this checkout")
def test_a_report_is_a_pdf_beside_its_tables(tmp_path: Path) -> None:
    events = write(tmp_path / "e.json", HELD)
    run("statutory", "trust", "2025", "--events", events, "--on", "2026-02-01", "--out", tmp_path / "out")
    assert (tmp_path / "out" / "trust-2025.pdf").read_bytes().startswith(b"%PDF-")


def test_a_preview_shows_the_rows_behind_each_number_and_writes_nothing(tmp_path: Path) -> None:
    events = write(tmp_path / "e.json", HELD)
    done = run("statutory", "quarterly", "2025-Q1", "--events", events, "--on", "2026-02-01", "--preview")
    assert "papers: 1 rows  [P1]" in done.output
    assert "oemc-notices: No such notice was made in the period." in done.output
    assert "look at: no custody event" in done.output
    said = json.loads(run("statutory", "voices", "2025", "--events", events, "--preview", "--json").output)
    assert said["lines"][0]["says"].startswith("The agency certifies")
    assert [file.name for file in tmp_path.iterdir()] == ["e.json"]


def test_a_report_that_may_not_leave_leaves_nothing(tmp_path: Path) -> None:
    request = HELD["requests"][0] | {"handled": "roe"}
    events = write(tmp_path / "e.json", HELD | {"requests": [request]})
    done = run(
        "statutory", "trust", "2025", "--events", events, "--on", "2026-02-01", "--out", tmp_path / "out"
    )
    assert done.exit_code == 1
    assert "column `how it was handled`: could be a name" in done.output
    assert not (tmp_path / "out").exists()
    early = run(
        "statutory", "trust", "2025", "--events", events, "--on", "2025-12-31", "--out", tmp_path / "out"
    )
    assert early.exit_code == 1
    assert "the period is not over before 2026-01-01" in early.output


def test_a_file_that_is_none_is_named_and_not_quoted(tmp_path: Path) -> None:
    events = write(tmp_path / "e.json", {"people": ["Juanita Roe"]})
    with pytest.raises(ConfigError, match=r"`e.json`: a file of events is a JSON object") as caught:
        run("statutory", "trust", "2025", "--events", events, "--preview")
    assert "Roe" not in str(caught.value)
    for more in ((), ("--preview", "--out", tmp_path / "out")):
        with pytest.raises(ConfigError, match="--preview or --out"):
            run("statutory", "trust", "2025", "--events", write(tmp_path / "e.json", HELD), *more)


# --- public records, data map


def test_an_answer_under_codes_of_background_is_a_draft(tmp_path: Path) -> None:
    file = write(tmp_path / "a.json", {
        "records": [{"id": "V-1", "kind": "visit record", "fields": {"place": "Harold", "telephone": "555 0101"}}],
        "decisions": [{"record": "V-1", "field": "place", "do": "release"},
                      {"record": "V-1", "field": "telephone", "do": "redact", "code": "7(1)(b)"}],
    })  # fmt: skip
    done = run("foia", "export", file, "--out", tmp_path / "out", "--on", "2026-11-26")
    assert done.exit_code == 1
    assert "5 ILCS 140/7(1)(b): 1\n2 fields, 0 records withheld whole" in done.output
    names = {one.name for one in (tmp_path / "out").iterdir()}
    assert names - {"draft-answer.pdf"} == {
        "draft-records.csv", "draft-redactions.csv", "draft-withheld.csv", "draft-codes.csv",
    }  # fmt: skip
    assert b"555 0101" not in b"".join(one.read_bytes() for one in (tmp_path / "out").iterdir())


def test_a_day_is_the_citys_so_that_a_seal_does_not_end_in_the_evening_before() -> None:
    evening = datetime.fromisoformat("2026-11-25T19:00:00-06:00")
    assert day_of(None, evening, ZoneInfo("America/Chicago")) == date(2026, 11, 25)
    assert evening.astimezone(UTC).date() == date(2026, 11, 26)
    assert day_of(datetime(2026, 1, 2), evening, UTC) == date(2026, 1, 2)


def test_the_data_map_has_a_reason_for_every_field() -> None:
    said = json.loads(run("data-map", "--json").output)
    assert all(one["why"] and one["kept"] and one["compelled"] and one["door"] for one in said["fields"])
    text = run("data-map").output
    assert f"{len(said['fields'])} fields in" in text
    assert "schedule item: not named by the records officer yet" in text
