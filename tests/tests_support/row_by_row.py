"""An audit decided one row at a time in Python, from the cells that Python's csv reads: what the SQL must come to.

Nothing of the audit's own tables or queries is used: the wording goes through the classifier's twin, the searcher
through the matcher, and the order decides every completion of what is open, by the compiled Python of the pack. A fact
of an agency or a role that is open takes one value of each kind that an order can tell apart by groups and by equality;
so it is a trial of all its values, unless the order names one of them, which is added. Where that is too many, some
are drawn: they still prove that nobody can tell, where one of them is opened and one is not.
"""

import random
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from itertools import product
from typing import Any

from doorward.cedar.types import BOOL, LONG, EntityType
from doorward.lookback.agencies.searchers import Searcher
from doorward.lookback.cells import State
from doorward.lookback.request import make_asked
from doorward.lookback.words.phrase import Classifier, Phrase, Wording
from doorward.orders.lexicon import Lexicon, Told
from doorward.orders.pack import Pack
from doorward.policy.decision import Outcome
from doorward.policy.request import Fact

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAX_TRIED, DRAWN = 100_000, 20_000
_MASK = re.compile(r"[*#]{2,}|\[?redacted\]?", re.IGNORECASE)
IRRELEVANT = ("context.grant.", "context.now", "context.initiative", "context.requester.identified")


def cell(record: Mapping[str, str], column: str) -> tuple[str | None, str]:
    """Return value and state of a cell of an export."""
    if column not in record:
        return None, State.NOT_EXPORTED
    text = record[column]
    if not text.strip():
        return None, State.BLANK
    return (None, State.MASKED) if _MASK.fullmatch(text.strip()) else (text, State.VALUE)


class RowByRow:
    """An order over the rows of a portal's exports.

    Args:
        pack: The order.
        lexicon: Its own.
        log: The kind of log.
    """

    def __init__(self, pack: Pack, lexicon: Lexicon, log: str) -> None:
        self.pack, self.log = pack, lexicon.logs[log]
        self.classify = cache(Classifier(lexicon).classify)
        self.asked = make_asked(pack, self.log)
        self.outcomes = cache(self._outcomes)

    def phrase(self, record: Mapping[str, str]) -> Phrase:
        """Return what the words of a row say."""
        (reason, reason_state), (offense, offense_state) = cell(record, "reason"), cell(record, "offenseType")
        return self.classify(Wording(reason, reason_state, offense=offense, offense_state=offense_state))

    def possible(self, record: Mapping[str, str], searcher: Searcher) -> tuple[frozenset[Outcome], bool]:
        """Return the outcomes that an access may have, and whether those are all."""
        phrase = self.phrase(record)
        case = cell(record, "caseNumber")[1]
        offense = cell(record, "offenseType")[1]
        given = case == State.VALUE or phrase.case_in_reason is not None
        agencies = (searcher.agency,) if searcher.agency else (searcher.may_be or (None,))
        return self.outcomes(
            agencies,
            phrase.purposes or (None,),
            phrase.for_agencies or (None,),
            phrase.said,
            "given" if given else "none" if case == State.BLANK else None,
            phrase.tags + (("?",) if phrase.purposes is None else ()),
            {State.VALUE: True, State.BLANK: False}.get(State(offense)),
        )

    def _outcomes(  # noqa: PLR0917  # the facts of a row
        self,
        agencies: tuple[str | None, ...],
        purposes: tuple[str | None, ...],
        beneficiaries: tuple[str | None, ...],
        said: str | None,
        case: str | None,
        tags: tuple[str, ...],
        offense: bool | None,  # noqa: FBT001  # None is open
    ) -> tuple[frozenset[Outcome], bool]:
        found: set[Outcome] = set()
        whole = True
        for agency, purpose, beneficiary in product(agencies, purposes, beneficiaries):
            row = {
                "searcher": agency, "purpose": purpose, "for-agency": beneficiary, "said": said, "case": case,
                "offense-given": offense, "tags": tags, "declaration": None,
            }  # fmt: skip
            tried, all_of_them = self.try_all(row)
            found |= tried
            whole = whole and all_of_them
        return frozenset(found), whole

    def try_all(self, row: Mapping[str, Any]) -> tuple[set[Outcome], bool]:
        """Return the outcomes of a request of which a row tells some facts, and whether every completion was tried."""
        known: dict[str, Fact] = dict(self.asked.constants)
        missing: list[str] = []
        for path in self.asked.columns:
            if path in {"principal", "resource"} or path.startswith(IRRELEVANT):
                continue
            told = self.log.facts.get(path)
            value = None if told is None or told.source is None else _value(told, row)
            if value is None:
                missing.append(path)
            else:
                known[path] = value
        leaders = [path for path in missing if self.asked.same.get(path) not in missing]
        choices = [tuple(self._choices(path, known)) for path in leaders]
        size = 1
        for choice in choices:
            size *= len(choice)
        rng = random.Random(size)  # noqa: S311  # the same in each run
        drawn = (tuple(map(rng.choice, choices)) for _ in range(DRAWN))
        found = set()
        for chosen in product(*choices) if size <= MAX_TRIED else drawn:
            given = known | dict(zip(leaders, chosen, strict=True))
            given |= {path: given[self.asked.same[path]] for path in missing if path not in given}
            request = self.pack.request(given, resource=self.asked.resource, now=NOON)
            found.add(self.pack.decide(request).outcome)
        return found, size <= MAX_TRIED

    def _choices(self, path: str, known: Mapping[str, Fact]) -> Iterator[Fact]:
        spec = self.pack.requests.specs(self.asked.resource.type)[path]
        if spec.type == BOOL:
            yield from (False, True)
        elif spec.type == LONG:
            yield from (0, 30, 31, 100_000)
        elif spec.words is None:
            yield ""
        elif isinstance(spec.type, EntityType):
            yield from self._kinds(spec.type.name, spec.words, frozenset(map(str, known.values())))
        else:
            yield from spec.words

    def _kinds(self, kind: str, words: tuple[Fact, ...], named: frozenset[str]) -> Iterator[Fact]:
        """Yield one of each kind of entity, those that a known fact names, and those that the order's text names."""
        text = "\n".join(content for path, content in self.pack.files.items() if path.endswith(".cedar"))
        seen = set()
        for word in words:
            above = next(
                (
                    found.above
                    for uid, found in self.pack.requests.entities.items()
                    if (uid.type, uid.id) == (kind, word)
                ),
                frozenset(),
            )
            if above not in seen or word in named or f'{kind}::"{word}"' in text:
                yield word
            seen.add(above)


def _value(told: Told, row: Mapping[str, Any]) -> Fact | None:
    assert told.source is not None
    if told.source.startswith("tag:"):
        tags = row["tags"]
        return True if told.source.removeprefix("tag:") in tags else None if "?" in tags else False
    value = row[told.source]
    if told.words:
        value = told.words.get(value)
    return None if value in told.open_where else value


__all__ = ["RowByRow", "cell"]
