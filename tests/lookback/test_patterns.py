"""Each pattern of the shipped lexicons: where it hits, and where it must not."""

import csv
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from doorward.lookback.cells import State
from doorward.lookback.words.phrase import Classifier, Wording
from doorward.orders.load import load_lexicon, load_pack

TABLE = tomllib.loads(Path(__file__).with_name("patterns.toml").read_text(encoding="utf-8"))
OFFENSE = "offense: "
CASES = [
    (pattern, text, kind)
    for pattern, kinds in TABLE.items()
    for kind, texts in kinds.items()
    for text in texts
]


@pytest.fixture(scope="module")
def chicago() -> Classifier:
    return Classifier(load_lexicon(load_pack("chicago")))


def wording(text: str) -> Wording:
    if text.startswith(OFFENSE):
        return Wording(
            reason_state=State.BLANK, offense=text.removeprefix(OFFENSE), offense_state=State.VALUE
        )
    return Wording(reason=text, reason_state=State.VALUE)


def test_every_pattern_has_examples_for_and_against(chicago: Classifier) -> None:
    assert set(TABLE) == {pattern.id for pattern in chicago.lexicon.patterns}
    assert all(kinds.keys() == {"yes", "no"} and all(kinds.values()) for kinds in TABLE.values())


@pytest.mark.parametrize(("pattern", "text", "kind"), CASES, ids=[f"{p}-{t}" for p, t, _ in CASES])
def test_a_pattern_hits_what_it_is_for_and_nothing_else(
    chicago: Classifier, pattern: str, text: str, kind: str
) -> None:
    found = chicago.classify(wording(text))
    assert (pattern in found.patterns) is (kind == "yes"), dict(
        zip(found.patterns, found.evidence, strict=True)
    )


TRAPS = [
    "287(B) vehicle",
    "hotplate removal",
    "DHS AOD",
    "ice storm",
    "black ice crash",
    "ice cream truck",
    "icehouse burglary",
    "abandoned vehicle",
    "PC 287",
    "287pc",
    "vehicle removal",
    "border street",
    "served ERO",
    "ERO",
    "cbp#1234",
    "stop on I-205",
    "persona desaparecida",
    "robo de vehiculo",
    "hielo en el camino",
    "asunto migratorio no",
    "police assist",
    "office hold",
    "service warrant",
    "justice detention",
    "migration",
    "weather alert",
    "exportation",
    "depot",
    "for depot",
    "meth and ice sales",
    "impersonating ICE",
    "immigration protest",
    "anti-ICE protest",
    "not immigration related",
    "immigration attorney burglary",
    "retainer",
    "statute violation",
    "vice detail hold",
    "alien",
    "foreign plate",
    "mexican plate",
    "consulate",
    "visa card fraud",
]


@pytest.mark.parametrize("text", TRAPS)
def test_a_trap_is_neither_explicit_nor_an_immigration_agency(chicago: Classifier, text: str) -> None:
    found = chicago.classify(wording(text))
    assert found.tier in {"other", "vague"}, dict(zip(found.patterns, found.evidence, strict=True))
    assert "civil-immigration-enforcement" not in (found.purposes or ())


@pytest.mark.parametrize("order", ["chicago", "oregon"])
def test_criminal_work_of_a_federal_agency_is_never_the_civil_purpose(order: str) -> None:
    classifier = Classifier(load_lexicon(load_pack(order)))
    civil = {
        word
        for pattern in classifier.lexicon.patterns
        if pattern.tier == "explicit"
        for word in pattern.purposes
    }
    civil -= {"criminal-investigation", "crime-investigation"}
    for text in (
        "HSI narcotics",
        "HSI Fraud Investigation",
        "Fugitive DEA and HSI",
        "HSI",
        "Immigration (criminal)",
    ):
        assert not civil & set(classifier.classify(wording(text)).purposes or ()), text


@pytest.mark.shared
def test_quoted_reasons_are_told_apart(chicago: Classifier, shared: Path) -> None:
    # In sample: whoever wrote the patterns had read these 38 rows.
    file = shared / "data/alpr-quoted-reasons/quoted-reasons.csv"
    with file.open(encoding="utf-8", newline="") as text:
        quoted = {reason for row in csv.DictReader(text) for reason in row["reason_quoted"].split("|")}
    tiers = {reason: chicago.classify(wording(reason)).tier for reason in quoted}
    words = re.compile(r"ice (warrant|detainer)|deport|immigration(?! \(criminal)", re.IGNORECASE)
    assert {reason for reason, tier in tiers.items() if tier == "explicit"} == set(
        filter(words.search, quoted)
    )
    assert {reason for reason, tier in tiers.items() if tier == "agency-named"} == {
        reason for reason in quoted if "HSI" in reason.upper()
    }
    assert Counter(tiers.values()) == {"explicit": 10, "agency-named": 19, "vague": 1, "other": 9}
