"""letters.toml and the templates beside it: each fault is found, with its place."""

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from doorward.orders.letter_book import Act, Facts, LetterBook
from doorward.orders.letters import read_letters
from doorward.orders.load import load_letters, load_pack, read_plain_letters
from doorward.orders.pack import Pack
from doorward.policy.decision import Outcome, Posture


def faults(pack: Pack, changed: Mapping[str, str | None]) -> list[str]:
    files = {**pack.files, **changed}
    kept = {name: text for name, text in files.items() if text is not None}
    book, findings = read_letters(replace(pack, files=kept), {})
    assert (book is None) == bool(findings)
    return [str(finding) for finding in findings]


def edited(pack: Pack, old: str, new: str, file: str = "letters.toml") -> list[str]:
    text = pack.files[file]
    assert old in text
    return faults(pack, {file: text.replace(old, new, 1)})


@pytest.mark.parametrize("name", ["chicago", "oregon", "hospital-records"])
def test_each_shipped_order_has_letters_for_whatever_its_requests_come_to(name: str) -> None:
    pack = load_pack(name)
    book = load_letters(pack)
    assert list(book.uncovered()) == []
    assert list(book.unreached()) == []
    assert book.inherited == (name != "chicago")
    for action in pack.requests.actions:
        assert book.find_kind(action, frozenset()) is not None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'outcome = "permit"\nletter = "allowed"',
            'outcome = "deny"\nletter = "allowed"',
            "no rule says which letter: agreement, answered, permit",
        ),
        (
            '[[rule]]\nkind = "own-act"',
            '[[rule]]\nletter = "declined"\n[[rule]]\nkind = "own-act"',
            "this rule is never reached",
        ),
        (
            'letter = "declined-agreement"\n',
            'letter = "declined-agreemnt"\n',
            r"letters.toml:\d+:1: `declined-agreemnt` is no letter",
        ),
        (
            'outcome = "refer"\n',
            'outcome = "referred"\n',
            "`referred` is none of deny, refer, permit, outside",
        ),
        ('kind = "own-act"\nwhy', 'kind = "own-acts"\nwhy', "`own-acts` is no kind of request"),
        ('letter = "produced"\n', 'letter = "produced"\nwhy = "none"\n', "has a `letter`, or says `why`"),
        ("people = 2", "people = 3", r"letters.toml:\d+:1: `people` must be 1 or 2"),
        ("people = 2", "people = true", "`people` must be 1 or 2"),
        (
            'template = "declined-paper.typ"',
            'template = "declined-papers.typ"',
            "there is no `letters/declined-papers.typ`",
        ),
        (
            '[letter.declined-paper.field.paper-day]\ntype = "date"',
            '[letter.declined-paper.field.paper-day]\ntype = "day"',
            "`day` is no type",
        ),
        (
            "[letter.declined.field.asked]",
            "[letter.declined.field.birthplace]",
            "no letter has a field such as `birthplace`",
        ),
        (
            "[letter.declined.field.asked]",
            "[letter.declined.field.immigration-status]",
            "no letter has a field such as",
        ),
        ('says = "which paper came"\n', 'says = "which paper came"\nlong = 3\n', "unknown key `long`"),
        ('months = ["January", ', "months = [", "12 months, got 11"),
        ('day = "{month} {day}, {year}"', 'day = "{month} {day}"', "has each of"),
        ('day = "{month} {day}, {year}"', 'day = "{month} {day!r}, {year}"', "has each of"),
        ('actions = ["agree"]', 'actions = ["agreed"]', "`agreed` is no action of the order"),
        ('sample_clauses = ["F1225"]', 'sample_clauses = ["F1226"]', "`F1226` is no clause"),
        ("match = '\\b\\d{3}-", "match = '(\\b\\d{3}-", "is no regular expression"),
        (
            'template = "es/person-told.typ"\n',
            'template = "es/person-told.typ"\nreviewed_by = "law"\n',
            "has both `reviewed_by`",
        ),
        (
            'warrant = "una orden judicial firmada por un juez"\n',
            "",
            "has not a text for each word of each choice",
        ),
        (
            'certifying-official = "The certifying official (sample)"\n',
            "",
            "no closing for the office `certifying-official`",
        ),
        ("[sender]\n", "[sender\n", "this is no TOML"),
    ],
)
def test_a_fault_is_found_with_its_place(pack: Pack, old: str, new: str, said: str) -> None:
    found = edited(pack, old, new)
    assert any(re.search(said, fault) for fault in found), found
    assert all(re.match(r"letters(\.toml|/[a-z/-]+\.typ):\d+:\d+: ", fault) for fault in found)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ('#import "@preview/cetz:0.3.0": *', "imports something else"),
        ('#import ("@pre" + "view/cetz:0.3.0")', "imports something else"),
        ('#include "../../order.typ"', "imports something else"),
        ('#import "other.typ": *', "there is no `other.typ`"),
        ('#eval("1")', "closed function"),
        ("#let f = eval", "closed function"),
        ('#read("letter.typ")', "closed function"),
        ("#sys.inputs", "closed function"),
        ('#value("asked"); and more', "loses the semicolon"),
    ],
)
def test_a_template_that_reads_what_is_not_the_orders_is_refused(
    pack: Pack, template: str, said: str
) -> None:
    whole = f'#import "letter.typ": *\n#show: letter\n{template}\n'
    found = faults(pack, {"letters/declined.typ": whole})
    assert any(fault.startswith("letters/declined.typ:3:") and said in fault for fault in found), found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('#value("due")', '#value("duo")', "the letter `referred` has no field `duo`"),
        ('#value("due")', "soon", "never shows the field `due` of `referred`"),
        ('#if has("returns")', '#if has("return")', "the letter `referred` has no field `return`"),
        ("#contact()", "", "lacks `#contact()`"),
        ("#contact()", "// #contact()", "lacks `#contact()`"),
        ("#show: letter", "", "lacks `#show: letter`"),
    ],
)
def test_a_template_shows_each_field_and_says_whom_to_write_to(
    pack: Pack, old: str, new: str, said: str
) -> None:
    found = edited(pack, old, new, "letters/referred.typ")
    assert any(said in one and one.startswith("letters/referred.typ:") for one in found), found


def test_an_answer_says_why_and_has_a_place_for_a_remedy(pack: Pack) -> None:
    for old in ("#why()", "#remedy()"):
        assert any("lacks `#" in one for one in edited(pack, old, "", "letters/declined-paper.typ"))


def test_a_template_that_no_letter_uses_and_one_that_takes_doorwards_name_are_refused(pack: Pack) -> None:
    assert any(
        "`letters/old.typ` is used by no letter" in one for one in faults(pack, {"letters/old.typ": "x"})
    )
    assert any("name of a source of doorward" in one for one in faults(pack, {"letters/page.typ": "x"}))


def test_the_digest_is_that_of_the_letters_and_of_nothing_else(pack: Pack, book: LetterBook) -> None:
    changed = replace(
        pack, files={**pack.files, "letters/declined.typ": pack.files["letters/declined.typ"] + "\n"}
    )
    other = replace(pack, files={**pack.files, "custody.cedar": ""})
    assert load_letters(changed).digest != book.digest
    assert load_letters(other).digest == book.digest


def test_an_order_with_letters_of_its_own_has_none_of_the_plain_ones(book: LetterBook) -> None:
    plain = read_plain_letters()
    assert "letters.toml" in plain
    assert book.sources["declined.typ"] != plain["letters/declined.typ"]


def test_nobody_is_told_of_a_sealed_paper(book: LetterBook) -> None:
    for outcome in Outcome:
        told = book.find_rule(
            Facts("court-paper", outcome, Posture.PERFORM_IN_SCOPE, Act.PERSON_TOLD, is_sealed=True)
        )
        assert told is not None
        assert told.letter is None
    opened = book.find_rule(Facts("court-paper", Outcome.PERMIT, Posture.PERFORM_IN_SCOPE, Act.PERSON_TOLD))
    assert opened is not None
    assert opened.letter == "person-told"


@pytest.mark.parametrize(
    ("action", "papers", "kind"),
    [
        ("hold", {"detainer"}, "detainer"),
        ("transfer", {"detainer", "court_criminal"}, "court-paper"),
        ("notify-release", {"administrative"}, "administrative-paper"),
        ("hold", {"immigration_court"}, "administrative-paper"),
        ("disclose", set(), "records"),
        ("disclose", {"court_subpoena"}, "court-paper"),
        ("disclose", {"agency_subpoena"}, "agency-subpoena"),
        ("agree", {"court_order"}, "agreement"),
        ("perimeter", set(), "assistance"),
        ("certify-victim", set(), "certification"),
        ("collect-status", set(), "own-act"),
        ("pay", set(), "fund"),
    ],
)  # fmt: skip
def test_a_request_is_of_the_first_kind_that_fits(
    book: LetterBook, action: str, papers: set[str], kind: str
) -> None:
    found = book.find_kind(action, frozenset(papers))
    assert found is not None
    assert found.name == kind
