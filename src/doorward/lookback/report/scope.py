"""What a report rests on: its orders, files, the cells that they do not show, and what was noticed of them. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from doorward.lookback.cells import OPEN
from doorward.lookback.reading.duplicates import KINDS
from doorward.lookback.report.content import Row, Scope, Table
from doorward.lookback.report.words import CELL_WORDS, as_words

_WHAT: Final = (
    "This report says which recorded accesses of a database are inconsistent with a written rule on their face, which "
    "are not, and which cannot be told."
)
_AT_LEAST: Final = (
    "Each count is at least so many in the logs supplied. Absence is not evidence: what was not logged, not supplied, "
    "or written in vague words is not in it."
)
_NO_PERSON: Final = (
    "It is about accesses and what was written for them: it names no person, and a finding is no finding of "
    "wrongdoing, for a reason may be wrongly chosen and an access lawful on facts that no log shows."
)
_AGAIN: Final = (
    "Each number can be asked again (numbers.csv), and each row shown can be looked up in its file."
)
CAUTION: Final = (_WHAT, _AT_LEAST, _NO_PERSON, _AGAIN)
_ACCOUNT: Final = (
    ("Read", "read"), ("Left out", "rejected"), ("Tell of no access", "other_lines"), ("Blank", "blank"),
    ("Header again", "repeated_headers"), ("Duplicates", "duplicates"), ("Counted", "kept"),
    ("With those in another owner's log", "kept_of_owner"),
)  # fmt: skip
_SAID_WHERE: Final = dict(
    zip(KINDS, ("in the same file", "in a file of the same owner", "in another owner's log"), strict=True)
)
Files = Sequence[Mapping[str, Any]]


def make_scope(manifest: Mapping[str, Any], orders: Files, files: Files, used: Iterable[str]) -> Scope:
    """Return what a report rests on.

    Args:
        manifest: Of the audit.
        orders: Those of its rules that the report is about.
        files: Those of its files that the report is about.
        used: Patterns that caught something that the report shows.
    """
    numbers = {file.get("file") for file in files}
    alarms = tuple(_alarms(manifest, files, numbers))
    return Scope(
        _orders(orders, str(manifest.get("lexicon") or "")), _hidden(files), _remarks(files), alarms,
        _patterns(orders, sorted(set(used))), _accounts(files), tuple(_given(orders)),
    )  # fmt: skip


def _orders(orders: Files, common: str) -> Table:
    rows = tuple(
        Row(str(one.get("title") or one["name"]),
            (str(one["name"]), str(one.get("digest", "")), str(one.get("lexicon") or common or "not stated"),
             "sample: nobody signed it" if one.get("sample") else ""))
        for one in orders
    )  # fmt: skip
    columns = ("Rules", "Name", "Digest", "Digest of the lexicon", "Standing")
    return Table(
        "orders",
        "Rules, by the digests of their text and of their lexicon",
        columns,
        rows,
        prose=(0, 1, 2, 3),
    )


def _accounts(files: Files) -> tuple[tuple[str, str], ...]:
    """Return the figures of an account that some file of a report has, in the order in which they add up."""
    held = [file["accounting"] for file in files if file.get("accounting")]
    left_out = {
        "other_lines": not any(one.get("other_lines") for one in held),
        "kept_of_owner": all(one.get("kept_of_owner", one["kept"]) == one["kept"] for one in held),
    }
    return tuple((head, key) for head, key in _ACCOUNT if not left_out.get(key))


def figure_of(account: Mapping[str, Any], key: str) -> str:
    """Return a figure of a file's account in words."""
    if key != "duplicates":
        return f"{account.get(key, account['kept'] if key == 'kept_of_owner' else 0):,}"
    held = account.get(key) or {}
    return ", ".join(f"{held[kind]:,} {says}" for kind, says in _SAID_WHERE.items() if held.get(kind)) or "0"


def _given(orders: Files) -> Iterator[str]:
    """Yield what each order was told of every access; what stands beside an agency's own words is in the remarks."""
    for one in orders:
        if not one.get("own_words"):
            yield from (f"{one.get('title') or one['name']}: {note}" for note in one.get("notes") or ())


def as_numbers(files: Iterable[int]) -> str:
    """Return numbers of files in few words: `0-3, 7`."""
    parts: list[list[int]] = []
    for number in sorted(set(files)):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def hidden_cells(file: Mapping[str, Any]) -> dict[str, str]:
    """Return which cells of a file are masked, withheld, not exported or unreadable, in words."""
    kept = int((file.get("accounting") or {}).get("read", 0) or 0)
    found: dict[str, list[str]] = {state: [] for state in sorted(OPEN)}
    for cell, states in sorted((file.get("states") or {}).items()):
        for state, cells in found.items():
            if n := states.get(state):
                some = " in some" if isinstance(n, str) else f" in {n:,} of {kept:,}"
                cells.append(CELL_WORDS.get(cell, as_words(cell)) + ("" if n in {"all", kept} else some))
    return {state: ", ".join(cells) for state, cells in found.items()}


def _hidden(files: Files) -> Table:
    alike: dict[tuple[str, ...], list[int]] = {}
    for file in files:
        if file.get("states"):
            alike.setdefault(tuple(hidden_cells(file).values()), []).append(int(file["file"]))
    rows = tuple(
        Row(
            f"{'file' if len(held) == 1 else 'files'} {as_numbers(held)}",
            tuple(cells or "none" for cells in said),
        )
        for said, held in alike.items()
    )
    columns = ("Files", *(as_words(state).capitalize() for state in sorted(OPEN)))
    caption = "What the exporter did not show; where no number stands, in every record"
    return Table("hidden", caption, columns, rows, prose=tuple(range(len(columns) - 1)))


def _remarks(files: Files) -> Table:
    said: dict[str, list[int]] = {}
    for file in files:
        for text in _of_file(file):
            said.setdefault(text, []).append(int(file["file"]))
    rows = tuple(
        Row(f"{'file' if len(held) == 1 else 'files'} {as_numbers(held)}", (text,))
        for text, held in said.items()
    )
    return Table("remarks", "What was noticed of the files", ("Files", "What"), rows, prose=(0,))


def _of_file(file: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(note) for note in file.get("notes") or ())
    for what, n in sorted((file.get("other_by") or {}).items()):
        yield f"{n:,} that tell of no access, which is ordinary in such a log: {what}"
    constant = [CELL_WORDS.get(cell, as_words(cell)) for cell in file.get("constant") or ()]
    if constant:
        yield f"the same in every record: {', '.join(constant)}; a constant column is not evidence"
    if file.get("unused"):
        yield f"columns that no cell was made of: {', '.join(map(str, file['unused']))}"
    for why, n in sorted((file.get("rejected_by") or {}).items()):
        lines = [str(one.get("line")) for one in file.get("rejects") or () if one.get("reason") == why]
        where = f" (first of them at line {', '.join(lines[:10])})" if lines else ""
        yield f"{n:,} rejected: {why}{where}"


def _alarms(manifest: Mapping[str, Any], files: Files, numbers: set[Any]) -> Iterator[str]:
    owners = {file.get("owner") for file in files}
    for alarm in manifest.get("alarms", ()):
        if not isinstance(alarm, Mapping):
            yield str(alarm)
        elif alarm.get("file") in numbers or (
            "file" not in alarm and alarm.get("owner") in {None, "", *owners}
        ):
            where = f"file {alarm['file']}, " if "file" in alarm else ""
            yield f"{where}{alarm.get('owner') or 'owner not known'}: {alarm.get('says', '')}"


def pattern_words(orders: Files) -> dict[str, str]:
    """Return what each pattern of some orders looks for, in its own words."""
    return {
        str(id_): str(one.get("says") or "")
        for rules in orders for id_, one in (rules.get("patterns") or {}).items()
    }  # fmt: skip


def _patterns(orders: Files, used: Iterable[str]) -> Table:
    known = {str(i): one for rules in orders for i, one in (rules.get("patterns") or {}).items()}
    rows = tuple(
        Row(id_, (str(known[id_].get("says", "")), str(known[id_].get("tier", "")), str(known[id_].get("source", ""))))
        for id_ in used if id_ in known
    )  # fmt: skip
    columns = ("Pattern", "What it looks for", "Tier", "Where it is from")
    return Table("patterns", "Patterns that caught the words of the exhibits", columns, rows, prose=(0, 1, 2))


def make_cover(
    manifest: Mapping[str, Any], orders: Files, files: Files, period: tuple[str, str], command: str
) -> tuple[tuple[str, str], ...]:
    """Return what stands at the head of a report: label and text."""
    named = [one for one in orders if not one.get("own_words")]
    own = [one for one in orders if one.get("own_words")]
    lines = [("Order", f"{one.get('title') or one['name']}, digest {one.get('digest', '')}") for one in named]
    if len(own) == 1:
        lines.append(
            (
                "Own published words",
                f"{own[0].get('title') or own[0]['name']}, digest {own[0].get('digest', '')}",
            )
        )
    elif own:
        lines.append(
            ("Own published words", f"of {len(own)} agencies, each put to its own log; digests in the scope")
        )
    if any(one.get("sample") for one in orders):
        lines.append(("Standing", "SAMPLE: an order that nobody has signed; its findings bind nobody"))
    if period[0]:
        lines.append(("Accesses", f"from {_minute(period[0])} to {_minute(period[1])} (UTC)"))
    read = [file["accounting"]["read"] for file in files if file.get("accounting")]
    rows = f", {sum(read):,} records read" if len(read) == len(files) and read else ""
    lines.append(
        (
            "Made from",
            f"{len(files)} {'file' if len(files) == 1 else 'files'}{rows}; each with its SHA-256 in the scope",
        )
    )
    lines.append(
        ("Made by", f"doorward {manifest.get('doorward', '')}" + (f", with {command}" if command else ""))
    )
    return tuple(lines)


def _minute(moment: str) -> str:
    return moment.replace("T", " ")[:16]
