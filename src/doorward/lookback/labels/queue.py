"""A reviewer's queue: which wording is next, what a key does, what it leaves in the label file. Pure.

A key comes in, and what is to be written goes out; whoever runs the queue writes it and says that it was written. A
reviewer sees nothing of what another one said, unless they are there to settle a disagreement.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from doorward.lookback.labels.labels import Label, LabelSet, Undo, Word, Wording

SKIP: Final = "s"
UNDO: Final = "u"
QUIT: Final = "q"
HELP: Final = "?"


@dataclass(frozen=True, slots=True)
class Item:
    """A wording in the queue, with what helps to read it.

    Args:
        accesses: How many accesses say so.
        agencies: How many agencies searched with it; None where that is not known.
        evidence: The text that each pattern caught, by the pattern's id. Empty in a sample: whoever measures the
            patterns does not see what they said.
        rank: Of the ranking; None where it has none.
        said: What the reviewers said who disagree, to be settled; without their names.
    """

    wording: Wording
    accesses: int
    agencies: int | None = None
    tier: str | None = None
    evidence: tuple[tuple[str, str], ...] = ()
    rank: int | None = None
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Give:
    """Write that the reviewer gives this item a label."""

    item: Item
    word: Word


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Write that the reviewer takes back the label with this id."""

    of: str


Step = Give | TakeBack | None


@dataclass
class LabelQueue:
    """Where a reviewer stands in a queue.

    Args:
        items: What is to be labelled, in order, without what this reviewer labelled before.
        words: The labels, each with its key.
        before: How many of the whole queue this reviewer labelled before.
    """

    items: Sequence[Item]
    words: Sequence[Word]
    before: int = 0
    at: int = 0
    says: str = ""
    ended: bool = False
    helps: bool = False
    given: int = 0
    _past: list[tuple[int, str | None]] = field(default_factory=list)

    @property
    def item(self) -> Item | None:
        """The item before the reviewer, or None where the queue is at its end."""
        return self.items[self.at] if self.at < len(self.items) else None

    def press(self, key: str) -> Step:
        """Return what is to be written for a key or a whole word; anything unknown changes nothing but the message.

        After a `Give` or a `TakeBack` is on disk, call `wrote`.
        """
        self.says, self.helps = "", False
        if key == QUIT:
            self.ended = True
        elif key == HELP:
            self.helps = True
        elif key == UNDO:
            return self._undo()
        elif self.item is None:
            self.says = "nothing is left to label: u takes the last one back, q ends"
        elif key == SKIP:
            self._past.append((self.at, None))
            self.at += 1
            self.says = "skipped; it comes again next time"
        else:
            word = next((word for word in self.words if key and key in {word.key, word.word}), None)
            if word is not None:
                return Give(self.item, word)
            self.says = "this key means nothing here; ? shows those that do"
        return None

    def _undo(self) -> Step:
        if not self._past:
            self.says = "nothing to take back since this queue began"
            return None
        at, act_id = self._past[-1]
        if act_id is not None:
            return TakeBack(act_id)
        self._past.pop()
        self.at, self.says = at, "back at the one that was skipped"
        return None

    def wrote(self, step: Give | TakeBack, act_id: str) -> None:
        """Go on after a step is on disk.

        Args:
            act_id: The id of the act that was written.
        """
        if isinstance(step, Give):
            self._past.append((self.at, act_id))
            self.at += 1
            self.given += 1
            self.says = f"the last one: {step.word.word}"
        else:
            self.at, _ = self._past.pop()
            self.given -= 1
            self.says = "taken back"


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who labels, as what, and when.

    Args:
        via: How the queue was ordered, as a label keeps it.
    """

    id: str
    at: str
    via: str
    adjudicates: bool = False


def make_act(step: Give | TakeBack, reviewer: Reviewer, n: int) -> Label | Undo:
    """Return the act of a step."""
    if isinstance(step, TakeBack):
        return Undo(n, reviewer.at, reviewer.id, step.of)
    wording = step.item.wording
    return Label(
        n, reviewer.at, reviewer.id, wording.digest, wording.clipped(), step.word.word, step.word.tier,
        reviewer.via, reviewer.adjudicates,
    )  # fmt: skip


def choose(
    items: Iterable[Item],
    labels: LabelSet,
    reviewer: str,
    *,
    second: bool = False,
    settles: bool = False,
    most: int | None = None,
) -> tuple[list[Item], int]:
    """Return the items that are this reviewer's to label, and how many they labelled before.

    Args:
        items: Everything, in the order of the queue.
        labels: Everything that was said, by whomever.
        second: Only what another reviewer labelled.
        settles: Only what others disagree on, with what they said; never a dispute of one's own.
        most: No more items than so many.
    """
    said = labels.by_wording()
    mine: list[Item] = []
    before = 0
    for item in items:
        given = said.get(item.wording.digest, [])
        own = [one for one in given if one.reviewer == reviewer]
        if settles:
            open_to = _open_dispute(given, own)
            before += any(one.adjudicates for one in own)
            if open_to and len(mine) != most:
                mine.append(_with_said(item, open_to))
            continue
        before += bool(own)
        others = any(one.reviewer != reviewer and not one.adjudicates for one in given)
        if not own and (others or not second) and len(mine) != most:
            mine.append(item)
    return mine, before


def _open_dispute(given: Collection[Label], own: Collection[Label]) -> list[Label]:
    reviews = [one for one in given if not one.adjudicates]
    settled = len(reviews) < len(given)
    differ = len({one.tier for one in reviews}) > 1
    return reviews if differ and not settled and not own else []


def _with_said(item: Item, given: Collection[Label]) -> Item:
    words = tuple(sorted({one.label for one in given}))
    return Item(item.wording, item.accesses, item.agencies, item.tier, item.evidence, item.rank, words)
