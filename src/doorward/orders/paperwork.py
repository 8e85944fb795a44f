"""What `doorward order check` finds in the files of a pack that the desk and the fund read. Pure."""

import tomllib
from collections.abc import Callable

from doorward.errors import Finding, PolicyCheckError
from doorward.orders.deadlines import DEADLINES, read_deadlines
from doorward.orders.exemptions import EXEMPTIONS, read_exemptions
from doorward.orders.fund import FUND, clauses_cited, read_fund
from doorward.orders.fund_history import HISTORY, read_fund_history
from doorward.orders.fund_payments import FUND_PAYMENTS, read_payment_form
from doorward.orders.fund_published import PUBLISHED, check_published, read_fund_published
from doorward.orders.fund_units import FUND_UNITS, read_fund_units
from doorward.orders.intake.questions import INTAKE
from doorward.orders.pack import Pack
from doorward.orders.retention import RETENTION, read_retention
from doorward.orders.statutory import STATUTORY, read_statutory
from doorward.orders.toml import Toml
from doorward.orders.transparency import TRANSPARENCY, read_transparency


def check_paperwork(pack: Pack) -> list[Finding]:
    """Return every fault of these files, each with its place; a pack may be without any of them."""
    readers: dict[str, Callable[[str], list[Finding]]] = {
        DEADLINES: lambda text: read_deadlines(text, pack.clauses)[1],
        STATUTORY: lambda text: read_statutory(text, pack.clauses)[1] + _check_rows(pack, text),
        EXEMPTIONS: lambda text: read_exemptions(text)[1] + _check_requests(pack, text),
        FUND: lambda text: read_fund(text)[1] + _check_cited(pack, text),
        FUND_PAYMENTS: lambda text: read_payment_form(text)[1],
        HISTORY: lambda text: read_fund_history(text)[1],
        PUBLISHED: lambda text: read_fund_published(text)[1] + _check_published(pack, text),
        FUND_UNITS: lambda text: read_fund_units(text)[1],
        TRANSPARENCY: lambda text: read_transparency(text)[1] + _check_counted(pack, text),
        RETENTION: lambda text: read_retention(text)[1],
    }
    findings: list[Finding] = []
    for name, read in readers.items():
        if name in pack.files:
            try:
                findings += read(pack.files[name])
            except PolicyCheckError as error:  # no TOML
                findings += error.findings
    return findings


def _check_cited(pack: Pack, text: str) -> list[Finding]:
    """Return each clause that fund.toml cites and the order does not have."""
    words = read_fund(text)[0]
    file = Toml(FUND, text)
    for datum, cited in clauses_cited(words).items() if words else ():
        for one in cited:
            if one not in pack.clauses:
                file.note(f"`{one}` is no clause of the order", *datum.split("."), "cites")
    return file.findings


def _check_rows(pack: Pack, text: str) -> list[Finding]:
    """Return what `[desk]` of statutory.toml names that the order does not have."""
    rules = read_statutory(text, pack.clauses)[0]
    if rules is None or rules.desk is None:
        return []
    file, desk = Toml(STATUTORY, text), rules.desk
    kinds, classes = _kinds(pack), _papers(pack)
    for key, named, known in (
        ("agencies", desk.agencies, pack.agencies),
        ("components", desk.components, pack.agencies),
        ("civil", desk.civil, pack.purposes),
        ("papers_only", desk.papers_only, kinds),
        ("certifications", desk.certifications, kinds),
        ("papers", desk.papers, classes),
        ("asked", desk.asked, pack.requests.actions),
    ):
        for one in named:
            if one not in known:
                file.note(f"`{one[:60]}` is none that the order has", "desk", key)
    return file.findings


def _check_requests(pack: Pack, text: str) -> list[Finding]:
    """Return the kinds of exemptions.toml that no desk takes."""
    found = read_exemptions(text)[0]
    file = Toml(EXEMPTIONS, text)
    for one in found.requests if found is not None else ():
        if one not in _kinds(pack):
            file.note(f"`{one[:60]}` is no kind of the intake", "requests")
    return file.findings


def _check_counted(pack: Pack, text: str) -> list[Finding]:
    """Return the kinds of transparency.toml that no desk takes."""
    found = read_transparency(text)[0]
    file = Toml(TRANSPARENCY, text)
    for kind, intake in found.kinds.items() if found is not None else ():
        for one in intake:
            if one not in _kinds(pack):
                file.note(f"`{one[:60]}` is no kind of the intake", "kind", kind)
    return file.findings


def _check_published(pack: Pack, text: str) -> list[Finding]:
    """Return what fund_published.toml names that the fund does not have, and the reverse."""
    try:
        words = read_fund(pack.files[FUND])[0] if FUND in pack.files else None
        units = read_fund_units(pack.files[FUND_UNITS])[0] if FUND_UNITS in pack.files else None
    except PolicyCheckError:  # said where they are read
        return []
    return check_published(text, words, units)


def _kinds(pack: Pack) -> frozenset[str]:
    try:
        return frozenset(tomllib.loads(pack.files.get(INTAKE, "")).get("kind", {}))
    except tomllib.TOMLDecodeError:  # said where the intake is read
        return frozenset()


def _papers(pack: Pack) -> frozenset[str]:
    return frozenset(path.split(".")[2] for path in pack.requests.facts if path.startswith("context.papers."))
