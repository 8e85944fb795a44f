"""`doorward intake`, run as a person runs it."""

import json
import sys
from collections.abc import Callable

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no stubs

from doorward.cli.main import main

Run = Callable[..., str]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process, checks its exit code and returns what it wrote."""

    def run_it(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["doorward", "intake", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        assert ended.value.code == code, written.err
        return written.err if code else written.out

    return run_it


def test_the_kinds_are_listed(run: Run) -> None:
    lines = run("list").splitlines()
    assert len(lines) == 21
    assert lines[0].split() == ["detainer", "Detainer"]


def test_a_kind_is_shown_with_what_each_answer_sets(run: Run) -> None:
    shown = run("show", "detainer")
    assert "hold: That the person is kept, or stopped [action = hold, resource = Custody]" in shown
    assert "kept, and no fact" in shown
    assert "asked where papers is" in shown


def test_a_schema_is_json_that_takes_answers(run: Run) -> None:
    schema = Draft202012Validator(json.loads(run("schema", "detainer")))
    assert schema.is_valid({"of-custody": "hold"})
    assert not schema.is_valid({"of-custody": "hold", "verified": "yes"})


def test_a_kind_or_an_order_that_is_none_is_named(run: Run) -> None:
    assert "`zebra` is no kind of request" in run("show", "zebra", code=2)
    assert "stands at no desk" in run("list", "--order", "oregon", code=2)
