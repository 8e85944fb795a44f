"""Lines for whoever runs the door: one an event, whole, in the form that was asked for."""

import json
from datetime import UTC, datetime

import pytest

from doorward.errors import StoreError
from doorward.gateway.logbook import Event, Form, Logbook

NOW = datetime(2031, 5, 6, 7, 8, 9, 123_456, tzinfo=UTC)


def test_a_json_line_says_when_who_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    Logbook("gateway", Form.JSON, 3, lambda: NOW).say(Event.WORKER_DIED, code=-9)
    assert json.loads(capsys.readouterr().err) == {
        "time": "2031-05-06T07:08:09.123+00:00", "level": "error", "process": "gateway",
        "event": "worker died", "worker": 3, "code": -9,
    }  # fmt: skip


def test_a_line_stays_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    Logbook("publisher", Form.JSON, None, lambda: NOW).fail(Event.PUBLISHING_FAILED, StoreError("a\nb"))
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["code"] == "DW-LOG-STORE"


def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    Logbook("gateway").say(Event.STARTED, logins=4)
    assert capsys.readouterr().err == "doorward gateway: started logins=4\n"


def test_a_standard_error_that_nobody_reads_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, _text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stderr", Closed())
    Logbook("gateway", Form.JSON).say(Event.STOPPED)
