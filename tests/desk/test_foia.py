"""A public-records answer: nothing leaves undecided, each redaction has its code, nothing tells of what is sealed."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.desk.foia.answer_file import parse_answer
from doorward.desk.foia.export import Act, Decision, SourceRecord, files_of, make_answer
from doorward.errors import ConfigError, MalformedError
from doorward.orders.exemptions import Exemption, Exemptions, read_exemptions
from doorward.orders.load import load_exemptions
from doorward.orders.pack import Pack

CODES = Exemptions("5 ILCS 140", {
    code: Exemption(code, f"says {code}", "text", "adopted") for code in ("7(1)(b)", "7(1)(c)", "7(1)(m)")
})  # fmt: skip
TODAY = date(2026, 11, 26)
RECORDS = (
    SourceRecord("V-12", "visit record", (("place", "Harold branch"), ("telephone", "312 555 0101"))),
    SourceRecord(
        "V-13", "visit record", (("place", "SEALED PLACE"),), is_sealed=True, sealed_until=date(2026, 11, 27)
    ),
    SourceRecord("L-1", "letter", (("text", "to the lawyer"),)),
    SourceRecord("V-14", "visit record", (("place", "=HYPERLINK(1)"), ("telephone", "312 555 0102"))),
)
DECISIONS = (
    Decision("V-12", "place", Act.RELEASE),
    Decision("V-12", "telephone", Act.REDACT, "7(1)(b)"),
    Decision("V-13", "place", Act.RELEASE),
    Decision("L-1", "*", Act.WITHHOLD, "7(1)(m)"),
    Decision("V-14", "place", Act.RELEASE),
    Decision("V-14", "telephone", Act.REDACT, "7(1)(b)"),
)


def test_each_redaction_has_its_code_and_is_counted() -> None:
    answer = make_answer(RECORDS, DECISIONS, CODES, TODAY)
    files = files_of(answer, CODES)
    assert files["records.csv"].decode() == (
        "record,kind,field,content,exemption\r\n"
        "1,visit record,place,Harold branch,\r\n"
        "1,visit record,telephone,[redacted: 5 ILCS 140/7(1)(b)],7(1)(b)\r\n"
        "3,visit record,place,'=HYPERLINK(1),\r\n"
        "3,visit record,telephone,[redacted: 5 ILCS 140/7(1)(b)],7(1)(b)\r\n"
    )
    assert files["withheld.csv"].decode() == (
        "record,kind,exemption,statute\r\n2,letter,7(1)(m),5 ILCS 140/7(1)(m)\r\n"
    )
    assert dict(answer.by_code) == {"7(1)(b)": 2, "7(1)(m)": 1}
    assert files["codes.csv"].decode().splitlines()[1:] == [
        "7(1)(b),5 ILCS 140/7(1)(b),says 7(1)(b),2", "7(1)(m),5 ILCS 140/7(1)(m),says 7(1)(m),1",
    ]  # fmt: skip
    assert b"312 555" not in b"".join(files.values())
    assert b"to the lawyer" not in b"".join(files.values())


def test_with_a_sealed_record_and_without_it_every_file_is_the_same() -> None:
    open_ones = tuple(record for record in RECORDS if not record.is_sealed)
    for sealed in (RECORDS[1], replace(RECORDS[1], sealed_until=None)):
        every = (RECORDS[0], sealed, *RECORDS[2:])
        with_it = files_of(make_answer(every, DECISIONS, CODES, TODAY), CODES)
        about_the_others = [one for one in DECISIONS if one.record != "V-13"]
        assert with_it == files_of(make_answer(open_ones, about_the_others, CODES, TODAY), CODES)
        assert with_it == files_of(make_answer(every, about_the_others, CODES, TODAY), CODES)


def test_a_sealed_record_is_there_from_its_day_on() -> None:
    files = files_of(make_answer(RECORDS, DECISIONS, CODES, date(2026, 11, 27)), CODES)
    assert b"2,visit record,place,SEALED PLACE,\r\n" in files["records.csv"]
    assert b"3,letter" in files["withheld.csv"]


def test_no_message_tells_of_a_sealed_record() -> None:
    bad = Decision("V-13", "place", Act.REDACT, "no code")
    assert make_answer(RECORDS, [*DECISIONS[:2], bad, bad, *DECISIONS[3:]], CODES, TODAY).lines
    with pytest.raises(ConfigError) as caught:
        make_answer(RECORDS, (), CODES, TODAY)
    assert "V-12" in str(caught.value)
    assert "V-13" not in str(caught.value)


@pytest.mark.parametrize("left_out", [0, 1, 3, 4, 5])
def test_a_field_without_a_decision_stops_everything(left_out: int) -> None:
    with pytest.raises(ConfigError, match="nobody has decided"):
        make_answer(RECORDS, [one for at, one in enumerate(DECISIONS) if at != left_out], CODES, TODAY)


@pytest.mark.parametrize(
    ("decision", "says"),
    [
        (Decision("V-12", "place", Act.REDACT, "7(1)(b)"), "decided twice"),
        (Decision("V-99", "place", Act.RELEASE), "not in the answer"),
        (Decision("V-12", "else", Act.RELEASE), "not in the answer"),
        (Decision("L-1", "text", Act.RELEASE), "not in the answer"),
        (Decision("V-12", "else", Act.REDACT), "has a code"),
        (Decision("V-12", "else", Act.RELEASE, "7(1)(b)"), "has a code"),
        (Decision("V-12", "else", Act.REDACT, "7(1)(z)"), "does not know"),
        (Decision("V-12", "else", Act.WITHHOLD, "7(1)(b)"), "whole record"),
        (Decision("V-12", "*", Act.REDACT, "7(1)(b)"), "whole record"),
    ],
)
def test_a_decision_that_fits_nothing_stops_everything(decision: Decision, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make_answer(RECORDS, (*DECISIONS, decision), CODES, TODAY)


def test_an_answer_on_a_code_that_needs_counsel_is_a_draft(pack: Pack) -> None:
    shipped = load_exemptions(pack)
    answer = make_answer(RECORDS, DECISIONS, shipped, TODAY)
    assert answer.counsel == ("7(1)(b)", "7(1)(m)")
    files = files_of(answer, shipped)
    assert all(name.startswith("draft-") and raw.startswith(b"draft for") for name, raw in files.items())
    released = [Decision(one.id, name, Act.RELEASE) for one in RECORDS for name, _ in one.fields]
    assert not make_answer(RECORDS, released, shipped, TODAY).is_draft


def test_every_shipped_code_is_background_and_needs_counsel(pack: Pack) -> None:
    shipped = load_exemptions(pack)
    assert {(one.evidence, one.standing) for one in shipped.codes.values()} == {
        ("background", "needs-counsel")
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('statute = "s"\n[code."x y"]\nsays = "a"', 2),
        ('statute = "s"\n[code."7"]\nsays = "a"\nevidence = "text"\nstanding = "sure"', 5),
        ('statute = "s"\n[code."7"]\nsays = "a"\nevidence = "press"\nstanding = "confirmed"', 5),
        ('statute = "s"\n[code."7"]\nsays = "a"\nevidence = "press"\nstand = "adopted"', 5),
        ('statute = "s"\n[code]\n7 = 1', 3),
    ],
)
def test_a_fault_of_the_codes_is_said_with_its_line(text: str, line: int) -> None:
    found, findings = read_exemptions(text)
    assert found is None
    assert line in {finding.span.line for finding in findings if finding.span}


def test_a_file_is_read() -> None:
    held: dict[str, Any] = {
        "records": [{"id": "V-1", "kind": "visit record", "fields": {"place": "x"}, "sealed": True,
                     "sealed_until": "2027-01-01"}],
        "decisions": [{"record": "V-1", "field": "place", "do": "redact", "code": "7(1)(b)"}],
    }  # fmt: skip
    records, decisions = parse_answer(json.dumps(held))
    assert records == (SourceRecord("V-1", "visit record", (("place", "x"),), True, date(2027, 1, 1)),)  # noqa: FBT003  # as it is read
    assert decisions == (Decision("V-1", "place", Act.REDACT, "7(1)(b)"),)


@pytest.mark.parametrize(
    "held",
    [
        [], {}, {"records": [], "decisions": {}}, {"records": [1], "decisions": []},
        {"records": [{"id": "a", "kind": "b", "fields": []}], "decisions": []},
        {"records": [{"id": "a", "kind": "b", "fields": {"c": 1}}], "decisions": []},
        {"records": [{"id": "a", "kind": "b", "fields": {}, "sealed_until": "2027-01-01"}], "decisions": []},
        {"records": [{"id": "a", "kind": "b", "fields": {}, "sealed": "yes"}], "decisions": []},
        {"records": [], "decisions": [{"record": "a", "field": "b", "do": "show"}]},
        {"records": [], "decisions": [{"record": "a", "field": "b", "do": ["release"]}]},
    ],
)  # fmt: skip
def test_what_is_no_file_is_refused(held: object) -> None:
    with pytest.raises(MalformedError):
        parse_answer(json.dumps(held))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_by_one_error(text: str) -> None:
    with suppress(MalformedError):
        parse_answer(text)
