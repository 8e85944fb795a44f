"""A handed-in file, read in a process of its own with hard bounds: what comes back is a report, or where it is refused.

The file's bytes go to the child by a pipe and to no disk. The child answers in words of the order's lists, numbers,
places and kinds; the parent takes nothing else, so that no text of the file is in the process that answers browsers
but in the bytes that came (ADR 23, ADR 71).
"""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any, Final

from doorward.fund.filings.acts import parse_report, report_document
from doorward.fund.grantee.banded import WAYS, band_words, categories, read_banded
from doorward.fund.grantee.cells import KINDS, MAX_BYTES, Place, Refusal
from doorward.fund.grantee.report import Report, read_report
from doorward.fund.grantee.separated import read_separated
from doorward.fund.grantee.workbook import read_workbook
from doorward.orders.fund_units import FundUnits, read_fund_units

MEMORY_BYTES: Final = 768 << 20
CPU_SECONDS: Final = 20
WALL_SECONDS: Final = 60
MAX_ANSWER_BYTES: Final = 4 << 20
_KEPT: Final = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "VIRTUAL_ENV")  # no secret of ours goes to a child
_ARCHIVES: Final = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")
_LENGTH: Final = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of a file.

    Args:
        refusals: Why it does not enter; there is then nothing else.
        report: Of a report's file.
        quarter: Of a table's file, with ``people``: the lower end of the band of each category.
    """

    refusals: tuple[Refusal, ...] = ()
    report: Report | None = None
    quarter: str = ""
    people: dict[str, int] | None = None


def read_confined(
    raw: bytes, units_text: str, agreements: Collection[str], *, way: str = "", agreement: str = ""
) -> Reading:
    """Return the report or the table of a file, or everything that refuses it.

    Args:
        raw: The whole file, of a stranger.
        units_text: The order's fund_units.toml.
        agreements: Numbers of the sender's agreements, in small letters.
        way: One of `WAYS` for a table of people; empty for a report.
        agreement: Who hands a table in; it is not in the file.
    """
    if len(raw) > MAX_BYTES:
        return Reading((Refusal(Place(""), "size"),))
    asked = {
        "units": units_text, "agreements": sorted(agreements), "way": way, "agreement": agreement,
    }  # fmt: skip
    head = json.dumps(asked).encode()
    process = subprocess.Popen(
        [sys.executable, "-m", "doorward.fund.filings.confined"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a traceback holds what was read
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
        start_new_session=True,
    )
    try:
        answer, _ = process.communicate(_LENGTH.pack(len(head)) + head + raw, timeout=WALL_SECONDS)
    except (subprocess.TimeoutExpired, BrokenPipeError):
        answer = b""
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    units, _ = read_fund_units(units_text)
    assert units is not None
    read = _parse_answer(answer, units, agreements, way) if process.returncode == 0 else None
    return read or Reading((Refusal(Place(""), "damaged"),))


def _parse_answer(answer: bytes, units: FundUnits, agreements: Collection[str], way: str) -> Reading | None:
    """Return what a child answered, held to the closed forms once more; None where it is none of them."""
    if len(answer) > MAX_ANSWER_BYTES:
        return None
    try:
        told = json.loads(answer)
        refusals = tuple(
            Refusal(Place(str(sheet), int(row), str(column)), kind)
            for sheet, row, column, kind in told["refusals"]
        )
        if refusals:
            return Reading(refusals) if all(_is_known(one) for one in refusals) else None
        if way:
            words, bands = set(categories(way, units)), set(band_words(units).values())
            people = {str(word): int(band) for word, band in told["people"].items()}
            fits = people.keys() == words and set(people.values()) <= bands
            return Reading(quarter=str(told["quarter"]), people=people) if fits else None
        report = parse_report(told["report"])
        return Reading(report=report) if _is_closed(report, units, agreements) else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _is_known(one: Refusal) -> bool:
    return one.kind in KINDS and len(one.place.sheet) <= 12 and len(one.place.column) <= 3


def _is_closed(report: Report, units: FundUnits, agreements: Collection[str]) -> bool:
    words = {"", "yes", "no", *units.services, *units.stages, *units.outcomes, *units.lines}
    rows: list[dict[str, Any]] = [
        *map(asdict, report.units),
        *map(asdict, report.outcomes),
        *map(asdict, report.costs),
    ]
    notes = [row.pop("note", "") for row in rows]
    return (
        report.agreement in agreements
        and all(value in words for row in rows for value in row.values() if isinstance(value, str))
        and all(
            value is None or (type(value) is int and 0 <= value <= units.max_cents)
            for row in rows
            for value in row.values()
            if not isinstance(value, str)
        )
        and all(
            word in units.words or (word.isdecimal() and word.isascii() and len(word) <= 2)
            for note in notes
            for word in note.split()
        )
    )


def read_handed_in(asked: dict[str, Any], raw: bytes) -> dict[str, Any]:
    """Return what the child answers.

    Args:
        asked: As `read_confined` says it.
        raw: The whole file, of a stranger.
    """
    units, _ = read_fund_units(asked["units"])
    assert units is not None
    sheets, refusals = read_workbook(raw) if raw[:4] in _ARCHIVES else read_separated(raw)
    report, table = None, None
    if not refusals and asked["way"] in WAYS:
        table, refusals = read_banded(sheets, asked["way"], asked["agreement"], units)
    elif not refusals:
        report, refusals = read_report(sheets, units, set(asked["agreements"]))
    told: dict[str, Any] = {
        "refusals": [[one.place.sheet, one.place.row, one.place.column, one.kind] for one in refusals]
    }
    if report is not None:
        told["report"] = report_document(report)
    if table is not None:
        told["quarter"] = table[0].quarter
        told["people"] = dict(zip(categories(asked["way"], units), table[0].bands, strict=True))
    return told


def _confine() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes to no file
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def _main() -> None:
    _confine()
    (length,) = _LENGTH.unpack(sys.stdin.buffer.read(_LENGTH.size))
    asked = json.loads(sys.stdin.buffer.read(length))
    told = read_handed_in(asked, sys.stdin.buffer.read(MAX_BYTES + 1))
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    _main()
