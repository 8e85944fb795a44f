"""The three reports against a year that was counted by hand, and what may never be in one."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.desk.csv_text import as_cell
from doorward.desk.deadlines.periods import Period
from doorward.desk.statutory import held as held_module
from doorward.desk.statutory.held import CustodyEvent, CustodyWord, Held, HelpRequest
from doorward.desk.statutory.held_file import parse_held
from doorward.desk.statutory.make import Setting, make_quarterly, make_trust, make_voices
from doorward.desk.statutory.redaction import Form
from doorward.desk.statutory.report import Report, files_of, format_release, preview, verify_release
from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.notes.note import Signer, parse_note, sign_note
from doorward.orders.load import load_statutory
from doorward.orders.pack import Pack
from tests_support.statutory_city import CHICAGO, HELD, at


@pytest.fixture(scope="session")
def setting(pack: Pack) -> Setting:
    return Setting(load_statutory(pack), pack.agencies, CHICAGO, date(2026, 2, 1))


def cells(report: Report, table: str) -> list[tuple[str, ...]]:
    (found,) = [one for one in report.tables if one.id == table]
    return [row.cells for row in found.rows]


def behind(report: Report, table: str) -> list[tuple[str, ...]]:
    (found,) = [one for one in report.tables if one.id == table]
    return [row.behind for row in found.rows]


# --- counted by hand


def test_the_quarter_has_its_two_civil_papers_and_its_one_notice(setting: Setting) -> None:
    report = make_quarterly(HELD, Period(2025, 1), setting)
    assert cells(report, "oemc-notices") == [("1", "2025-03-31", "traffic perimeter or support on site")]
    assert cells(report, "papers") == [
        ("1", "immigration detainer", "2025-01-01", "no", ""),
        ("2", "administrative warrant", "2025-03-31", "yes", "Marshals Service"),
    ]
    assert behind(report, "papers") == [("P1", "E3"), ("P2", "E4")]
    assert report.gaps == ()
    assert set(files_of(report)) == {"quarterly-2025-Q1-oemc-notices.csv", "quarterly-2025-Q1-papers.csv"}


def test_the_next_quarter_says_that_an_outcome_is_not_known(setting: Setting) -> None:
    report = make_quarterly(HELD, Period(2025, 2), setting)
    assert cells(report, "papers") == [("1", "immigration detainer", "2025-04-01", "not known", "")]
    assert [(gap.behind, gap.blocks) for gap in report.gaps] == [(("P3",), False)]


def test_a_quarter_without_anything_certifies_both(setting: Setting) -> None:
    report = make_quarterly(HELD, Period(2025, 3), setting)
    assert files_of(report)["quarterly-2025-Q3-none.txt"] == (
        b"No such notice was made in the period.\n"
        b"No such detainer or administrative warrant was received in the period.\n"
    )


def test_the_trust_report_has_every_detainer_whatever_it_is_about(setting: Setting) -> None:
    report = make_trust(HELD, Period(2025), setting)
    ero = "Immigration and Customs Enforcement, Enforcement and Removal Operations"
    assert cells(report, "requests") == [
        ("1", "2025-05-05", ero, "hold past release", "declined", "DOC-2025-0001; DOC-2025-0002"),
        ("2", "2025-12-31", "Homeland Security Investigations", "interview or access to a person in custody",
         "referred to the law department; open", ""),
    ]  # fmt: skip
    assert cells(report, "detainers") == [
        ("1", "immigration detainer", "2025-01-01", "2025-01-02 10:00", "released", "2025-01-02 12:30", ""),
        ("2", "immigration detainer", "2025-02-02", "", "transferred", "2025-02-03 09:00",
         "a sheriff's office in Illinois (sample)"),
        ("3", "administrative warrant", "2025-03-31", "", "transferred", "2025-04-02 09:00", "Marshals Service"),
        ("4", "immigration detainer", "2025-04-01", "", "neither so far", "", ""),
    ]  # fmt: skip
    assert {gap.behind for gap in report.gaps} == {("R2",), ("P3",)}
    assert not any(gap.blocks for gap in report.gaps)
    assert files_of(report)


def test_a_city_that_received_nothing_certifies_it(setting: Setting) -> None:
    report = make_trust(Held(), Period(2025), setting)
    assert files_of(report)["trust-2025-none.txt"] == (
        b"The agency certifies that it received no such request in the period.\n"
        b"The agency certifies that it received no immigration detainer and no civil immigration warrant in the "
        b"period.\n"
    )
    assert files_of(make_voices(Held(), Period(2025), setting))["voices-2025-none.txt"] == (
        b"The agency certifies that it received no request for certification in the period.\n"
    )


def test_a_certification_is_in_the_year_of_its_receipt_and_of_its_answer(setting: Setting) -> None:
    report = make_voices(HELD, Period(2025), setting)
    assert cells(report, "certifications") == [
        ("1", "2024-11-01", "2025-01-10", ""),
        ("2", "2025-06-01", "2025-08-01", ""),
        ("3", "2025-11-01", "", ""),  # the answer came after the period
    ]
    assert [gap.behind for gap in report.gaps] == [("C2",)]
    late = replace(setting, today=date(2027, 2, 1))
    assert cells(make_voices(HELD, Period(2026), late), "certifications") == [
        ("1", "2025-11-01", "", "2026-01-15")
    ]


def test_the_hour_of_a_report_is_the_citys(setting: Setting) -> None:
    utc = datetime.fromisoformat("2025-01-03T03:30:00+00:00")
    held = replace(HELD, custody=(CustodyEvent("E1", "P1", CustodyWord.RELEASED, utc),))
    assert cells(make_trust(held, Period(2025), setting), "detainers")[0][5] == "2025-01-02 21:30"


def test_the_fields_are_the_statutes_and_no_more() -> None:
    held = {name: [one.name for one in fields(getattr(held_module, name))] for name in
            ("Paper", "OemcNotice", "HelpRequest", "CertificationRequest", "CustodyEvent")}  # fmt: skip
    assert held == {
        "Paper": ["id", "kind", "received", "is_civil"],
        "OemcNotice": ["id", "on", "asked"],
        "HelpRequest": ["id", "received", "component", "asked", "handled", "documents"],
        "CertificationRequest": ["id", "received", "form_given", "reasons_given"],
        "CustodyEvent": ["id", "paper", "word", "at", "agency", "corrects"],
    }


# --- what stops a report


def test_a_period_that_is_not_over_is_a_preview_and_does_not_leave(setting: Setting) -> None:
    report = make_trust(HELD, Period(2026), setting)
    assert list(preview(report))
    with pytest.raises(ConfigError, match="not over before 2027-01-01"):
        files_of(report)


def test_a_paper_that_nobody_determined_stops_the_quarter_and_not_the_year(setting: Setting) -> None:
    late = replace(setting, today=date(2027, 2, 1))
    with pytest.raises(ConfigError, match="nobody has determined"):
        files_of(make_quarterly(HELD, Period(2026, 1), late))
    assert files_of(make_trust(HELD, Period(2026), late))


def test_a_report_on_the_other_kind_of_period_is_refused(setting: Setting) -> None:
    with pytest.raises(ConfigError, match="on a quarter"):
        make_quarterly(HELD, Period(2025), setting)
    with pytest.raises(ConfigError, match="on a year"):
        make_trust(HELD, Period(2025, 1), setting)


def test_a_transfer_to_nobody_stops_the_report(setting: Setting) -> None:
    for agency in ("unknown", "CPD", "VENDOR", "SOMEBODY"):
        held = replace(
            HELD, custody=(CustodyEvent("E1", "P1", CustodyWord.TRANSFERRED, at("2025-01-02T10:00"), agency),)
        )
        with pytest.raises(ConfigError, match="does not leave"):
            files_of(make_trust(held, Period(2025), setting))


# --- the gate

PERSONS = {
    "Juanita-Roe": "a name",
    "roe": "a name",
    "A123456789": "an A-number",
    "123-456-789": "an A-number",
    "12345": "a number of a person",
    "1987-02-03": "a date of birth",
    "02-03-1987": "a date of birth",
    "AB-1234": "a plate",
    "K1LLR": "a plate",
}


@pytest.mark.parametrize(("word", "looks"), list(PERSONS.items()))
@pytest.mark.parametrize("field", ["component", "asked", "handled"])
def test_what_could_be_a_person_does_not_leave_and_is_not_quoted(
    setting: Setting, field: str, word: str, looks: str
) -> None:
    changed: dict[str, Any] = {field: word}
    request = replace(HELD.requests[1], **changed)
    report = make_trust(replace(HELD, requests=(request,)), Period(2025), setting)
    with pytest.raises(ConfigError) as caught:
        files_of(report)
    assert "table requests, row 1, column" in str(caught.value)
    assert looks in str(caught.value)
    assert word not in str(caught.value)


@pytest.mark.parametrize(
    "reference", ["ROE-2025-0001", "A123456789", "DOC-2025-0001; Roe", "DOC-2025-0000001"]
)
def test_a_document_is_named_by_its_reference_alone(setting: Setting, reference: str) -> None:
    request = HelpRequest("R1", date(2025, 5, 5), "ICE", "hold", "declined", (reference,))
    with pytest.raises(ConfigError, match="documents attached"):
        files_of(make_trust(Held(requests=(request,)), Period(2025), setting))


def test_a_day_that_could_be_a_day_of_birth_does_not_leave(setting: Setting) -> None:
    old = replace(HELD.certifications[2], received=date(1987, 2, 3))
    with pytest.raises(ConfigError, match="could be a date of birth"):
        files_of(make_voices(Held(certifications=(old,)), Period(2025), setting))


@given(st.text(max_size=40))
def test_the_gate_lets_no_free_text_through(setting: Setting, text: str) -> None:
    gate = make_trust(Held(), Period(2025), setting).gate
    looks = gate.look(text, Form.WORDS)
    assert (looks is None) == (text == "" or text in gate.texts)
    assert looks is None or len(text) < 4 or text not in looks


@given(st.from_regex(r"[A-Za-z0-9;, .'/-]{1,20}", fullmatch=True), st.sampled_from(Form))
def test_two_texts_of_the_pack_together_are_none_of_it(setting: Setting, text: str, form: Form) -> None:
    gate = make_trust(Held(), Period(2025), setting).gate
    if gate.look(text, form) is None and form == Form.WORDS:
        assert text in gate.texts
    assert gate.look("declined declined", Form.WORDS) is not None


# --- preview, files, signature


def test_each_figure_of_the_preview_names_the_rows_behind_it(setting: Setting) -> None:
    lines = list(preview(make_quarterly(HELD, Period(2025, 1), setting)))
    assert lines[0] == ("oemc-notices", "1 rows", ("N1",))
    assert lines[2] == ("papers", "2 rows", ("P1", "E3", "P2", "E4"))


def test_no_id_of_the_desk_is_in_a_file(setting: Setting) -> None:
    held = Held(papers=tuple(replace(one, id=f"zq{one.id}") for one in HELD.papers))
    files = files_of(make_trust(held, Period(2025), setting))
    assert files
    assert not any(b"zq" in raw for raw in files.values())


def test_the_same_rows_in_another_order_are_the_same_files(setting: Setting) -> None:
    turned = Held(*(tuple(reversed(getattr(HELD, one.name))) for one in fields(Held)))
    for make, period in (
        (make_trust, Period(2025)),
        (make_quarterly, Period(2025, 1)),
        (make_voices, Period(2025)),
    ):
        assert files_of(make(HELD, period, setting)) == files_of(make(turned, period, setting))


def test_a_signed_report_holds_for_its_files_and_no_others(setting: Setting) -> None:
    report = make_trust(HELD, Period(2025), setting)
    files = files_of(report)
    signer = Signer.make("law/finn.example", bytes(32))
    note = sign_note(format_release(report, files, "ab" * 32), signer)
    assert verify_release(parse_note(note), (signer.verifier,), files) == "trust 2025"
    name = next(iter(files))
    for changed in (files | {name: files[name] + b" "}, files | {"more.csv": b""}, {name: files[name]}):
        with pytest.raises(VerificationError):
            verify_release(parse_note(note), (signer.verifier,), changed)
    with pytest.raises(VerificationError):
        verify_release(parse_note(note), (Signer.make("law/finn.example", bytes(31) + b"1").verifier,), files)


@pytest.mark.parametrize("text", ["=1+1", " =1", "\u00a0@x", "+x", "-x", "\t=x", "\uff1dx"])
def test_no_cell_of_a_csv_is_run(text: str) -> None:
    assert as_cell(text) == "'" + text


# --- the file


def as_json(**changes: Any) -> str:
    held: dict[str, Any] = {
        "papers": [{"id": "P1", "kind": "detainer", "received": "2025-01-01", "is_civil": True}],
        "notices": [{"id": "N1", "on": "2025-01-01", "asked": "hold"}],
        "requests": [{"id": "R1", "received": "2025-01-01", "component": "ICE", "asked": "hold", "handled": "declined",
                      "documents": []}],
        "certifications": [{"id": "C1", "received": "2025-01-01"}],
        "custody": [{"id": "E1", "paper": "P1", "what": "released", "at": "2025-01-02T10:00:00-06:00"}],
    }  # fmt: skip
    return json.dumps(held | changes)


def test_a_file_of_everything_is_read() -> None:
    held = parse_held(as_json())
    assert [len(getattr(held, one.name)) for one in fields(held)] == [1, 1, 1, 1, 1]
    assert parse_held("{}") == Held()


@pytest.mark.parametrize(
    "changes",
    [
        {"people": []},
        {"papers": {}},
        {
            "papers": [
                {"id": "P1", "kind": "detainer", "received": "2025-01-01", "is_civil": True, "name": "Roe"}
            ]
        },
        {"papers": [{"id": "P1", "kind": "Roe", "received": "2025-01-01", "is_civil": True}]},
        {"papers": [{"id": "P1", "kind": "detainer", "received": "Roe", "is_civil": True}]},
        {"papers": [{"id": "P1", "kind": "detainer", "received": "2025-01-01", "is_civil": "Roe"}]},
        {"papers": [{"id": "Juanita Roe", "kind": "detainer", "received": "2025-01-01", "is_civil": True}]},
        {"certifications": [{"id": "C1", "received": "2025-01-02", "form_given": "2025-01-01"}]},
        {"certifications": [{"id": "C1", "received": "2025-01-02"}] * 2},
        {"custody": [{"id": "E1", "paper": "P1", "what": "released", "at": "2025-01-02T10:00:00"}]},
        {"custody": [{"id": "E1", "paper": "P1", "what": "released", "at": "9999-12-31T23:59:59-12:00"}]},
        {"custody": [{"id": "E1", "paper": "P1", "what": ["Roe"], "at": "2025-01-02T10:00:00Z"}]},
        {"requests": [7]},
    ],
)
def test_a_file_with_something_else_is_refused_and_not_quoted(changes: Mapping[str, Any]) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_held(as_json(**changes))
    assert "Roe" not in str(caught.value)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["papers", "id", "custody", "at"]), inner, max_size=3)
), max_leaves=12))  # fmt: skip
def test_any_json_is_read_or_refused_by_one_error(held: object) -> None:
    with suppress(MalformedError):
        parse_held(json.dumps(held))
