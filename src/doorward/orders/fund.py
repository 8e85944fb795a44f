"""fund.toml of a pack: how a city words its legal defense fund: lines, services, sources, the fiscal year. Pure.

Each datum says where it comes from and whether an office adopted it, as a clause of order.toml does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from doorward.errors import Finding
from doorward.orders.toml import Toml

FUND: Final = "fund.toml"
EVIDENCE: Final = ("text", "mirror", "press", "background", "sample")
STANDINGS: Final = ("confirmed", "adopted", "needs-counsel")
LEAST_APPROVALS: Final = 2
MOST_APPROVALS: Final = 9
_WORD: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_DAY: Final = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_SOURCE: Final = re.compile(r"S[0-9]{1,4}")
_CITE: Final = re.compile(r"[A-Z][A-Za-z0-9.-]{0,15}")
_BASIS: Final = ("evidence", "standing", "says", "cites")
_SECTIONS: Final = ("fiscal_year", "rule", "source", "service", "line")
LEAP_DAY: Final = "02-29"


@dataclass(frozen=True, slots=True)
class Basis:
    """Where a datum comes from, and whether an office adopted it.

    Args:
        cites: Sources (`S` and a number) and clauses of the order; none only where it is a sample.
    """

    evidence: str
    standing: str
    says: str
    cites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """What a fund buys, and what it is counted in."""

    code: str
    title: str
    unit: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class FundLine:
    """A line of the fund: what it may buy, whether it is on, whether what is left is carried."""

    code: str
    title: str
    services: tuple[str, ...]
    enabled: bool
    carries: bool
    basis: Basis


@dataclass(frozen=True, slots=True)
class FundWords:
    """What a pack's fund.toml says.

    Args:
        begins: Month and day on which a fiscal year begins.
        approvals: How many people approve a claim, without the one who filed it.
        sources: Title of each source of authority.
    """

    begins: tuple[int, int]
    approvals: int
    sources: Mapping[str, str]
    services: Mapping[str, Service]
    lines: Mapping[str, FundLine]
    bases: Mapping[str, Basis]

    def days_of(self, year: int) -> tuple[date, date]:
        """Return the first and the last day of a fiscal year; it has the number of the year in which it ends."""
        month, day = self.begins
        first = year if self.begins == (1, 1) else year - 1
        return date(first, month, day), date(first + 1, month, day) - timedelta(days=1)


def read_fund(text: str) -> tuple[FundWords | None, list[Finding]]:
    """Return what the file says, or None and everything that is wrong with it, each with its line and column.

    Args:
        text: Of fund.toml.

    Raises:
        PolicyCheckError: The text is no TOML.
    """
    file = Toml(FUND, text)
    file.refuse_others(_SECTIONS)
    bases = {name: _basis(file, name) for name in ("fiscal_year", "rule")}
    services = {code: _service(file, code) for code in _codes(file, "service")}
    lines = {code: _line(file, code, services) for code in _codes(file, "line")}
    sources = {}
    for code in _codes(file, "source"):
        file.refuse_others(("title", *_BASIS), "source", code)
        sources[code] = file.get(str, "source", code, "title")
        bases[f"source.{code}"] = _basis(file, "source", code)
    for held, section in ((lines, "line"), (sources, "source")):
        if not held:
            file.note(f"a fund has a {section}", section)
    found = FundWords(_begins(file), _approvals(file), sources, services, lines, bases)
    return (None if file.findings else found), file.findings


def clauses_cited(words: FundWords) -> dict[str, tuple[str, ...]]:
    """Return by datum (`line.legal`) the clauses that it cites: ids that are not those of sources."""
    bases = {
        **words.bases,
        **{f"service.{code}": one.basis for code, one in words.services.items()},
        **{f"line.{code}": one.basis for code, one in words.lines.items()},
    }
    return {
        name: tuple(one for one in basis.cites if not _SOURCE.fullmatch(one)) for name, basis in bases.items()
    }


def _codes(file: Toml, section: str) -> list[str]:
    found = []
    for code in file.table(section):
        if not _WORD.fullmatch(code):
            file.note(
                f"`{code[:60]}` is no word of at most 40 lower-case letters, digits and `-`", section, code
            )
        elif not isinstance(file.data[section][code], dict):
            file.note(f"`{section}.{code}` must be a table", section, code)
        else:
            found.append(code)
    return found


def _basis(file: Toml, *path: str) -> Basis:
    evidence, standing = file.get(str, *path, "evidence"), file.get(str, *path, "standing")
    if evidence not in EVIDENCE:
        file.note(
            f"`{evidence[:40]}` is no evidence", *path, "evidence", hint=f"one of {', '.join(EVIDENCE)}"
        )
    if standing not in STANDINGS:
        file.note(
            f"`{standing[:40]}` is no standing", *path, "standing", hint=f"one of {', '.join(STANDINGS)}"
        )
    if standing == "confirmed" and evidence != "text":
        file.note("what does not rest on a text is not confirmed by it", *path, "standing")
    cites = tuple(str(one) for one in file.get(list, *path, "cites"))
    if not all(_CITE.fullmatch(one) for one in cites) or len(set(cites)) != len(cites):
        file.note("`cites` lists ids of sources or clauses, each once", *path, "cites")
    if not cites and evidence != "sample":
        file.note(
            "what rests on evidence cites it", *path, "cites", hint="a source such as S114, or a clause"
        )
    if not cites and standing != "needs-counsel":
        file.note("what cites nothing is `needs-counsel`", *path, "standing")
    return Basis(evidence, standing, file.get(str, *path, "says"), cites)


def _service(file: Toml, code: str) -> Service:
    path = ("service", code)
    file.refuse_others(("title", "unit", *_BASIS), *path)
    return Service(code, file.get(str, *path, "title"), file.get(str, *path, "unit"), _basis(file, *path))


def _line(file: Toml, code: str, services: Mapping[str, Service]) -> FundLine:
    path = ("line", code)
    file.refuse_others(("title", "services", "enabled", "carries", *_BASIS), *path)
    bought = tuple(str(service) for service in file.get(list, *path, "services"))
    if not bought or len(set(bought)) != len(bought):
        file.note("a line buys a service, each named once", *path, "services")
    for service in bought:
        if service not in services:
            file.note(f"`{service[:40]}` is no service of this file", *path, "services")
    table = file.table(*path)
    for key in ("enabled", "carries"):  # `get` takes false for what is missing
        if not isinstance(table.get(key), bool):
            file.note(f"`line.{code}.{key}` must be true or false", *path, key)
    enabled, carries = table.get("enabled") is True, table.get("carries") is True
    title, basis = file.get(str, *path, "title"), _basis(file, *path)
    return FundLine(code, title, bought, enabled, carries, basis)


def _begins(file: Toml) -> tuple[int, int]:
    file.refuse_others(("begins", *_BASIS), "fiscal_year")
    said = file.get(str, "fiscal_year", "begins")
    if not _DAY.fullmatch(said) or said == LEAP_DAY or not _is_day(said):
        file.note(
            "`fiscal_year.begins` is a month and a day of every year, such as `01-01`",
            "fiscal_year",
            "begins",
        )
        return 1, 1
    month, _, day = said.partition("-")
    return int(month), int(day)


def _is_day(said: str) -> bool:
    try:
        date.fromisoformat(f"2001-{said}")
    except ValueError:
        return False
    return True


def _approvals(file: Toml) -> int:
    file.refuse_others(("approvals", *_BASIS), "rule")
    said = file.table("rule").get("approvals")
    if type(said) is not int or not LEAST_APPROVALS <= said <= MOST_APPROVALS:
        file.note(
            f"`rule.approvals` must be a number from {LEAST_APPROVALS} to {MOST_APPROVALS}",
            "rule",
            "approvals",
        )
        return LEAST_APPROVALS
    return said
