"""The audit lexicon: every fault with its line, what two engines read alike, words with one slip."""

import hashlib
import re
import string
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from doorward.errors import ConfigError, Finding, PolicyCheckError
from doorward.orders.assemble import assemble_pack
from doorward.orders.expressions import find_fault, without_way_back, write_expression, write_words
from doorward.orders.folding import fold
from doorward.orders.lexicon import REASONS, Told, read_lexicon
from doorward.orders.load import (
    find_pack,
    load_lexicon,
    load_pack,
    read_files,
    read_vocabularies,
    shipped_orders,
)
from doorward.orders.pack import Pack

Files = dict[str, bytes]
FLAGS = re.IGNORECASE | re.ASCII
# A released vocabulary never changes: packs name it, and their digest must pin the words. A correction is a new number.
RELEASED: Mapping[str, str] = {
    "california-codes-1": "a096268bde7ac3d5bae0ed30f355df46e2b06cc140a792a72b50d57a109ebf88",
    "english-policing-1": "1252a8bc94e9b2a50fe0eb60cde9775cd86a9ef4bced271f1b9c27e492ec8cfb",
}

GOOD = """
include = ["words-1"]
[log.sample]
action = "query"
resource = { type = "Collection", id = "alpr" }
[log.sample.fact]
"context.purpose" = { from = "purpose" }
[means]
crime = "criminal-investigation"
[names]
ICE = "ICE"
[pattern.own]
tier = "explicit"
match = ["one two"]
purpose = "civil-immigration-enforcement"
for_agency = "ICE"
tags = ["mine"]
source = "sample"
says = "sample"
"""
WORDS = """
[pattern.shared]
tier = "other"
match = ["theft"]
means = "crime"
agency = "ICE"
source = "sample"
says = "sample"
[vague]
words = ["inv"]
"""


@pytest.fixture(scope="module")
def bare(pack: Pack) -> Pack:
    return pack


def read(pack: Pack, text: str, words: str = WORDS) -> tuple[Finding, ...]:
    changed = replace(pack, files={**pack.files, REASONS: text})
    return read_lexicon(changed, {"words-1": words})[1]


FAULTS = [
    ('tier = "explicit"', 'tier = "sure"', "`sure` is no tier"),
    ('tier = "explicit"', 'tier = "vague"', "stand in `vague`"),
    ('match = ["one two"]', 'match = ["(?=a)b"]', "no form in RE2"),
    ('match = ["one two"]', 'match = ["(a"]', "no regular expression"),
    ('match = ["one two"]', 'match = ["a?"]', "matches the empty text"),
    ('match = ["one two"]', 'match = ["^a"]', "`whole = true`"),
    ('match = ["one two"]', 'match = ["\u00e9"]', "not ASCII"),
    ('match = ["one two"]', "match = [3]", "must be a list of texts"),
    ('match = ["one two"]', "match = []", "looks for nothing"),
    ('match = ["one two"]', 'mach = ["one"]', "unknown key `mach`"),
    ('purpose = "civil-immigration-enforcement"', 'purpose = "fun"', "`fun` is no purpose"),
    ('for_agency = "ICE"', 'for_agency = "MI5"', "`MI5` is no agency"),
    ('crime = "criminal-investigation"', 'crime = "crime"', "`crime` is no purpose"),
    ('ICE = "ICE"\n', 'ICE = "ISE"\n', "`ISE` is no agency"),
    ('action = "query"', 'action = "look"', "`look` is no action"),
    ('action = "query"', 'action = "enter"', "`enter` is not asked of a `Collection`"),
    ('id = "alpr"', 'id = "attic"', "`attic` is no Collection"),
    ('"context.purpose" = { from', '"context.porpoise" = { from', "`context.porpoise` is no fact"),
    ('"context.purpose" = { from', '"context.process" = { from', "`context.process` is computed"),
    ('{ from = "purpose" }', '{ from = "mood" }', "a log does not tell `mood`"),
    ('{ from = "purpose" }', '{ from = "tag:none" }', "no pattern has the tag `none`"),
    ('{ from = "purpose" }', '{ value = "fun" }', "`fun` is no value"),
    ('{ from = "purpose" }', "{ open = false }", "can only be true"),
    ('{ from = "purpose" }', '{ from = "purpose", open = true }', "needs one of"),
    (
        '{ from = "purpose" }',
        '{ from = "case", words = { perhaps = "safety" } }',
        "`case` is never `perhaps`",
    ),
    ('include = ["words-1"]', 'include = ["words-9"]', "there is no vocabulary `words-9`"),
    (
        'include = ["words-1"]',
        'include = ["words-1"]\nwithout = ["nothing"]',
        "no pattern of an included vocabulary",
    ),
    ("[pattern.own]", "[pattern.shared]", "there are two patterns `shared`"),
    ('source = "sample"\n', "", "`pattern.own.source` must be a text"),
    ("[means]", "[meanz]", "unknown key `meanz`"),
    ("[means]", "[means", "this is no TOML"),
]


@pytest.mark.parametrize(("old", "new", "says"), FAULTS, ids=[says for _, _, says in FAULTS])
def test_a_fault_of_the_lexicon_is_named_with_its_line(pack: Pack, old: str, new: str, says: str) -> None:
    assert read(pack, GOOD) == ()
    text = GOOD.replace(old, new, 1)
    found = read(pack, text)
    hit = [fault for fault in found if says in f"{fault.message} {fault.hint}"]
    assert hit, list(map(str, found))
    assert hit[0].span is not None
    assert hit[0].span.file in {REASONS, "words-1.toml"}
    if hit[0].span.file == REASONS:
        changed = text[: text.index(new)].count("\n") + 1 if new else 0
        assert (
            new == "" or abs(hit[0].span.line - changed) <= 12
        )  # the key itself, or the table that it stands in


def test_a_vocabulary_knows_no_order(pack: Pack) -> None:
    words = WORDS.replace('means = "crime"', 'purpose = "criminal-investigation"')
    (fault,) = read(pack, GOOD, words)
    assert "a vocabulary knows no order: write `means`" in fault.message
    assert str(fault.span).startswith("words-1.toml:5")


def test_a_meaning_that_the_order_has_no_word_for_is_none(pack: Pack) -> None:
    text = GOOD.replace('crime = "criminal-investigation"\n', "").replace('ICE = "ICE"\n', "")
    lexicon, findings = read_lexicon(replace(pack, files={**pack.files, REASONS: text}), {"words-1": WORDS})
    assert findings == ()
    assert lexicon is not None
    assert [(p.id, p.purposes, p.for_agency) for p in lexicon.patterns] == [
        ("own", ("civil-immigration-enforcement",), "ICE"),
        ("shared", (), None),
    ]


def test_a_city_takes_the_vocabulary_leaves_a_pattern_out_and_brings_words_of_its_own(pack: Pack) -> None:
    text = GOOD.replace('["words-1"]', '["words-1", "own-words"]\nwithout = ["shared"]')
    own = WORDS.replace("[pattern.shared]", "[pattern.brought]").replace("theft", "loot")
    files = {**pack.files, REASONS: text, "vocabulary/own-words.toml": own}
    lexicon, findings = read_lexicon(replace(pack, files=files), {"words-1": WORDS})
    assert findings == ()
    assert lexicon is not None
    assert [pattern.id for pattern in lexicon.patterns] == ["own", "brought"]
    assert lexicon.patterns[1].span == "own-words.toml:2"


def test_every_pattern_has_a_source_a_sentence_and_a_tag() -> None:
    for order in ("chicago", "oregon"):
        lexicon = load_lexicon(load_pack(order))
        for pattern in lexicon.patterns:
            assert pattern.source, pattern.id
            assert pattern.says, pattern.id
            assert pattern.tags, pattern.id
            assert (pattern.tier != "explicit") or pattern.purposes, pattern.id
            assert (pattern.tier != "agency-named") or pattern.for_agency, pattern.id


def test_a_released_vocabulary_has_not_changed() -> None:
    found = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in read_vocabularies().items()}
    assert {name: found.get(name) for name in RELEASED} == RELEASED
    assert all(re.fullmatch(r"[a-z-]+-\d+", name) for name in found)


def test_a_pack_without_a_lexicon_loads_and_cannot_be_audited(files: Files) -> None:
    pack = assemble_pack({name: text for name, text in files.items() if name != REASONS})
    assert read_lexicon(pack, {}) == (None, ())
    with pytest.raises(ConfigError, match="cannot be audited"):
        load_lexicon(pack)


def test_a_fault_of_the_lexicon_does_not_close_a_door(files: Files) -> None:
    pack = assemble_pack(files | {REASONS: b'include = ["nothing"]'})
    with pytest.raises(PolicyCheckError, match="there is no vocabulary `nothing`"):
        load_lexicon(pack)


def test_the_logs_of_chicago_say_what_is_open() -> None:
    log = load_lexicon(load_pack("chicago")).logs["plate-reader"]
    assert (log.action, log.resource.type, log.resource.id) == ("query", "Collection", "alpr")
    assert log.facts["context.purpose"] == Told("purpose")
    assert log.facts["context.emergency"] == Told()
    assert log.facts["context.register.standing"] == Told("case", words={"none": "unverified"})


def test_the_digest_is_of_the_words_that_are_applied() -> None:
    pack = load_pack("chicago")
    one, _ = read_lexicon(pack, read_vocabularies())
    again, _ = read_lexicon(pack, read_vocabularies())
    changed = {n: t.replace('says = "drugs"', 'says = "drug work"') for n, t in read_vocabularies().items()}
    said, _ = read_lexicon(pack, changed)
    assert one is not None
    assert again is not None
    assert said is not None
    assert one.digest == again.digest
    assert one.digest != said.digest


def test_which_shipped_orders_have_a_lexicon() -> None:
    have = {order for order in shipped_orders() if REASONS in read_files(find_pack(order))}
    assert have == {"chicago", "hospital-records", "oregon"}


# ---------------------------------------------------------------- expressions

NOT_ALIKE = [
    "(?=a)b",
    "(?!a)b",
    "(?<=a)b",
    "(?P<n>a)",
    "(?i)a",
    r"a\sb",
    r"\Aab",
    r"ab\Z",
    "a$",
    "^a",
    r"(a)\1",
    "a++",
    "a*+",
    "a??",
    "a{2}{3}",
    "[[:alpha:]]",
    "[[",
    "[a[b]",
    "[^[]",
    "[a--b]",
    "[a&&b]",
    "[a",
    "[]a",
    r"[\s]",
    "a{500}",
    r"\x41",
    r"\pL",
    "(?>a)",
    "a\nb",
    "",
]


@pytest.mark.parametrize("expression", NOT_ALIKE)
def test_what_engines_do_not_read_alike_is_refused(expression: str) -> None:
    assert find_fault(expression) is not None


@given(st.text(st.sampled_from("ab?*+(){}[]|\\ds 1,^$.:<=!-"), max_size=12))
def test_an_expression_without_a_fault_compiles_with_one_group_first(expression: str) -> None:
    if find_fault(expression) is None:
        compiled = re.compile(write_expression([expression], typos=True), FLAGS)
        assert compiled.groups >= 1
        assert compiled.search("") is None or compiled.search("")[1] != ""  # type: ignore[index]  # just looked at


LETTERS = st.text(string.ascii_lowercase + string.digits, min_size=3, max_size=12)


@given(st.sampled_from(["warrant", "detainer", "immigration", "assess"]), st.data())
def test_one_slip_is_what_the_distance_of_one_is(word: str, data: st.DataObject) -> None:
    letters = list(word)
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.integers(0, max(len(letters) - 1, 0)))
        match data.draw(st.sampled_from(("drop", "add", "change", "swap"))):
            case "drop" if letters:
                letters.pop(place)
            case "add":
                letters.insert(place, data.draw(st.sampled_from(string.ascii_lowercase)))
            case "change" if letters:
                letters[place] = data.draw(st.sampled_from(string.ascii_lowercase))
            case _ if place + 1 < len(letters):
                letters[place], letters[place + 1] = letters[place + 1], letters[place]
            case _:
                pass
    text = "".join(letters)
    found = re.search(write_expression([word], typos=True, whole=True), text, FLAGS) is not None
    assert found is (OSA.distance(word, text) <= 1)


def test_a_word_that_is_a_word_is_no_slip() -> None:
    expression = re.compile(
        write_expression(["detainers?"], typos=True, real=["retainer", "detained"]), FLAGS
    )
    assert expression.search("detaner")
    assert expression.search("detainers")
    assert not expression.search("retainer")
    assert not expression.search("detained")


def test_short_words_have_no_slips() -> None:
    assert not re.search(write_expression(["hold"], typos=True), "holt", FLAGS)


@pytest.mark.parametrize("gap", [" ", "  ", "+", "-", "/", "_", ":", "\t", " - "])
def test_a_space_stands_for_any_gap(gap: str) -> None:
    found = re.search(write_expression(["one two"]), f"x one{gap}two.", FLAGS)
    assert found is not None
    assert found[1] == f"one{gap}two"


def test_words_alone_are_told_from_words_and_more() -> None:
    vague = write_words(["inv", "look up", "look"], ["the"], typos=False)
    for expression in (vague, without_way_back(vague)):
        compiled = re.compile(expression, FLAGS)
        assert compiled.search("  the inv. - LOOK up!")
        assert compiled.search("inv")
        assert not compiled.search("inv theft")
        assert not compiled.search("invx")


def test_a_hostile_text_takes_no_time_without_end() -> None:
    vague = re.compile(without_way_back(write_words(["inves", "invest"], [], typos=True)), FLAGS)
    assert vague.search("inves " * 2_000 + "theft") is None


# ---------------------------------------------------------------- folding


@given(st.text())
def test_folding_is_total_and_every_sign_has_its_origin(text: str) -> None:
    folded = fold(text)
    if text.isascii():
        assert folded.text == text
    else:
        assert len(folded.places) == len(folded.text)
        assert list(folded.places) == sorted(folded.places)
    assert folded.verbatim(0, len(folded.text)) in text


@given(st.text(string.printable))
def test_plain_text_is_not_folded(text: str) -> None:
    folded = fold(text)
    assert (folded.text, folded.verbatim(0, len(text))) == (text, text)
