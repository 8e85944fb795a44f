"""A report of the desk: what is due, what it would say now, making it, and taking in an official's signature.

A version is made once and never changed; a correction is the next version, and says which it takes the place of. The
desk signs nothing: an official signs the statement elsewhere, with a key of their own, and the desk checks the note.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Final

from django.db import transaction
from django.db.models import Min

from doorward.desk.access import Actor, reported, sees_reports
from doorward.desk.deadlines.calendar import make_calendar
from doorward.desk.deadlines.periods import Period, last_ended, report_due
from doorward.desk.entries import office_entry
from doorward.desk.history import NotAllowedError
from doorward.desk.ids import draw_id
from doorward.desk.letters.tables import Table as Printed
from doorward.desk.letters.tables import render_table_report
from doorward.desk.models import FiledReport, ReportFile, ReportSignature
from doorward.desk.order import order
from doorward.desk.recorder import recorder
from doorward.desk.reporting.gather import latest_of, report_now, rules
from doorward.desk.reporting.turns import take_turn
from doorward.desk.roles import MAY, Act
from doorward.desk.statutory.report import Report, files_of, format_release
from doorward.errors import ConfigError, VerificationError
from doorward.grants.cut_files import load_officers
from doorward.notes.note import find_signers, parse_note
from doorward.orders.deadlines import PeriodKind
from doorward.orders.statutory import REPORTS
from doorward.record.entry import Kind

OFFICE: Final = "law"  # of the key that signs: "law/finn.example"
SHOWN: Final = {PeriodKind.QUARTER: 5, PeriodKind.YEAR: 3}  # periods of a list, the one that runs among them
MAX_NOTE: Final = 64 * 1024  # a statement of some files, with one signature


@dataclass(frozen=True, slots=True)
class Due:
    """A report on a period, as a list shows it.

    Args:
        due: The last day for it.
        state: `runs`, `to be made`, `late`, `not signed`, `signed`.
    """

    report: str
    title: str
    cite: str
    standing: str
    period: Period
    due: date
    state: str
    latest: FiledReport | None


def list_due(actor: Actor) -> list[Due] | None:
    """Return the reports and their last days, the first to come first, or None where they are not this person's to see.

    Raises:
        ConfigError: The order in force says too little for reports.
    """
    if not sees_reports(actor):
        return None
    by, today = rules(), rules().today(actor.now)
    first = reported(actor.now).aggregate(first=Min("received"))["first"] or actor.now
    begun = by.today(first)  # nothing is late of a time before there was a desk
    found = []
    for name in REPORTS:
        rule = by.clocks.reports.get(name)
        if rule is None:
            continue
        calendar = make_calendar(by.clocks.calendars[rule.calendar])
        period = last_ended(rule.period, today).after
        for _ in range(SHOWN[rule.period]):
            if period.last < begun:
                break
            latest = latest_of(name, period)
            due = report_due(rule, period, calendar)
            state = _state(latest, period, due, today)
            title = by.words.reports[name].title
            found.append(Due(name, title, rule.basis.cite, rule.basis.standing, period, due, state, latest))
            period = before(period)
    return sorted(found, key=lambda one: (one.due, one.report), reverse=True)


def before(period: Period) -> Period:
    """Return the period of the same kind before this one."""
    if period.quarter in {0, 1}:
        return Period(period.year - 1, 4 if period.quarter else 0)
    return Period(period.year, period.quarter - 1)


def filed_report(actor: Actor, key: uuid.UUID) -> FiledReport | None:
    """Return a version of a report, or None where there is none for this person."""
    return FiledReport.objects.filter(pk=key).first() if sees_reports(actor) else None


def versions(actor: Actor, name: str, period: Period) -> Sequence[FiledReport]:
    """Return all versions of a report, the latest first."""
    if not sees_reports(actor):
        return ()
    return list(FiledReport.objects.filter(report=name, period=str(period)).order_by("-version"))


def make_report(actor: Actor, name: str, period: Period, *, certifies: bool) -> FiledReport:
    """Return a version of a report, with its files and the statement that an official signs; nobody has signed it.

    Args:
        certifies: Whoever makes it has read what it certifies of tables without a row.

    Raises:
        NotAllowedError: They may not.
        ConfigError: A gap blocks it, a cell may not leave, what it certifies was not confirmed, or nothing has changed
            since the version before.
        StoreError: It cannot be recorded; nothing was made.
    """
    by = actor.assignment(MAY[Act.REPORT]) if actor.may(Act.REPORT) else None
    if by is None:
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    report, _ = report_now(name, period, actor.now)
    files = files_of(report)
    if report.certifies() and not certifies:
        raise ConfigError(
            "it certifies that there was nothing", hint="say that you have read what it certifies"
        )
    content = _content(files)
    with transaction.atomic():
        take_turn(f"{name} {period}")
        last = latest_of(name, period)
        if last is not None and last.content == content:
            raise ConfigError(f"nothing has changed since version {last.version}")
        return _store(actor, by.role, report, files, last)


def take_signature(actor: Actor, filed: FiledReport, note: str, data: Path) -> ReportSignature:
    """Return the signature of a version; its entry stands in the record before it does.

    Args:
        note: As `doorward statutory sign` made it; untrusted.
        data: The data folder, where the officials' public keys are.

    Raises:
        NotAllowedError: They may not.
        ConfigError: It is signed already, or the note is about something else.
        LogError: It is no note, or nobody of the law department whose key is known signed it.
        StoreError: It cannot be recorded; nothing was taken.
    """
    by = actor.assignment(MAY[Act.SIGNED]) if actor.may(Act.SIGNED) else None
    if by is None:
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    raw, signer = check_note(note, bytes(filed.statement), data, OFFICE)
    with transaction.atomic():
        take_turn(str(filed.pk))
        if ReportSignature.objects.filter(report=filed).exists():
            raise ConfigError("it is signed already")
        fields = office_entry(
            filed.pk, Act.SIGNED.value, what=f"{filed.report} {filed.period}", login=actor.account.login,
            office=by.role, digest=sha256(raw).hexdigest(), evidence=filed.digest,
        )  # fmt: skip
        entry = recorder().record([(Kind.ACT, fields)], now=actor.now)
        return ReportSignature.objects.create(
            report=filed, note=raw, signer=signer, at=actor.now, by=actor.account, office=by.role, entry=entry
        )


def check_note(note: str, statement: bytes, data: Path, office: str) -> tuple[bytes, str]:
    """Return a note and the name of the key that signed exactly this statement.

    Args:
        note: Of anybody.
        office: Of the keys that may sign it.

    Raises:
        ConfigError: It is about something else, or the keys cannot be read.
        LogError: It is no note, or no known key of the office signed it.
    """
    raw = note.replace("\r\n", "\n").strip().encode() + b"\n"
    if len(raw) > MAX_NOTE:
        raise ConfigError(f"expected a signed note of at most {MAX_NOTE} bytes")
    found = parse_note(raw)
    if found.text != statement:
        raise ConfigError("the note is about another statement", hint="sign the statement of this page")
    mine = [one for one in load_officers(data / "officials.keys") if one.name.split("/")[0] == office]
    signers = find_signers(found, mine)
    if not signers:
        raise VerificationError(f"expected the signature of a key of the office `{office}` that is on file")
    return raw, signers[0].name


def _state(latest: FiledReport | None, period: Period, due: date, today: date) -> str:
    if latest is not None:
        return "signed" if ReportSignature.objects.filter(report=latest).exists() else "not signed"
    if today <= period.last:
        return "runs"
    return "late" if today > due else "to be made"


def _content(files: dict[str, bytes]) -> str:
    whole = b"".join(sha256(name.encode()).digest() + sha256(files[name]).digest() for name in sorted(files))
    return sha256(whole).hexdigest()


def _store(
    actor: Actor, office: str, report: Report, files: dict[str, bytes], last: FiledReport | None
) -> FiledReport:
    pack = order().pack
    content, version = _content(files), 1 if last is None else last.version + 1
    replaces = "" if last is None else last.digest
    files[f"{report.id}-{report.period}.pdf"] = _document(actor, report, version, replaces)
    statement = format_release(report, files, pack.digest, version=version, replaces=replaces)
    key, digest = draw_id(), sha256(statement).hexdigest()
    lines = [[table.id, list(row.cells), list(row.behind)] for table in report.tables for row in table.rows]
    fields = office_entry(
        key, Act.REPORT.value, what=f"{report.id} {report.period}", login=actor.account.login, office=office,
        digest=digest, evidence=content,
    )  # fmt: skip
    filed = FiledReport(
        id=key, report=report.id, period=str(report.period), version=version, replaces=last, statement=statement,
        digest=digest, content=content, lines=lines, certified=list(report.certifies()), order_digest=pack.digest,
        at=actor.now, by=actor.account, office=office,
    )  # fmt: skip
    filed.entry = recorder().record([(Kind.ACT, fields)], now=actor.now)
    filed.save(force_insert=True)
    ReportFile.objects.bulk_create(
        ReportFile(report=filed, name=name, sha256=sha256(raw).hexdigest(), body=raw)
        for name, raw in sorted(files.items())
    )
    return filed


def _document(actor: Actor, report: Report, version: int, replaces: str) -> bytes:
    pack = order().pack
    facts = [("period", str(report.period)), ("clauses", ", ".join(report.clauses)), ("order", pack.digest)]
    if replaces:
        facts += [("version", str(version)), ("takes the place of", replaces)]
    tables = [
        Printed(one.caption, one.head, tuple(row.cells for row in one.rows), empty=one.none)
        for one in report.tables
    ]
    return render_table_report(
        report.title, (), tables, day=rules().today(actor.now), office=f"To: {report.to}", facts=facts,
        is_sample=pack.is_sample,
    )  # fmt: skip
