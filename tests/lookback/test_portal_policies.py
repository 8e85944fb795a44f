"""Packs made of published words: they load, check and prove, decide as counted by hand; no word writes a policy."""

import csv
import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.cedar.dialects import DUCKDB
from doorward.cedar.hierarchy import Hierarchy
from doorward.lookback.published.policies import LOG, LOG_WITHOUT_TIME, make_portal_pack, read_page
from doorward.lookback.published.rows import PolicyRow, pack_for, parse_rows
from doorward.orders.assemble import assemble_pack
from doorward.orders.check import Report, check_pack
from doorward.orders.pack import Pack
from doorward.orders.prove import prove_pack
from doorward.policy.bulk import Sources, write_query, write_unsure_query
from doorward.policy.request import Resource
from doorward.policy.symbolic import Symbolic

NOW = datetime(2026, 5, 1, tzinfo=UTC)
USUAL = (
    "Immigration enforcement, traffic enforcement, harassment or intimidation, usage based solely on a protected "
    "class (i.e. race, sex, religion), Personal use."
)
ONLY = "Data is used for law enforcement purposes only. Data is owned by Sample Town PD and is never sold."
EITHER = "All system access requires a valid case number, incident number, or case type and officer identification."
SHOWN = (
    "The associated case or incident report number is shown as the reason for accessing system data in the Public "
    "Search Audit."
)
REASON = "All system access requires a valid reason and is stored indefinitely."


def page(**texts: Any) -> PolicyRow:
    held: dict[str, Any] = {
        "acceptable": ONLY,
        "prohibited": USUAL,
        "access": REASON,
        "retention_days": 30,
        "searches_30d": None,
    }
    blank: dict[str, Any] = {
        "hotlist": "",
        "hotlists": "",
        "sharing_with": "",
        "sharing_restrictions": "",
        "partners": (),
    }
    start: dict[str, Any] = {
        "agency": "sample-town-pd",
        "snapshot": date(2026, 4, 19),
        "name": "Sample Town PD",
    }
    return PolicyRow(**(start | held | blank | texts))


def encoded(row: PolicyRow) -> dict[str, bytes]:
    return {path: text.encode() for path, text in make_portal_pack(row).items()}


def pack_of(row: PolicyRow) -> Pack:
    return assemble_pack(encoded(row))


def check(row: PolicyRow) -> Report:
    return check_pack(encoded(row), cases={}, now=NOW)


def said(pack: Pack, **facts: Any) -> tuple[str, tuple[str, ...]]:
    paths = {
        name if name in {"reason", "case", "offense_given", "reach_back_days"} else f"use.{name}": value
        for name, value in facts.items()
        if name != "for_agency"
    }
    given = {"reason": "stated", "case": "given"} | paths
    request = pack.request(
        {f"context.{path}": value for path, value in given.items()}
        | {"context.for_agency": facts.get("for_agency", "none")},
        resource=Resource("Collection", "alpr"),
        now=NOW,
    )
    decision = pack.decide(request)
    return decision.outcome.value, decision.clauses


@pytest.fixture(scope="module")
def usual() -> Pack:
    return pack_of(page())


@pytest.mark.parametrize(
    ("facts", "outcome", "clauses"),
    [
        ({}, "permit", ("ONLY-law-enforcement",)),
        ({"traffic_enforcement": True}, "deny", ("USE-traffic-enforcement",)),
        ({"traffic_unclear": True}, "refer", ("USE-traffic-enforcement",)),
        ({"immigration_enforcement": True}, "deny", ("USE-immigration-enforcement",)),
        ({"personal_use": True}, "deny", ("USE-personal-use", "ONLY-law-enforcement")),
        ({"protected_class": True}, "refer", ("USE-protected-class",)),
        ({"reproductive_care": True}, "permit", ("ONLY-law-enforcement",)),  # its words do not speak of it
        ({"test": True}, "refer", ("ONLY-law-enforcement",)),
        ({"reason": "blank"}, "deny", ("DUTY-reason",)),
        ({"reason": "blank", "offense_given": True}, "permit", ("ONLY-law-enforcement",)),
        ({"reason": "vague"}, "refer", ("DUTY-reason",)),
        ({"case": "none"}, "permit", ("ONLY-law-enforcement",)),
        ({"reach_back_days": 30}, "permit", ("ONLY-law-enforcement",)),
        ({"reach_back_days": 31}, "refer", ("RETENTION",)),
        ({"for_agency": "HSI"}, "permit", ("ONLY-law-enforcement",)),
    ],
)
def test_the_usual_words_decide_as_they_read(
    usual: Pack, facts: dict[str, Any], outcome: str, clauses: tuple[str, ...]
) -> None:
    assert said(usual, **facts) == (outcome, clauses)


def test_a_case_number_is_required_where_the_words_require_it() -> None:
    number = pack_of(page(access="All system access requires a valid case number."))
    either = pack_of(page(access=EITHER))
    shown = pack_of(page(access=SHOWN))
    assert said(number, case="none")[0] == "deny"
    assert said(number, case="none", offense_given=True)[0] == "deny"
    assert said(either, case="none")[0] == "deny"
    assert said(either, case="none", offense_given=True)[0] == "permit"
    assert said(shown, case="none")[0] == "refer"
    assert said(number, case="unknown")[0] == "refer"


def test_words_against_outside_agencies_close_federal_and_other_states() -> None:
    pack = pack_of(
        page(prohibited="searches for out-of-state or federal agencies per California Senate Bill 34.")
    )
    assert [said(pack, for_agency=name)[0] for name in ("HSI", "OUT-OF-STATE", "none", "unknown")] == [
        "deny",
        "deny",
        "permit",
        "permit",
    ]


def test_words_known_in_part_refer_and_do_not_deny() -> None:
    assert (
        said(pack_of(page(prohibited="automated traffic enforcement.")), traffic_enforcement=True)[0]
        == "refer"
    )


def test_what_one_clause_only_refers_another_may_deny() -> None:
    row = page(prohibited="personal use unless asked.")
    assert said(pack_of(row), personal_use=True) == ("deny", ("ONLY-law-enforcement",))
    assert check(row).findings == ()


def test_a_page_without_words_speaks_of_nothing() -> None:
    pack = pack_of(page(acceptable="", prohibited="", access="", retention_days=None))
    assert said(pack, traffic_enforcement=True, reason="blank") == ("outside", ("N0",))
    assert check(page(acceptable="", prohibited="", access="", retention_days=None)).findings == ()


def test_of_two_published_numbers_of_days_the_longer_one_counts() -> None:
    row = page(access="Flock data is only retained for 45 days.", retention_days=21)
    assert read_page(row).days == 45
    assert said(pack_of(row), reach_back_days=45)[0] == "permit"
    assert "45 days" in pack_of(row).clauses["RETENTION"].says
    assert "21 days" in pack_of(row).clauses["RETENTION"].says


def test_what_is_not_audited_stands_in_the_order_and_decides_nothing() -> None:
    pack = pack_of(page(prohibited=f"{USUAL} To walk on the grass."))
    clause = next(one for one in pack.clauses.values() if "grass" in one.says)
    assert (clause.standing, clause.decides) == ("needs-counsel", False)
    assert all(clause.id not in policy.clauses for policy in pack.policies)


def test_the_agencys_words_are_quoted_in_the_clause_and_dated(usual: Pack) -> None:
    clause = usual.clauses["USE-traffic-enforcement"]
    assert (clause.says, clause.evidence, clause.standing) == (
        "\u201ctraffic enforcement\u201d",
        "text",
        "confirmed",
    )
    assert clause.cite == "prohibited uses, published page of 2026-04-19"
    assert not usual.is_sample


@pytest.mark.parametrize(
    "row",
    [
        page(),
        page(prohibited=""),
        page(acceptable=""),
        page(
            prohibited="Personal use, commercial, non-law enforcement, First Amendment Rights, Reproductive Health."
        ),
        page(acceptable="", prohibited="non-law enforcement unless asked."),
        page(
            acceptable="",
            prohibited="automated traffic enforcement, personal use unless asked, harassment or intimidation if not.",
        ),
        page(access="All system access requires a valid reason and case number, unless in danger."),
        page(prohibited="searches for out-of-state or federal agencies.", retention_days=None),
    ],
)
def test_a_pack_checks_and_proves_and_each_policy_has_a_case(row: PolicyRow) -> None:
    report = check(row)
    assert report.findings == ()
    assert report.unshown == ()
    assert report.pack is not None
    result = prove_pack(report.pack, cpu=lambda: 0.0)
    assert result.holds
    assert [proof.theorem.name for proof in result.proofs if proof.vacuous] == []
    assert [str(finding) for finding in result.idle] == []


ROWS: tuple[tuple[dict[str, Any], str], ...] = (  # a row of a log, NULL where a cell is open; what may follow
    ({}, "permit"),
    ({"traffic": True}, "deny"),
    ({"traffic": None}, "deny permit"),
    (
        {"reason": "blank", "offense": None},
        "deny permit",
    ),  # no such column: a type of offense may have been chosen
    ({"reason": "blank", "offense": False}, "deny"),
    ({"reason": None, "offense": True}, "refer permit"),
    ({"reason": None, "offense": None}, "deny refer permit"),
    ({"reason": "vague", "offense": None}, "refer"),
    ({"traffic": True, "reason": None, "offense": None}, "deny"),
    ({"back": 31}, "refer"),
    ({"back": None}, "refer permit"),
)


def test_open_cells_are_any_value_and_what_is_certain_is_certain(usual: Pack) -> None:
    with duckdb.connect() as engine:
        engine.execute(
            "CREATE TABLE t (n INT, traffic BOOLEAN, reason VARCHAR, offense BOOLEAN, back BIGINT)"
        )
        for number, (cells, _) in enumerate(ROWS):
            row = {"traffic": False, "reason": "stated", "offense": False, "back": 0} | cells
            engine.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?)", [number, *row.values()])
        columns = {
            "context.use.traffic_enforcement": "traffic",
            "context.reason": "reason",
            "context.offense_given": "offense",
            "context.reach_back_days": "back",
        }
        sql = write_unsure_query(
            *_parts(usual), DUCKDB, Sources("t", columns, _others(usual, columns), ["n"])
        )
        found = {number: possible for number, _, possible, *_ in engine.execute(sql).fetchall()}
        assert {number: set(found[number].split()) for number in found} == {
            number: set(possible.split()) for number, (_, possible) in enumerate(ROWS)
        }
        known = "(SELECT * FROM t WHERE (traffic, reason, offense, back) IS NOT NULL AND n IN (0, 1, 4, 9))"
        sure = write_query(*_parts(usual), DUCKDB, Sources(known, columns, _others(usual, columns), ["n"]))
        for number, outcome, _ in engine.execute(sure).fetchall():
            assert ROWS[number][1] == outcome


def _parts(pack: Pack) -> tuple[Any, Any]:
    above = {uid: found.above | {uid} for uid, found in pack.requests.entities.items()}
    order = Symbolic(pack.policies, pack.requests, Hierarchy(above)).order("query", "Collection")
    return order, pack.requests


def _others(pack: Pack, columns: dict[str, str]) -> dict[str, Any]:
    specs = pack.requests.specs("Collection")
    values = {path: spec.unknown for path, spec in specs.items() if path not in columns}
    return values | {"resource": "alpr", "principal": "somebody"} if "principal" in specs else values


def test_reasons_toml_names_facts_of_the_schema_and_its_values_are_words() -> None:
    for row in (
        page(),
        page(
            prohibited="searches for out-of-state or federal agencies.",
            access="All system access requires a valid case number.",
        ),
    ):
        pack = pack_of(row)
        logs = tomllib.loads(pack.files["reasons.toml"])["log"]
        specs = pack.requests.specs("Collection")
        assert logs.keys() == {LOG, LOG_WITHOUT_TIME}
        for log in logs.values():
            assert log["resource"]["id"] in pack.collections
            assert (
                log["fact"].keys() == specs.keys()
            )  # what is left out would be open, and nothing consistent
            assert all(
                specs[path].allows(told["value"]) for path, told in log["fact"].items() if "value" in told
            )
            told = log["fact"]["context.case"]
            assert (told == {"from": "case"}) == ("DUTY-case" in pack.clauses)


HOSTILE = st.lists(
    st.sampled_from(
        [
            *('"', '"""', "'", "'''", "\\", "\n", "\r", "\t", "\x00", "\x7f", "\u2028", "#", "//", "/*"),
            *(
                "$days",
                "${days}",
                "$$",
                "]",
                "[clause.X]\n",
                "permit (principal, action, resource);",
                '@id("x")',
            ),
            *('"; permit (principal, action, resource); //', 'standing = "confirmed"\n', "// ==== always\n"),
            *(
                "# ==== always\n",
                "\u202e",
                "\ud7ff",
                "\U0001f600",
                "=HYPERLINK()",
                "none",
                "harassment",
                "unless",
            ),
            *("immigration enforcement", ", ", ". ", "personal use"),
        ]
    ),
    max_size=14,
).map("".join)


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_no_word_of_a_page_writes_a_policy(name: str, prohibited: str, access: str, hotlist: str) -> None:
    row = page(name=name.strip() or "x", prohibited=prohibited, access=access, hotlist=hotlist)
    reading = read_page(row)
    files = make_portal_pack(row)
    tame = make_portal_pack(replace(_tame(reading.keys), name=row.name))
    for path in ("portal.cedar", "portal.cedarschema", "theorems.toml", "reasons.toml", "resolvers.toml"):
        assert files[path] == tame[path]
    report = check(row)
    assert [str(finding) for finding in report.findings] == []
    order = tomllib.loads(files["order.toml"])
    expected = {clause.id for clause in reading.clauses}
    assert order["clause"].keys() - {"N0"} == expected
    own = json.loads(files["entities/agencies.json"])
    assert [e["attrs"]["name"] for e in own if e["uid"] == {"type": "Agency", "id": "own"}] == [row.name]


PLAIN = {
    "immigration-enforcement": "Immigration enforcement",
    "personal-use": "Personal use",
}


def _tame(keys: tuple[str, ...]) -> PolicyRow:
    """Return a page of plain words that the same rules know."""
    assert set(keys) <= {*PLAIN, "law-enforcement-only", "retention"}
    words = ", ".join(PLAIN[key] for key in keys if key in PLAIN)
    return page(prohibited=words, access="", hotlist="")


def test_the_same_row_gives_the_same_bytes() -> None:
    assert make_portal_pack(page()) == make_portal_pack(page())


# ---------------------------------------------------------------- what agencies publish


def real_rows(shared: Path) -> tuple[PolicyRow, ...]:
    text = (shared / "data/alpr-portals/policies.csv").read_text(encoding="utf-8")
    return parse_rows(text)


def distinct(rows: tuple[PolicyRow, ...]) -> Iterator[PolicyRow]:
    seen: set[str] = set()
    for row in rows:
        text = make_portal_pack(row)["portal.cedar"]
        if text not in seen:
            seen.add(text)
            yield row


def check_and_prove(row: PolicyRow) -> list[str]:
    report = check(row)
    if report.findings or report.unshown or report.pack is None:
        return [row.agency, *map(str, report.findings), *report.unshown]
    result = prove_pack(report.pack, cpu=lambda: 0.0)
    return [] if result.holds and not any(proof.vacuous for proof in result.proofs) else [row.agency]


@pytest.mark.shared
def test_real_pages_of_different_policies_check_and_prove(shared: Path) -> None:
    rows = list(distinct(real_rows(shared)))
    assert len(rows) == 22
    assert [faults for row in rows if (faults := check_and_prove(row))] == []


@pytest.mark.shared
@pytest.mark.long
def test_every_real_page_checks_and_proves(shared: Path) -> None:
    rows = real_rows(shared)
    assert len(rows) == 141
    assert [faults for row in rows if (faults := check_and_prove(row))] == []


@pytest.mark.shared
def test_real_pages_say_what_was_counted_by_hand(shared: Path) -> None:
    counts: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for row in real_rows(shared):
        reading = read_page(row)
        counts.update(clause.key for clause in reading.clauses if clause.decides)
        left.update(phrase.how.value for phrase in reading.not_audited)
    # One page has no words; one prohibits no immigration enforcement, one has a list of its own without it.
    assert counts["immigration-enforcement"] == 138
    assert (counts["traffic-enforcement"], counts["personal-use"]) == (131, 140)
    assert (counts["reason"], counts["case"], counts["case-or-type"], counts["case-shown"]) == (137, 2, 1, 1)
    assert (counts["retention"], counts["law-enforcement-only"]) == (141 - 1, 139)
    assert left == {"no row": 561, "unread": 11}


@pytest.mark.shared
def test_every_real_export_has_its_page(shared: Path) -> None:
    rows = real_rows(shared)
    files = sorted((shared / "data/alpr-portals/logs").glob("*.csv"))
    assert len(files) == 40
    matches = {file.name: pack_for(rows, file.name) for file in files}
    without = [name.partition("__")[0] for name, found in matches.items() if found is None]
    assert without == ["oakland-ca-pd", "pacifica-ca-pd"]  # the CSV has no row of them
    assert not {row.agency for row in rows} & set(without)


@pytest.mark.shared
def test_real_infractions_break_the_agencys_own_words_and_crimes_do_not(shared: Path) -> None:
    """Read with this test's own one rule: an offense or reason that is, whole, `Traffic Infraction`."""
    rows = real_rows(shared)
    broken: Counter[str] = Counter()
    for file in sorted((shared / "data/alpr-portals/logs").glob("*.csv")):
        found = pack_for(rows, file.name)
        if found is None:
            continue
        pack = pack_of(found.row)
        with file.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                cells = {row.get("offenseType", ""), row.get("reason", "")}
                infraction = "Traffic Infraction" in cells
                outcome, clauses = said(pack, traffic_enforcement=infraction, reason="stated", case="given")
                broken[found.row.agency] += outcome == "deny"
                assert (outcome == "deny") == infraction
                assert not infraction or clauses == ("USE-traffic-enforcement",)
    assert +broken == {"lincoln-ca-pd": 2, "pasadena-ca-pd": 1, "san-bruno-ca-pd": 4, "south-gate-ca-pd": 1}


def test_the_vocabulary_of_the_agencys_own_state_is_included() -> None:
    for name, more in (
        ("Sample Town CA PD", ["california-codes-1"]),
        ("Sample Town MN PD", []),
        ("Sample Town", []),
    ):
        files = make_portal_pack(page(name=name))
        assert tomllib.loads(files["reasons.toml"])["include"] == ["english-policing-1", *more]
