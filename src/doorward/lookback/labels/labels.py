"""What reviewers said of wordings: the acts of a label file, and what stands after all of them. Pure.

A label file is lines of JSON that are only ever added (ADR 26). A line is an act: a label, or the undoing of one. Its
id is the digest of its content, so a line that was changed by hand is found, and two files merge as a union of acts in
whatever order. Acts are ordered by `n`, a Lamport number: one more than the greatest that its writer had seen; a
clock that goes back changes nothing.

INVARIANT (a-label-is-a-person's): nothing here or elsewhere in doorward writes a label that no person gave.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import Any, Final

from doorward.errors import MalformedError

TIERS: Final = ("explicit", "agency-named", "vague", "other")
MAX_TEXT: Final = 10_000  # characters kept of each text of a wording; more has never been a reason
MAX_LINE_BYTES: Final = 400_000  # four such texts, each character escaped as six bytes, and the rest
MAX_REVIEWER: Final = 32
_REVIEWER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_AT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
_VIA: Final = re.compile(r"rank|count|random|sample:[0-9a-f]{16}")
_ID_CHARACTERS: Final = 32
_ID: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Word:
    """A label that may be given.

    Args:
        key: The key that gives it.
        tier: What it says of the wording: one of `TIERS`, or None where the reviewer could not tell.
    """

    word: str
    key: str
    tier: str | None
    says: str


WORDS: Final = (
    Word(
        "civil-immigration", "i", "explicit", "it says that the access served civil immigration enforcement"
    ),
    Word("agency-named", "a", "agency-named", "it names an agency of such enforcement, and not for what"),
    Word("vague", "v", "vague", "it says nothing of a purpose: `investigation`, `suspect`, a number alone"),
    Word("other-purpose", "o", "other", "it says another purpose"),
    Word("cannot-tell", "c", None, "a reader cannot tell which of these it is"),
)


def purpose_words(purposes: Mapping[str, str], explicit: Collection[str]) -> tuple[Word, ...]:
    """Return a label for each purpose that an order has a word for, with keys 1 to 9 and then none.

    Args:
        purposes: What each word of the order means, in its order.
        explicit: The purposes that are civil immigration enforcement.
    """
    return tuple(
        Word(word, str(number) if number <= 9 else "", "explicit" if word in explicit else "other", says)
        for number, (word, says) in enumerate(purposes.items(), start=1)
    )


@dataclass(frozen=True, slots=True)
class Wording:
    """What a log says of the purpose of an access, as it stands there. A cell without a value is the empty text."""

    reason: str
    offense: str = ""
    filters: str = ""
    prompt: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 over the four texts as a JSON list, hexadecimal."""
        return digest_of((self.reason, self.offense, self.filters, self.prompt))

    @property
    def text(self) -> str:
        """The four in one, for a model: the reason first."""
        return " / ".join(part for part in (self.reason, self.prompt, self.offense, self.filters) if part)

    def clipped(self) -> "Wording":
        """Return it with no text longer than `MAX_TEXT`."""
        return Wording(*(part[:MAX_TEXT] for part in (self.reason, self.offense, self.filters, self.prompt)))


def digest_of(texts: Sequence[str]) -> str:
    """Return the digest of a wording's four texts: reason, offense, filters, prompt."""
    return sha256(json.dumps(list(texts), ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Label:
    """A reviewer's word on a wording.

    Args:
        n: Its Lamport number.
        at: When, in UTC, ISO 8601 with `Z`.
        reviewer: A role or initials, as the user gives it.
        wording: Digest of the whole wording; `text` may be clipped.
        tier: What `label` meant when it was given.
        via: How the wording came before the reviewer: `rank`, `count`, `random`, or `sample:` and the sample's digest.
        adjudicates: Whether it settles what two others disagree on.
    """

    n: int
    at: str
    reviewer: str
    wording: str
    text: Wording
    label: str
    tier: str | None
    via: str
    adjudicates: bool = False


@dataclass(frozen=True, slots=True)
class Undo:
    """A reviewer takes back a label of their own."""

    n: int
    at: str
    reviewer: str
    of: str


Act = Label | Undo


def format_act(act: Act) -> str:
    """Return the line of an act without its line end: canonical JSON, its id included."""
    content = _content(act)
    return _dump({**content, "id": _id_of(content)})


def id_of(act: Act) -> str:
    """Return the id of an act: the digest of its content."""
    return _id_of(_content(act))


def parse_act(line: str) -> tuple[str, Act]:
    """Return the id and the act of a line.

    Raises:
        MalformedError: It is no act, or was changed after it was written. The message carries nothing of its text.
    """
    try:
        read = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise MalformedError("this is no JSON") from error
    if not isinstance(read, dict):
        raise MalformedError("this is no act: expected an object")
    stated = read.pop("id", None)
    try:
        act = _act(read)
    except (KeyError, TypeError, UnicodeEncodeError) as error:
        raise MalformedError("this is no act: a field is missing, unknown or of another kind") from error
    if stated != _id_of(read):
        raise MalformedError("the line's id is not the digest of its content: it was changed")
    return stated, act


def check_reviewer(reviewer: str) -> None:
    """Refuse a reviewer's id that is no short word.

    Raises:
        MalformedError: It is empty, long, or has other characters than letters, digits, `.`, `_` and `-`.
    """
    if not _REVIEWER.fullmatch(reviewer):
        raise MalformedError(
            f"a reviewer is a role or initials of at most {MAX_REVIEWER} letters, digits, `.`, `_` or `-`"
        )


def _content(act: Act) -> dict[str, Any]:
    if isinstance(act, Undo):
        return {"act": "undo", "at": act.at, "n": act.n, "of": act.of, "reviewer": act.reviewer}
    content = {one.name: getattr(act, one.name) for one in fields(act) if one.name != "text"}
    texts = {one.name: getattr(act.text, one.name) for one in fields(act.text)}
    return {"act": "label", **content, **texts}


def _dump(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _id_of(content: Mapping[str, Any]) -> str:
    return sha256(_dump(content).encode("utf-8", "surrogatepass")).hexdigest()[:_ID_CHARACTERS]


def _act(read: Mapping[str, Any]) -> Act:
    given = dict(read)
    kind = given.pop("act")
    _demand(type(given["n"]) is int and 0 < given["n"] < 1 << 53)
    _demand(_matches(_AT, given["at"]) and _matches(_REVIEWER, given["reviewer"]))
    if kind == "undo":
        _demand(_matches(_ID, given["of"]))
        return Undo(**given)
    _demand(kind == "label")
    texts = [given.pop(one.name) for one in fields(Wording)]
    _demand(all(isinstance(part, str) and len(part) <= MAX_TEXT for part in texts))
    "".join(texts).encode()  # half a surrogate pair is no text
    _demand(_matches(_WORD, given["label"]) and _matches(_DIGEST, given["wording"]))
    _demand(isinstance(given["adjudicates"], bool) and _matches(_VIA, given["via"]))
    _demand(given["tier"] is None or given["tier"] in TIERS)
    act = Label(**given, text=Wording(*texts))
    # A text that was clipped is as long as may be; only then may the digest be of more than what stands here.
    _demand(act.wording == act.text.digest or any(len(part) == MAX_TEXT for part in texts))
    return act


def _matches(form: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _demand(held: bool) -> None:  # noqa: FBT001  # what must hold
    if not held:
        raise TypeError


@dataclass(frozen=True, slots=True)
class Settled:
    """What stands of a wording.

    Args:
        how: `one` reviewer, two or more who `agreed` on the tier, `adjudicated`, or `conflict`.
        label: The word, of the adjudicator or of the first reviewer; None in a conflict.
        tier: None in a conflict, and where the reviewers could not tell.
    """

    wording: str
    text: Wording
    how: str
    label: str | None
    tier: str | None
    via: frozenset[str]
    reviewers: int

    @property
    def decided(self) -> bool:
        """Whether reviewers are of one mind, be it that they cannot tell."""
        return self.how != "conflict"


@dataclass
class LabelSet:
    """Acts by id, and what stands after them."""

    acts: dict[str, Act] = field(default_factory=dict)
    _greatest: int = 0

    def add(self, act_id: str, act: Act) -> None:
        """Take an act; one that is there already changes nothing."""
        self.acts.setdefault(act_id, act)
        self._greatest = max(self._greatest, act.n)

    def next_number(self) -> int:
        """Return the Lamport number of an act that is written now."""
        return self._greatest + 1

    def ordered(self) -> list[tuple[str, Act]]:
        """Return every act with its id, in the order that every copy agrees on."""
        return sorted(self.acts.items(), key=lambda pair: (pair[1].n, pair[1].at, pair[0]))

    def standing(self) -> dict[tuple[str, str, bool], tuple[str, Label]]:
        """Return the last label of each (wording, reviewer, adjudicates) that its reviewer has not taken back."""
        undone = {
            act.of
            for act in self.acts.values()
            if isinstance(act, Undo) and act.of in self.acts and self.acts[act.of].reviewer == act.reviewer
        }
        return {
            (act.wording, act.reviewer, act.adjudicates): (act_id, act)
            for act_id, act in self.ordered()
            if isinstance(act, Label) and act_id not in undone
        }

    def by_wording(self) -> dict[str, list[Label]]:
        """Return the standing labels of each wording, the earliest first."""
        found: dict[str, list[Label]] = {}
        for _, label in sorted(self.standing().values(), key=lambda pair: (pair[1].n, pair[1].at, pair[0])):
            found.setdefault(label.wording, []).append(label)
        return found

    def settle(self) -> dict[str, Settled]:
        """Return what stands of each wording that somebody labelled."""
        return {wording: settle_one(labels) for wording, labels in self.by_wording().items()}


def settle_one(labels: Sequence[Label]) -> Settled:
    """Return what the standing labels of one wording come to.

    An adjudication counts where somebody else's labels are there to be settled: nobody settles their own dispute.

    Args:
        labels: At least one, the earliest first.
    """
    reviews = [label for label in labels if not label.adjudicates] or list(labels)
    own = {label.reviewer for label in reviews}
    settling = [label for label in labels if label.adjudicates and label.reviewer not in own]
    first = reviews[0]
    via = frozenset(label.via for label in labels)
    if settling and len({label.tier for label in reviews}) > 1:
        last = settling[-1]
        return Settled(first.wording, first.text, "adjudicated", last.label, last.tier, via, len(own))
    if len({label.tier for label in reviews}) != 1:
        return Settled(first.wording, first.text, "conflict", None, None, via, len(own))
    how = "one" if len(own) == 1 else "agreed"
    return Settled(first.wording, first.text, how, first.label, first.tier, via, len(own))


def merge(sets: Iterable[LabelSet]) -> LabelSet:
    """Return the union of several files' acts; the order of the files does not matter."""
    merged = LabelSet()
    for one in sets:
        for act_id, act in one.acts.items():
            merged.add(act_id, act)
    return merged
