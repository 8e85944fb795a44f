"""One change each, and what the check says of it and where: the file that shipped has no fault, the changed one has."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from doorward.errors import Finding
from doorward.orders.load import Pack
from doorward.orders.protocols.check import Report, check_protocols
from doorward.orders.protocols.model import PUBLIC, Protocols
from tests_support.protocols import NOW

Faults = Callable[..., list[Finding]]


def test_the_shipped_protocols_have_no_fault(report: Report) -> None:
    assert report.findings == ()
    assert report.comparison is not None
    assert (report.comparison.ways, report.comparison.decided) == (1108, 3088)


def test_every_kind_of_place_of_the_issue_has_a_protocol_of_its_own(protocols: Protocols) -> None:
    shown = {(s.tenant.id, s.place.id): s.protocol.id for s in protocols.every_showing()}
    assert shown == {
        ("city", "library"): "library",
        ("city", "senior-center"): "senior-center",
        ("city", "clinic"): "clinic",
        ("city", "lot"): "lot",
        ("cps", "school"): "school",
        ("park-district", "park"): "park",
        ("cha", "office"): "own-office",
    }


CHANGES = [
    # form
    ("visit.yaml", "by: person-in-charge", "by: boss", "`boss` is none of front-desk, person-in-charge"),
    ("visit.yaml", "    title: Call 911 first\n", "", "`title` must be a text; it is missing"),
    ("visit.yaml", "    title: Call 911 first\n", "    heading: x\n    title: y\n", "unknown key `heading`"),
    ("visit.yaml", "title: Call 911 first", 'title: "a\\nb"', "`title` must be one line of printable signs"),
    ("library.yaml", "include: [visit]", "include: [visits]", "there is no fragment `visits`"),
    ("library.yaml", "place: library", "place: museum", "there is no place `museum`"),
    ("library.yaml", "tenant: city", "tenant: town", "`town` is no tenant with the place `library`"),
    ("library.yaml", "on: 2026-01-01", "on: soon", "`soon` is no date"),
    ("own-office.yaml", "protocol: own-office", "protocol: other", "the pack has no protocol `own-office`"),
    ("frame.yaml", "direction: rtl", "direction: up", "`up` is none of ltr, rtl"),
    (
        "frame.yaml",
        "evidence: press",
        "evidence: rumour",
        "`rumour` is none of text, mirror, press, background",
    ),
    ("frame.yaml", "audience: public", "audience: staff", "no sheet `visitors` for staff"),
    # shape
    ("visit.yaml", "    next: who\n", "", "`fetch` is a dead end: it neither goes on nor ends"),
    ("visit.yaml", "next: go-in", "next: fetch", "a loop: fetch > who > paper > no-consent > fetch"),
    ("visit.yaml", "    next: who\n", "    next: whom\n", "`fetch` goes on to `whom`, which is no step"),
    (
        "visit.yaml",
        "      - {label: Nobody answers, next: no-answer}\n",
        "",
        "no protocol reaches the step `no-answer`",
    ),
    ("lot.yaml", "next: no-sign, ", "next: lot-court, ", "no way of `lot` reaches the step `no-sign`"),
    (
        "visit.yaml",
        '      - {label: "No", next: want}\n',
        "",
        "`danger` has 1 options; a decision has 2 to 7",
    ),
    (
        "library.yaml",
        "  next: danger",
        "  next: dangers",
        "the first screen of `library` goes on to `dangers`",
    ),
    # records
    (
        "visit.yaml",
        "fills: {begun: request, asked-for: enter}",
        "fills: {asked-for: enter}",
        "`waiting` opens a visit record on a way on which nothing was asked or done",
    ),
    (
        "visit.yaml",
        "end: {outcome: [outside], posture: [tolerate]}",
        "end: {outcome: [outside], posture: [tolerate], record: true}",
        "`public-stay` opens a visit record where the order does not speak: presence opens none",
    ),
    (
        "visit.yaml",
        "to: [law], obliges: [observe], record: true}",
        "to: [law], obliges: [observe]}",
        "`waiting` opens no visit record, and something was asked or done",
    ),
    (
        "visit.yaml",
        "fills: {paper: court}",
        "fills: {papier: court}",
        "fills `papier`, which the record `visit` has not",
    ),
    ("visit.yaml", "fills: {paper: court}", "fills: {paper: judge}", "of which `judge` is no choice"),
    # citations and contacts
    ("visit.yaml", "    cite: [SAFE]\n    options", "    options", "the step `danger` cites nothing"),
    ("visit.yaml", "cite: [SAFE]", "cite: [SAVE]", "cites `SAVE`, which is no clause of the order"),
    ("visit.yaml", "guidance: [libraries]", "guidance: [books]", "cites `books`, which is no guidance"),
    (
        "frame.yaml",
        "        cite: [C20c]\n      - {id: came",
        "      - {id: came",
        "the field `begun` of `visit` cites nothing",
    ),
    ("visit.yaml", "call: [emergency]", "call: [nobody]", "calls `nobody`, which is no contact"),
    (
        "visit.yaml",
        "call: [person-in-charge, attorney]",
        "call: [person-in-charge]",
        "which has no number at city",
    ),
    (
        "frame.yaml",
        "Sample park law office, +1 312 555 0102",
        "Sample park law office",
        "which has no number at park-district",
    ),
    (
        "library.yaml",
        "  call: [person-in-charge, attorney]\n",
        "",
        "the first screen of `library` calls nobody",
    ),
    (
        "frame.yaml",
        "        answers: [law]\n",
        "",
        "no contact on the way to `public-act` answers for law at park-district",
    ),
    # words
    ("visit.yaml", "title: Call 911 first", "title: Deny them", "`visit.call-911.title` says `deny`"),
    ("visit.yaml", "title: Call 911 first", "title: PERMITTED", "says `permitted`"),
    ("visit.yaml", "do: [Say where you are", "do: [Go  ahead, Say where you are", "says `go ahead`"),
    ("visit.yaml", "[Our attorney is reading it.", "[He\u2019s here.", "says `he's here`"),
    (
        "visit.yaml",
        "title: Call 911 first",
        f"title: {'word ' * 20}",
        "is longer than a phone shows: 99 columns of at most 70",
    ),
    (
        "park.yaml",
        "sentence: Stay calm and get",
        "sentence: Stay calm. Get",
        "the first screen of `park` says more than one sentence",
    ),
    ("frame.yaml", "  drill: This", "  drills: This", "the frame has no word `drill`"),
    # the order
    (
        "visit.yaml",
        "obliges: [observe], record",
        "obliges: [], record",
        "`waiting` tells obliges none, and the order answers",
    ),
    (
        "visit.yaml",
        "posture: [tolerate], to: [law]",
        "posture: [decline], to: [law]",
        "`public-act` tells posture decline",
    ),
    (
        "visit.yaml",
        "outcome: [permit]",
        "outcome: [refer]",
        "`escort` tells outcome refer, and the order answers permit",
    ),
    (
        "visit.yaml",
        "outcome: [permit]",
        "outcome: [permit, deny]",
        "`escort` names outcomes deny, which the order answers on no way",
    ),
    ("visit.yaml", "cite: [C20c, C20a2B]", "cite: [SAFE]", "`waiting` cites none of C20a2B C20c"),
    (
        "school.yaml",
        "to: [administrator], obliges",
        "to: [law], obliges",
        "tells to law, and the order answers administrator",
    ),
    ("visit.yaml", "action: remain", "action: sleep", "the order cannot be asked: `sleep` is no action"),
]


@pytest.mark.parametrize(("file", "old", "new", "said"), CHANGES)
def test_one_change_is_found(faults: Faults, file: str, old: str, new: str, said: str) -> None:
    found = faults(file, (old, new))
    matching = [finding for finding in found if said in finding.message]
    assert matching, [finding.message for finding in found]
    assert all(finding.span is not None for finding in matching)


def test_a_fault_names_file_line_and_column(faults: Faults, chicago: Pack) -> None:
    (finding,) = faults("visit.yaml", ("cite: [SAFE]\n    options", "cite: [SAVE]\n    options"))
    assert finding.span is not None
    lines = chicago.files["protocols/visit.yaml"].splitlines()
    assert (finding.span.file, finding.span.column) == ("protocols/visit.yaml", 5)
    assert lines[finding.span.line - 2] == "  danger:"


def test_a_screen_that_a_phone_does_not_show_whole_is_found(faults: Faults) -> None:
    lines = ", ".join(f'"{"word " * 20}{n}"' for n in range(9))
    found = faults("visit.yaml", ("do: [Say where you are and what happens.,", f"do: [{lines},"))
    # A title of 32, nine lines of 101 columns on three lines of 24 and a gap of 8, one line of 35 columns.
    assert 32 + 9 * (3 * 24 + 8) + (24 + 8) == 784
    assert [f.message for f in found if "phone screen" in f.message] == [
        "`call-911` is longer than a phone screen: about 784 of 610 pixels"
    ]


def test_the_same_step_of_six_protocols_is_found_once(faults: Faults) -> None:
    found = faults("visit.yaml", ("cite: [SAFE]\n    options", "cite: [SAVE]\n    options"))
    assert len(found) == 1


def test_a_decision_of_too_many_options_is_none(faults: Faults) -> None:
    more = "".join(f'      - {{label: "Other {n}", next: want}}\n' for n in range(7))
    found = faults(
        "visit.yaml", ('      - {label: "No", next: want}\n', f'      - {{label: "No", next: want}}\n{more}')
    )
    assert any("has 9 options" in finding.message for finding in found)


def test_a_changed_order_shows_which_screens_it_changes(chicago: Pack) -> None:
    """Without the clause's policies nothing stands in the way of staff rooms but that nothing opens them."""
    gone = {"enter-without-court-paper", "enter-for-civil-enforcement"}
    changed = replace(chicago, policies=tuple(p for p in chicago.policies if p.id not in gone))
    found = check_protocols(changed, now=NOW, languages=()).findings
    assert any("`waiting` tells posture stand-aside" in finding.message for finding in found)


def test_no_field_or_text_asks_for_status_or_birthplace(protocols: Protocols) -> None:
    for record in protocols.frame.records.values():
        for field in record.fields:
            words = f"{field.id} {field.label.text} {' '.join(c.label.text for c in field.choices)}".lower()
            assert not {"status", "birthplace", "nationality", "citizenship"} & set(words.split())
    told = [
        line.text
        for sheet in protocols.frame.sheets.values()
        if sheet.audience == PUBLIC
        for line in sheet.lines
    ]
    assert "Staff here don't ask about immigration status." in told
