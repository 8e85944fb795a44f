"""What one wording says, by the lexicon: row by row, in Python. Pure.

The audit asks the same in SQL, many phrases at once (`doorward.lookback.words.phrases`); a test holds the two equal.
This one is read first by whoever wants to know the rules, and classifies what is not plain ASCII.

Rules, in order:

1. A pattern hits where its expression is found in one of its cells, and what takes it back is not in that cell.
2. tier: explicit if a hit is, else agency-named if a hit is, else other; vague where nothing but vague words stand.
3. said: stated if a hit, a case number, or a text that is not only vague words stands in reason, offense or prompt;
   vague if only vague words do; blank if nothing does. Open (None): nothing is stated, a cell cannot be read.
4. purposes, for_agencies: those of all hits. None stated: `unknown`, or open where a cell cannot be read. A purpose
   that is said beside such a cell is open too, unless the hit is explicit: a further word could only add to it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from doorward.lookback.cells import OPEN, State
from doorward.orders.expressions import without_way_back
from doorward.orders.folding import Folded, fold
from doorward.orders.lexicon import CELLS, Lexicon, Tier
from doorward.policy.request import UNKNOWN

SAID: Final = ("reason", "offense", "prompt")  # in which somebody says why; filters say what was searched for
BESIDE: Final = OPEN - {
    State.NOT_EXPORTED
}  # a form without a drop-down or a prompt is no form that hides one
MAX_TEXT: Final = 20_000  # signs of a cell that are looked through; exports hold a few hundred
_FLAGS: Final = re.IGNORECASE | re.ASCII


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of an access and the state of each cell; `offense` and so on may be None whatever the state."""

    reason: str | None = None
    reason_state: str = State.NOT_EXPORTED
    offense: str | None = None
    offense_state: str = State.NOT_EXPORTED
    filters: str | None = None
    filters_state: str = State.NOT_EXPORTED
    prompt: str | None = None
    prompt_state: str = State.NOT_EXPORTED

    def text(self, cell: str) -> Folded | None:
        """Return what stands in a cell in plain letters, or None where it has no value."""
        value = getattr(self, cell)
        return fold(value[:MAX_TEXT]) if value is not None and self.state(cell) == State.VALUE else None

    def state(self, cell: str) -> str:
        """Return the state of a cell."""
        return str(getattr(self, f"{cell}_state"))

    @property
    def is_open(self) -> bool:
        """Whether a cell that cannot be read may say why."""
        if self.offense_state in BESIDE or self.prompt_state in BESIDE:
            return True
        if self.reason_state == State.NOT_EXPORTED:
            return self.offense_state != State.VALUE  # a drop-down stands in the place of the free text
        return self.reason_state in OPEN


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a wording says; the columns of `phrases.parquet`."""

    tier: str
    purposes: tuple[str, ...] | None
    for_agencies: tuple[str, ...] | None
    patterns: tuple[str, ...]
    evidence: tuple[str, ...]
    tags: tuple[str, ...]
    said: str | None
    case_in_reason: str | None


class Classifier:
    """A lexicon, compiled for Python.

    Args:
        lexicon: Of the order.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._patterns = [
            (pattern, _compile(pattern.expression), _compile(pattern.unless)) for pattern in lexicon.patterns
        ]
        self._vague = re.compile(without_way_back(lexicon.vague), _FLAGS)
        self._case, self._no_case = _compile(lexicon.case_number), _compile(lexicon.case_unless)
        self.purposes, self.agencies, self.tags = words_of(lexicon)

    def classify(self, wording: Wording) -> Phrase:
        """Return what a wording says; total."""
        texts = {cell: text for cell in CELLS if (text := wording.text(cell)) is not None}
        hits = []
        for pattern, expression, unless in self._patterns:
            found = (_find(expression, unless, texts.get(cell)) for cell in pattern.cells)
            evidence = next((text for text in found if text), None)
            if evidence is not None:
                hits.append((pattern, evidence))
        case = _find(self._case, self._no_case, texts.get("reason"))
        tiers = {pattern.tier for pattern, _ in hits}
        said = self._said(wording, texts, stated=bool(hits or case))
        purposes = _in_order(self.purposes, (word for pattern, _ in hits for word in pattern.purposes))
        agencies = _in_order(self.agencies, (p.for_agency for p, _ in hits if p.for_agency))
        is_open = wording.is_open
        return Phrase(
            tier=_tier(tiers, said),
            purposes=None if is_open and Tier.EXPLICIT not in tiers else purposes or (UNKNOWN,),
            for_agencies=None if is_open and not agencies else agencies or (UNKNOWN,),
            patterns=tuple(pattern.id for pattern, _ in hits),
            evidence=tuple(evidence for _, evidence in hits),
            tags=_in_order(self.tags, (tag for pattern, _ in hits for tag in pattern.tags)),
            said=said,
            case_in_reason=case,
        )

    def _said(self, wording: Wording, texts: dict[str, Folded], *, stated: bool) -> str | None:
        written = [texts[cell] for cell in SAID if cell in texts and _has_words(texts[cell].text)]
        vague = [_is_vague(self._vague, text.text) for text in written]
        if stated or not all(vague):
            return "stated"
        if wording.is_open:
            return None
        return "vague" if vague else "blank"


def words_of(lexicon: Lexicon) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the purposes, agencies and tags that patterns may give, each once, in the order of the patterns."""
    patterns = lexicon.patterns
    purposes = dict.fromkeys(word for pattern in patterns for word in pattern.purposes)
    agencies = dict.fromkeys(pattern.for_agency for pattern in patterns if pattern.for_agency)
    tags = dict.fromkeys(tag for pattern in patterns for tag in pattern.tags)
    return tuple(purposes), tuple(agencies), tuple(tags)


@lru_cache(maxsize=4096)  # orders that include one vocabulary share its expressions, more than `re` keeps
def _compile(expression: str | None) -> re.Pattern[str] | None:
    return None if expression is None else re.compile(expression, _FLAGS)


def _find(
    expression: re.Pattern[str] | None, unless: re.Pattern[str] | None, text: Folded | None
) -> str | None:
    """Return what was found, as it was written, or None."""
    found = None if expression is None or text is None else expression.search(text.text)
    if found is None or text is None or (unless is not None and unless.search(text.text)):
        return None
    return text.verbatim(*found.span(1))


def _has_words(text: str) -> bool:
    return any(sign.isalnum() for sign in text)


def _is_vague(vague: re.Pattern[str], text: str) -> bool:
    if not text.isascii() and any(sign.isalnum() and not sign.isascii() for sign in text):
        return False  # a language that the lexicon does not have
    return vague.search(text) is not None


def _tier(tiers: set[Tier], said: str | None) -> str:
    strongest = next((tier for tier in (Tier.EXPLICIT, Tier.AGENCY_NAMED) if tier in tiers), None)
    return str(strongest or (Tier.VAGUE if said == "vague" else Tier.OTHER))


def _in_order(every: tuple[str, ...], stated: Iterable[str]) -> tuple[str, ...]:
    found = frozenset(stated)
    return tuple(word for word in every if word in found)
