"""`doorward order check`: an order is checked before anything of it is installed.

Exit codes: 0 all is well, 1 a fault or a difference, 2 there is no such order or file.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.errors import ConfigError, Finding, MalformedError
from doorward.notes.note import parse_note
from doorward.orders.check import Report, check_pack
from doorward.orders.load import find_pack, read_files, read_vocabularies
from doorward.orders.observe import NOTE, parse_observation
from doorward.orders.pack import Clause
from doorward.orders.protocols.check import check_protocols
from doorward.orders.protocols.read import has_protocols
from doorward.orders.scenarios import CaseResult

ASKED = ("requester", "what", "where", "purpose", "paper")
MAX_CASES_BYTES = 16 * 1024 * 1024


def check(
    pack: Annotated[str, typer.Argument(help="a shipped order such as `chicago`, or the folder of one")],
    scenarios: Annotated[Path | None, typer.Option(help="also run the cases of this CSV file")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
    explain: Annotated[bool, typer.Option("--explain", help="print each case in sentences")] = False,  # noqa: FBT002  # a command-line flag
    production: Annotated[bool, typer.Option("--production", help="refuse a sample order")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Validate an order strictly, run its cases, and list what is adopted and what needs counsel."""
    files = read_files(find_pack(pack))
    observed = read_observed_line(files)
    cases = {} if scenarios is None else {str(scenarios): _read_cases(scenarios)}
    now = datetime.now(UTC)  # noqa: TID251  # the command line is where the clock is read
    vocabularies = read_vocabularies()
    report = check_pack(files, cases=cases, now=now, production=production, vocabularies=vocabularies)
    report, protocols = _with_protocols(report, now)
    if as_json:
        more = {"observed": observed, "protocols": protocols}
        typer.echo(json.dumps(_as_json(report) | more, indent=1, ensure_ascii=False))
    else:
        *lines, verdict = _lines(pack, report)
        lines.append(f"protocols of front desks: {protocols or 'none'}")
        lines.append(f"observed: {observed or 'no note; every clause is meant to be enforced'}")
        for line in (*lines, verdict):
            typer.echo(line)
        for line in _explained(report) if explain and report.pack else ():
            typer.echo(line)
    if report.findings:
        raise typer.Exit(1)


def _with_protocols(report: Report, now: datetime) -> tuple[Report, str | None]:
    """Return the report with what is wrong with the protocols, and a line on them; None where the order has none."""
    pack = report.pack
    if pack is None or not has_protocols(pack.files):
        return report, None
    try:
        found = check_protocols(pack, now=now)
    except ConfigError as error:
        return report, f"not looked at, {error}"
    ways = found.comparison.ways if found.comparison else 0
    said = f"{ways} ways, {len(found.findings)} faults; `doorward protocol check` says more"
    return replace(report, findings=(*report.findings, *found.findings)), said


def read_observed_line(files: Mapping[str, bytes]) -> str | None:
    """Return what the pack's own note says is observed, unverified, or None where there is no note.

    Raises:
        ConfigError: The file is no note, or no observation.
    """
    raw = files.get(NOTE)
    if raw is None:
        return None
    try:
        note = parse_note(raw)
        found = parse_observation(note.text)
    except MalformedError as error:
        raise ConfigError(f"`{NOTE}`: {error}") from error
    signed = ", ".join(line.name for line in note.signatures)
    return (
        f"NOT ENFORCED until {found.until:%Y-%m-%d %H:%M} UTC: {', '.join(found.clauses)}, signed by {signed} "
        f"for the digest {found.digest[:16]}; `doorward order observe --keys` verifies it"
    )


def _read_cases(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_CASES_BYTES:
            raise ConfigError(f"`{file.name}` is larger than {MAX_CASES_BYTES} bytes")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read `{file}`: expected a CSV file in UTF-8") from error


def _lines(name: str, report: Report) -> list[str]:
    lines = []
    if report.pack is not None:
        sample = ", a sample that no office adopted" if report.pack.is_sample else ""
        lines.append(f"order {report.pack.name}{sample}")
        lines.append(f"digest {report.pack.digest}")
        lines.append(f"{len(report.pack.policies)} policies, {len(report.pack.clauses)} clauses")
        lines += _clause_lines("adopted", report.adopted)
        lines += _clause_lines("needs counsel, refers only", report.needs_counsel)
        lines.append(f"cited by no policy: {', '.join(c.id for c in report.uncited) or 'none'}")
        lines.append(_lexicon_line(report))
        kinds = ", ".join(report.intake.kinds) if report.intake else "none; it stands at no desk"
        lines.append(f"kinds of request that a desk takes: {kinds}")
        if report.pack.model is None:
            lines.append("it stands at no database")
        else:
            lines.append(f"scopes of the database door: {'none' if report.scopes is None else report.scopes}")
        for warning in report.warnings:
            lines += [f"warning: {warning}", f"  {warning.hint}"]
    for file, cases in report.cases.items():
        wrong = sum(bool(result.differences) for result in cases.decided) + len(cases.findings)
        lines.append(
            f"{file}: {len(cases.decided)} cases decided, by compiled Python and by Cedar's engine, "
            f"{wrong} differ or cannot be read"
        )
        lines += [
            f"  case {result.case.name}: also under {', '.join(result.beyond)}"
            for result in cases.decided
            if result.beyond
        ]
    if report.unshown:
        lines.append(f"policies that decide no case: {', '.join(report.unshown)}")
    for finding in report.findings:
        lines.append(str(finding))
        if finding.hint:
            lines.append(f"  {finding.hint}")
    lines.append(f"{name}: {len(report.findings)} faults" if report.findings else f"{name}: no fault")
    return lines


def _lexicon_line(report: Report) -> str:
    if report.lexicon is None:
        return "patterns to look back with: none; it cannot be audited"
    counts = ", ".join(f"{number} {tier}" for tier, number in report.lexicon.counts().items())
    from_where = f", with {', '.join(report.lexicon.vocabularies)}" if report.lexicon.vocabularies else ""
    return f"patterns to look back with: {len(report.lexicon.patterns)} ({counts}){from_where}"


def _explained(report: Report) -> Iterator[str]:
    """Yield each case as a lawyer reads it: what was asked, the answer, what it rests on, what would help."""
    assert report.pack is not None
    pack = report.pack
    for file, cases in report.cases.items():
        yield f"== {file}"
        for result in cases.decided:
            decision, case = result.decision, result.case
            asked = ", ".join(case.texts[column] for column in ASKED)
            to = f", to {decision.addressee}" if decision.addressee else ""
            yield f"{case.name}: {asked}"
            yield f"  {decision.outcome}, {decision.posture}{to}: {decision.sentence}"
            for clause in decision.clauses:
                yield f"    {clause}, {pack.clauses[clause].cite}"
            for suspension in decision.suspended:
                yield f"    suspended: {suspension.policy}, by {', '.join(suspension.by)}"
            for remedy in pack.explain(result.request).remedies:
                yield f"    what would change it: {remedy}"


def _clause_lines(what: str, clauses: tuple[Clause, ...]) -> list[str]:
    if not clauses:
        return [f"{what}: none"]
    by_office: dict[str, list[str]] = {}
    for clause in clauses:
        by_office.setdefault(clause.adopted_by or "", []).append(clause.id)
    return [
        f"{what}{f' by {office}' if office else ''}: {', '.join(ids)}" for office, ids in by_office.items()
    ]


def _as_json(report: Report) -> dict[str, Any]:
    pack = report.pack
    return {
        "order": pack.name if pack else None,
        "digest": pack.digest if pack else None,
        "sample": pack.is_sample if pack else None,
        "findings": [_finding(finding) for finding in report.findings],
        "adopted": [
            {"clause": c.id, "by": c.adopted_by, "on": c.adopted_on, "evidence": c.evidence}
            for c in report.adopted
        ],
        "needs_counsel": [{"clause": c.id, "evidence": c.evidence} for c in report.needs_counsel],
        "uncited": [clause.id for clause in report.uncited],
        "policies_without_a_case": list(report.unshown),
        "scopes": report.scopes,
        "lexicon": {"digest": report.lexicon.digest, "patterns": report.lexicon.counts()}
        if report.lexicon
        else None,
        "intake": list(report.intake.kinds) if report.intake else None,
        "warnings": [_finding(finding) for finding in report.warnings],
        "cases": {
            file: {
                "decided": [_case(result) for result in cases.decided],
                "unreadable": [_finding(finding) for finding in cases.findings],
            }
            for file, cases in report.cases.items()
        },
    }


def _case(result: CaseResult) -> dict[str, Any]:
    decision = result.decision
    return {
        "id": result.case.name,
        "outcome": decision.outcome.value,
        "posture": decision.posture.value,
        "to": decision.addressee.value if decision.addressee else None,
        "obligations": list(decision.obligations),
        "clauses": list(decision.clauses),
        "beyond": list(result.beyond),
        "differences": [finding.message for finding in result.differences],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    span = finding.span
    return {
        "file": span.file if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "message": finding.message,
        "hint": finding.hint,
    }
