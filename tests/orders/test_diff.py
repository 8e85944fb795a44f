"""Differences between orders: each is found with a request that shows it, and nothing is found that is not there."""

import json
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from doorward.cli.main import app
from doorward.errors import PolicyError
from doorward.orders.assemble import assemble_pack
from doorward.orders.diff import BOTH, EQUAL, LESS, MORE, Difference, compare_packs
from doorward.orders.load import Pack, load_pack, read_templates
from doorward.orders.scaffold import make_draft
from doorward.policy.difference import CLASSES
from doorward.policy.request import Request
from tests_support.order_cases import requests

SEALED = "when { resource.sealed }\n"
LOOSER = (SEALED, "when { resource.sealed && !context.emergency }\n")
DANGER = 'context.emergency && context.purpose == "safety" }'
TIGHTER = (DANGER, f"context.own_case && {DANGER}")
NO_GROUP = '"party": "other"}, "parents": []'
REGROUPED = (NO_GROUP, NO_GROUP.replace("[]", '[{"type": "Group", "id": "excluded"}]'))


def make(*changes: tuple[str, str]) -> Pack:
    files = make_draft("draft", read_templates(), today=date(2026, 3, 1))
    for old, new in changes:
        (name,) = (name for name, text in files.items() if old in text)
        files[name] = files[name].replace(old, new, 1)
    return assemble_pack({name: text.encode() for name, text in files.items()})


def class_of(pack: Pack, request: Request) -> str:
    outcome = pack.decide(request).outcome.value
    return "open" if outcome in {"permit", "outside"} else outcome


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [((), EQUAL), ((LOOSER,), MORE), ((TIGHTER,), LESS), ((LOOSER, TIGHTER), BOTH), ((REGROUPED,), LESS)],
)
def test_the_direction_is_found_and_turns_around(changes: tuple[tuple[str, str], ...], verdict: str) -> None:
    old, new = make(), make(*changes)
    found, back = compare_packs(old, new), compare_packs(new, old)
    assert (found.verdict, found.is_sure) == (verdict, True)
    assert back.verdict == {MORE: LESS, LESS: MORE}.get(verdict, verdict)
    for one in found.compared:
        for change in one.changes:
            assert class_of(old, change.old) == change.before
            assert class_of(new, change.new) == change.after


@cache
def compared(changes: tuple[tuple[str, str], ...]) -> tuple[Pack, Pack, Difference]:
    """Return two orders and what lies between them; of each list of changes once, which are sixteen."""
    old, new = make(), make(*changes)
    return old, new, compare_packs(old, new)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_request_that_is_answered_otherwise_is_of_a_kind_that_was_found(data: st.DataObject) -> None:
    old, new, found = compared(
        tuple(data.draw(st.lists(st.sampled_from([LOOSER, TIGHTER, REGROUPED]), unique=True)))
    )
    kinds = {(one.action, change.before, change.after) for one in found.compared for change in one.changes}
    for _ in range(30):
        request = data.draw(requests(old))
        before, after = class_of(old, request), class_of(new, request)
        assert before == after or (request.action, before, after) in kinds
    for one in found.compared:
        pairs = {(change.before, change.after) for change in one.changes}
        assert all(CLASSES.index(before) != CLASSES.index(after) for before, after in pairs)


def test_an_order_of_chicago_is_equal_to_itself() -> None:
    pack = load_pack("chicago")
    found = compare_packs(pack, pack)
    assert found.is_same
    assert len(found.compared) == 30


def test_what_only_one_order_has_is_named() -> None:
    more = make(('safety = "to keep', 'audit = "to check how records were used"\nsafety = "to keep'))
    found = compare_packs(make(), more)
    assert found.only_new == ("word context.purpose audit",)
    assert (found.verdict, found.is_same) == (EQUAL, False)


def test_a_fact_with_two_types_is_refused() -> None:
    other = make(
        ("own_case: Bool,", "own_case: String,"),
        ('says = "the register has an open case', 'words = ["yes", "no"]\nsays = "the register has an open case'),
        ("context.own_case = true", "context.own_case = yes"),
        ('"own-case" && !context.own_case }', '"own-case" && context.own_case != "yes" }'),
        ('"own-case" && context.own_case &&', '"own-case" && context.own_case == "yes" &&'),
        ('"context.own_case" = true', '"context.own_case" = "yes"'),
        ('"context.own_case" = false', '"context.own_case" = "no"'),
    )  # fmt: skip
    with pytest.raises(PolicyError, match="is a Bool in the old order and a String in the new one"):
        compare_packs(make(), other)


def test_the_command_shows_a_request_for_each_kind_of_change(tmp_path: Path) -> None:
    runner = CliRunner()
    for name in ("one", "two"):
        assert runner.invoke(app, ["order", "new", name, "--folder", str(tmp_path)]).exit_code == 0
    file = tmp_path / "two" / "records.cedar"
    file.write_text(file.read_text().replace(*LOOSER))
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    done = runner.invoke(app, ["order", "diff", one, two])
    assert done.exit_code == 1
    assert "read of Record: more permissive" in done.stdout
    assert "deny becomes open, for example:" in done.stdout
    assert done.stdout.endswith("the new order is more permissive\n")
    report = json.loads(runner.invoke(app, ["order", "diff", two, one, "--json"]).stdout)
    assert (report["verdict"], report["sure"]) == ("less permissive", True)
    assert runner.invoke(app, ["order", "diff", one, one]).exit_code == 0
