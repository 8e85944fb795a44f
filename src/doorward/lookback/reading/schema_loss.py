"""What an owner's exports stopped telling from one to the next: the schema-loss alarm. Pure.

An export that has lost its plates, its accounts or its free reasons shows fewer findings, and nobody behaves better.
So before figures of two periods stand beside each other, their forms do. Exports are compared within one owner and one
kind of export, in the order of their periods; two owners are never compared.

Source of what to look for: facts of 2024 to 2026 in LOOKBACK.md (network audits lost names and plates in December 2025,
an offense drop-down replaced free text from then on, one sheriff's reasons are one word in every row).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

from doorward.lookback.cells import BY_NAME, CELLS, State
from doorward.lookback.reading.headings import normalise_label

TRACK_OVERLAP: Final = timedelta(days=1)  # months of one series touch, because they are cut in local time


class Kind(StrEnum):
    """What happened to a column."""

    VANISHED = "vanished"
    CAME = "came"
    HEADER = "header"
    CONSTANT = "went-constant"
    IS_CONSTANT = "is-constant"
    MASKED = "went-masked"
    WITHHELD = "went-withheld"
    ACCOUNTS = "accounts-masked"
    BLANK = "blank-rate-jumped"
    DROP_DOWN = "drop-down-came"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From when on a change is an alarm. Shares are of the rows of an export, from 0 to 1.

    Args:
        least_rows: Of each export; below it, shares say nothing.
        hidden_before: At most so much was masked (or withheld) before ...
        hidden_after: ... and at least so much is afterwards.
        blank_rise: The share of blanks rose by so much ...
        blank_factor: ... and at least so many times.
        distinct_before: So many values stood there before a column that now has one value only.
        offered_before: At most so many rows had an offense before a drop-down ...
        offered_after: ... and at least so many have one since.
    """

    least_rows: int = 50
    hidden_before: float = 0.5
    hidden_after: float = 0.9
    blank_rise: float = 0.25
    blank_factor: float = 2.0
    distinct_before: int = 5
    offered_before: float = 0.1
    offered_after: float = 0.5


@dataclass(frozen=True, slots=True)
class Export:
    """One file as it was accounted for.

    Args:
        file: Its number in the manifest.
        owner: Whose export it is; empty where nobody says, and it is compared with nothing.
        first: The begin of its period.
        last: The end.
        header: Labels as written, of all its sheets.
        states: How many rows have which state, by cell.
        distinct: How many different values each cell has, where that was counted.
        constant: Cells that are the same in every row.
        vague: How many rows have a vague or blank reason, or None where nobody has looked.
    """

    file: int
    name: str
    owner: str
    layout: str
    first: date
    last: date
    header: tuple[str, ...]
    states: Mapping[str, Mapping[str, int]]
    distinct: Mapping[str, int] = field(default_factory=dict)
    constant: frozenset[str] = frozenset()
    vague: int | None = None

    @property
    def rows(self) -> int:
        """How many rows were kept."""
        return max((sum(counts.values()) for counts in self.states.values()), default=0)

    def is_constant(self, cell: str) -> bool:
        """Whether a cell is the same in every row."""
        return cell in self.constant or self.distinct.get(cell) == 1

    def share(self, cell: str, *states: State) -> float:
        """Return the share of rows in which a cell has one of some states; a cell nobody counted was not exported."""
        counts = self.states.get(cell) or {str(State.NOT_EXPORTED): 1}
        return sum(counts.get(str(state), 0) for state in states) / max(sum(counts.values()), 1)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One change, said so that a reader who has seen neither file knows what it does to figures.

    Args:
        file: The export in which it is seen.
        previous: The one before; None where one export is enough to see it.
        before: What was, as a number or words.
        after: What is.
    """

    kind: Kind
    owner: str
    file: int
    previous: int | None
    column: str
    before: str
    after: str
    says: str

    def as_json(self) -> dict[str, Any]:
        """Return what stands in `audit.json`."""
        return {
            "kind": str(self.kind), "owner": self.owner, "file": self.file, "previous": self.previous,
            "column": self.column, "before": self.before, "after": self.after, "says": self.says,
        }  # fmt: skip


def exports_of(files: Iterable[Mapping[str, Any]]) -> list[Export]:
    """Return the exports of a manifest's `files`; a file without rows or without a period is none.

    Args:
        files: With `file`, `name`, `owner`, `layout`, `period`, `states`, and where they are known `header` (or
            `used` and `unused`, as the reading accounts for columns), `distinct`, `constant` and `vague`.
    """
    exports = []
    for told in files:
        period = told.get("period") or []
        if not told.get("states") or len(period) != 2 or not all(period):  # begin and end
            continue
        first, last = (date.fromisoformat(str(one)[:10]) for one in period)
        exports.append(
            Export(
                file=int(told["file"]),
                name=str(told.get("name", "")),
                owner=str(told.get("owner") or ""),
                layout=str(told.get("layout") or ""),
                first=first,
                last=last,
                header=tuple(
                    told.get("header") or (*(told.get("used") or {}).values(), *(told.get("unused") or ()))
                ),
                states=told["states"],
                distinct=told.get("distinct") or {},
                constant=frozenset(told.get("constant") or ()),
                vague=told.get("vague"),
            )
        )
    return exports


def find_losses(exports: Iterable[Export], thresholds: Thresholds | None = None) -> list[Alarm]:
    """Return the alarms of all exports, by owner, period and column."""
    limits = thresholds or Thresholds()
    alarms: list[Alarm] = []
    for track in tracks_of(exports):
        for export in track:
            alarms += _constant_alone(export, limits)
        for before, after in pairwise(track):
            alarms += compare(before, after, limits)
    return alarms


def tracks_of(exports: Iterable[Export]) -> list[list[Export]]:
    """Return the exports that follow each other: of one owner, in the order of their periods.

    A series may change its layout, which is what the alarm is for. Two layouts that cover the same days are two series
    (the export of a portal and the audit of the same month).
    """
    tracks: list[list[Export]] = []
    for export in sorted(exports, key=lambda one: (one.owner, one.first, one.last, one.file)):
        own = [track for track in tracks if export.owner and track[-1].owner == export.owner]
        same = [track for track in own if track[-1].layout == export.layout]
        follows = [track for track in own if max(one.last for one in track) <= export.first + TRACK_OVERLAP]
        found = same or sorted(follows, key=lambda track: track[-1].last)[-1:]
        if found:
            found[0].append(export)
        else:
            tracks.append([export])
    return tracks


def compare(before: Export, after: Export, limits: Thresholds) -> list[Alarm]:
    """Return what an export lost or changed against the one before it."""
    alarms = [*_header(before, after)]
    for cell in CELLS:
        alarms += _presence(before, after, cell.name)
        if min(before.rows, after.rows) >= limits.least_rows:
            alarms += _hidden(before, after, cell.name, limits)
            alarms += _blank(before, after, cell.name, limits)
            alarms += _constant(before, after, cell.name, limits)
    if min(before.rows, after.rows) >= limits.least_rows:
        alarms += _drop_down(before, after, limits)
    return alarms


def _alarm(kind: Kind, before: Export, after: Export, column: str, *, was: str, now: str, says: str) -> Alarm:
    return Alarm(kind, after.owner, after.file, before.file, column, was, now, says)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _is_exported(export: Export, cell: str) -> bool:
    return export.share(cell, State.NOT_EXPORTED) < 1


def _header(before: Export, after: Export) -> Iterator[Alarm]:
    """Yield one alarm for all labels that went or came: also those that no cell is read from."""
    if not before.header or not after.header:
        return
    old = {normalise_label(label): label for label in before.header if label}
    new = {normalise_label(label): label for label in after.header if label}
    gone = [label for key, label in old.items() if key not in new]
    come = [label for key, label in new.items() if key not in old]
    if gone or come:
        yield _alarm(
            Kind.HEADER, before, after, "", was=", ".join(gone), now=", ".join(come),
            says=f"the header changed: gone {_listed(gone)}; new {_listed(come)}",
        )  # fmt: skip


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(f"`{label}`" for label in labels) or "nothing"


def _presence(before: Export, after: Export, cell: str) -> Iterator[Alarm]:
    was, now = _is_exported(before, cell), _is_exported(after, cell)
    if was and not now:
        yield _alarm(
            Kind.VANISHED, before, after, cell, was="exported", now="not exported",
            says=f"{_says(cell)} is not exported any more: what needs it cannot be told from here on",
        )  # fmt: skip
    elif now and not was:
        yield _alarm(
            Kind.CAME, before, after, cell, was="not exported", now="exported",
            says=f"{_says(cell)} is exported from here on: figures that use it have no earlier period to stand beside",
        )  # fmt: skip


def _hidden(before: Export, after: Export, cell: str, limits: Thresholds) -> Iterator[Alarm]:
    for state, kind in ((State.MASKED, Kind.MASKED), (State.WITHHELD, Kind.WITHHELD)):
        was, now = before.share(cell, state), after.share(cell, state)
        if _is_exported(before, cell) and was <= limits.hidden_before and now >= limits.hidden_after:
            is_account = cell == "account" and state is State.MASKED
            effect = (
                "shared accounts and bursts of one account cannot be seen from here on"
                if is_account
                else "rows that it would decide are `cannot tell` from here on"
            )
            yield _alarm(
                Kind.ACCOUNTS if is_account else kind, before, after, cell, was=_percent(was), now=_percent(now),
                says=f"{_says(cell)} is {state} in {_percent(now)} of the rows, before in {_percent(was)}: {effect}",
            )  # fmt: skip


def _blank(before: Export, after: Export, cell: str, limits: Thresholds) -> Iterator[Alarm]:
    if not (_is_exported(before, cell) and _is_exported(after, cell)):
        return
    was, now = before.share(cell, State.BLANK), after.share(cell, State.BLANK)
    if round(now - was, 9) >= limits.blank_rise and now >= limits.blank_factor * was:
        yield _alarm(
            Kind.BLANK, before, after, cell, was=_percent(was), now=_percent(now),
            says=f"{_says(cell)} is blank in {_percent(now)} of the rows, before in {_percent(was)}: the form or the "
            "export changed, or people stopped filling it in",
        )  # fmt: skip


def _constant(before: Export, after: Export, cell: str, limits: Thresholds) -> Iterator[Alarm]:
    was = before.distinct.get(cell)
    varied = not before.is_constant(cell) if was is None else was >= limits.distinct_before
    enough = min(one.share(cell, State.VALUE) * one.rows for one in (before, after)) >= limits.least_rows
    if varied and after.is_constant(cell) and enough and _may_be_constant(cell):
        values = f"{was:,} values" if was is not None else "more values than one"
        yield _alarm(
            Kind.CONSTANT, before, after, cell, was=values, now="1 value",
            says=f"{_says(cell)} is the same in every row, and had {values} before: what says one thing in every row "
            "is no evidence of any of them",
        )  # fmt: skip


def _constant_alone(export: Export, limits: Thresholds) -> Iterator[Alarm]:
    for cell in ("reason", "offense", "case_no", "filters", "prompt"):
        if export.is_constant(cell) and export.share(cell, State.VALUE) * export.rows >= limits.least_rows:
            yield Alarm(
                Kind.IS_CONSTANT, export.owner, export.file, None, cell, "", "1 value",
                f"{_says(cell)} is the same in every row: it was overwritten, or nobody ever chose another, and it is "
                "no evidence of any of them",
            )  # fmt: skip


def _may_be_constant(cell: str) -> bool:
    # The owner of an export, its one searcher and its one kind of search are one value by their nature.
    return cell not in {"owner", "searcher", "kind", "moderation", "object", "command"}


def _drop_down(before: Export, after: Export, limits: Thresholds) -> Iterator[Alarm]:
    was, now = before.share("offense", State.VALUE), after.share("offense", State.VALUE)
    if was > limits.offered_before or now < limits.offered_after:
        return
    vague = ""
    if before.vague is not None and after.vague is not None:
        old, new = before.vague / max(before.rows, 1), after.vague / max(after.rows, 1)
        vague = f" (vague or blank here: before {_percent(old)}, since {_percent(new)})"
    yield _alarm(
        Kind.DROP_DOWN, before, after, "offense", was=_percent(was), now=_percent(now),
        says=f"an offense is chosen from a list in {_percent(now)} of the rows, before in {_percent(was)}: vague "
        f"reasons become fewer because of the form and not of the people, and free words are lost{vague}",
    )  # fmt: skip


def _says(cell: str) -> str:
    return f"`{cell}` ({BY_NAME[cell].says.split(',')[0]})"
