"""`doorward audit policies`: an agency's own published words as an order, a pack folder for each agency.

Exit codes: 0 they are written, 2 the CSV is none, an agency has no row, or a folder holds something else.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.errors import ConfigError
from doorward.lookback.published.policies import UNTOLD, Reading, read_page, write_pack
from doorward.lookback.published.portal_words import How
from doorward.lookback.published.rows import PolicyRow, newest_rows, parse_rows

MAX_CSV_BYTES = 256 * 1024 * 1024


def policies(
    csv: Annotated[Path, typer.Argument(help="published pages, one row an agency and day")],
    out: Annotated[Path, typer.Option(help="where a folder for each agency is made")],
    agency: Annotated[list[str] | None, typer.Option(help="only this one, by its short name")] = None,
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="as published on a day")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Write one order an agency from its published words: the newest page, or the one that stood on a day."""
    rows = newest_rows(read_rows(csv), on=on.date() if on else None)
    chosen = _chosen(rows, agency or [])
    readings = [read_page(row) for row in chosen]
    for reading in readings:
        save_pack(out / reading.row.agency, write_pack(reading))
    if as_json:
        typer.echo(json.dumps([_as_json(reading) for reading in readings], indent=1, ensure_ascii=False))
        return
    for reading in readings:
        typer.echo(f"{out / reading.row.agency}: {_line(reading)}")
    for line in _total(readings):
        typer.echo(line)


def read_rows(file: Path) -> tuple[PolicyRow, ...]:
    """Return the rows of a file of published pages.

    Raises:
        ConfigError: It cannot be read, or is no such CSV.
    """
    try:
        if file.stat().st_size > MAX_CSV_BYTES:
            raise ConfigError(f"`{file.name}` is larger than {MAX_CSV_BYTES} bytes")
        text = file.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read `{file}`: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"`{file.name}` is no UTF-8 text at byte {error.start}") from error
    return parse_rows(text, file=file.name)


def save_pack(folder: Path, files: Mapping[str, str]) -> None:
    """Write a folder that is there whole or not at all; one that holds the same already is left as it is.

    Raises:
        ConfigError: It holds something else, or cannot be written.
    """
    wanted = {path: text.encode() for path, text in files.items()}
    try:
        if folder.exists():
            held = {
                path.relative_to(folder).as_posix(): path.read_bytes()
                for path in folder.rglob("*")
                if path.is_file()
            }
            if held != wanted:
                raise ConfigError(
                    f"`{folder}` is there and holds something else",
                    hint="name another --out, or move it away",
                )
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-order-") as kept:
            draft = Path(kept) / "pack"
            for path, raw in wanted.items():
                (draft / path).parent.mkdir(parents=True, exist_ok=True)
                (draft / path).write_bytes(raw)
            draft.rename(folder)
    except OSError as error:
        raise ConfigError(f"cannot write `{folder}`: {error.strerror}") from error


def _chosen(rows: Sequence[PolicyRow], agencies: Sequence[str]) -> Sequence[PolicyRow]:
    if not agencies:
        return rows
    held = {row.agency: row for row in rows}
    missing = [name for name in agencies if name not in held]
    if missing:
        raise ConfigError(
            f"no row of an agency `{missing[0][:100]}` is in the CSV",
            hint="its short name, as in the column `agency`; with --on, a page of that day or before",
        )
    return [held[name] for name in dict.fromkeys(agencies)]


def _line(reading: Reading) -> str:
    held = [clause for clause in reading.clauses if clause.key]
    counsel = [clause.id for clause in held if not clause.decides]
    untold = [clause.id for clause in held if clause.key in UNTOLD]
    said = [f"{len(held)} clauses of {reading.row.snapshot}"]
    if counsel:
        said.append(f"only refers: {', '.join(counsel)}")
    if untold:
        said.append(f"in no row of a log: {', '.join(untold)}")
    said.append(f"{len(reading.not_audited)} phrases not audited")
    return "; ".join(said)


def _total(readings: Sequence[Reading]) -> list[str]:
    counts: Counter[tuple[str, How]] = Counter()
    for reading in readings:
        phrases = {id(phrase): phrase for clause in reading.clauses for phrase in clause.phrases}
        counts.update((phrase.text.value, phrase.how) for phrase in phrases.values())
    lines = [f"{len(readings)} orders; phrases by text of the page:"]
    for text in dict.fromkeys(name for name, _ in counts):
        found = ", ".join(f"{how} {counts[text, how]}" for how in How if counts[text, how])
        lines.append(f"  {text}: {found}")
    lines.append(
        "decides: known word for word; counsel: known in part, only refers; no row, unread: listed, not audited"
    )
    return lines


def _as_json(reading: Reading) -> dict[str, Any]:
    return {
        "agency": reading.row.agency,
        "name": reading.row.name,
        "snapshot": reading.row.snapshot.isoformat(),
        "retention_days": reading.days,
        "clauses": [
            {
                "id": clause.id,
                "decides": clause.decides,
                "in_rows": clause.key not in UNTOLD,
                "words": [phrase.words for phrase in clause.phrases],
            }
            for clause in reading.clauses
            if clause.key
        ],
        "not_audited": [
            {
                "text": phrase.text.value,
                "words": phrase.words,
                "why": phrase.why or "no rule reads these words",
            }
            for phrase in reading.not_audited
        ],
    }
