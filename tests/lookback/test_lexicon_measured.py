"""How right the lexicon is on real reasons that were labelled by hand: docs/concepts/lexicon.md has the method.

The labels hold no reason, only the SHA-256 of each in plain small letters. They were made before the rules were run on
these logs, and have not been changed since; the rules have, twice (see the page), so that these figures are in sample.
"""

import csv
import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from doorward.lookback.cells import State
from doorward.lookback.words.phrase import Classifier, Phrase, Wording
from doorward.orders.folding import fold
from doorward.orders.load import load_lexicon, load_pack
from lookback.wordings import portal_wordings

LABELS = Path(__file__).with_name("data") / "held-out-labels.csv"
HELD_OUT, SEED = 12, 25
PAGE = Path(__file__).resolve().parents[2] / "docs/concepts/lexicon.md"


@dataclass
class Score:
    right: int = 0
    wrong: int = 0
    missed: int = 0

    def add(self, *, found: bool, labelled: bool) -> None:
        self.right += found and labelled
        self.wrong += found and not labelled
        self.missed += labelled and not found


def normal(text: str) -> str:
    return " ".join(fold(text).text.lower().split())


def held_out(data: Path) -> dict[str, str]:
    """Return each reason of the held-out logs, by its normal form."""
    logs = sorted((data / "alpr-portals/logs").glob("*.csv"))
    files = [*sorted(random.Random(SEED).sample(logs, HELD_OUT)), data / "alpr-eugene/search-audit.csv"]  # noqa: S311  # a fixed draw
    found: dict[str, str] = {}
    for file in files:
        for wording in portal_wordings(file):
            if wording.reason:
                found.setdefault(normal(wording.reason), wording.reason)
    return found


def says(found: Phrase) -> set[str]:
    tags = set(found.tags)
    tags |= {"warrant"} & {tag.removesuffix("-unclear") for tag in found.tags}
    return tags | ({"crime"} if "criminal-investigation" in (found.purposes or ()) else set())


@pytest.mark.shared
def test_the_figures_of_the_page_are_those_of_the_rules(shared: Path) -> None:
    with LABELS.open(encoding="utf-8", newline="") as file:
        labels = {row["sha256"]: row for row in csv.DictReader(file)}
    reasons = held_out(shared / "data")
    assert {hashlib.sha256(reason.encode()).hexdigest() for reason in reasons} == set(labels)
    classifier = Classifier(load_lexicon(load_pack("chicago")))
    tiers = {tier: Score() for tier in ("explicit", "agency-named", "vague", "other")}
    tags = {
        tag: Score()
        for tag in ("crime", "warrant", "missing-person", "welfare", "test", "traffic-enforcement")
    }
    for reason, original in reasons.items():
        label = labels[hashlib.sha256(reason.encode()).hexdigest()]
        found = classifier.classify(Wording(reason=original, reason_state=State.VALUE))
        for tier, score in tiers.items():
            score.add(found=found.tier == tier, labelled=label["tier"] == tier)
        for tag, score in tags.items():
            score.add(found=tag in says(found), labelled=tag in label["says"].split())
    page = PAGE.read_text(encoding="utf-8")
    for name, score in (tiers | tags).items():
        assert f"| {name} | {score.right} | {score.wrong} | {score.missed} |" in page, (name, score)
    assert tiers["explicit"] == tiers["agency-named"] == Score()
