"""`doorward audit report`: makes the reports of an audit anew, or a publication of it.

Exit codes: 0 written; 1 the second pass found what must not be published, and nothing was; 2 an argument is wrong.
"""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from doorward.errors import ConfigError
from doorward.lookback.engine import MEMORY, open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.report.content import Mark, Options
from doorward.lookback.report.masking import PATTERNS
from doorward.lookback.report.write import publish_report, write_report

OUT: Final = typer.Argument(help="the folder that an audit wrote")


def report(  # noqa: PLR0913, PLR0917  # flags of a command
    out: Annotated[Path, OUT],
    publish: Annotated[
        Path | None, typer.Option(help="a new folder for a masked, checked publication")
    ] = None,
    published_on: Annotated[
        str, typer.Option(help="the day of publication; today where it is left out")
    ] = "",
    agency: Annotated[list[str] | None, typer.Option(help="only this agency's page; may be repeated")] = None,
    mark: Annotated[
        list[str] | None, typer.Option(help="a change of policy: 2025-12-17=what changed")
    ] = None,
    mask: Annotated[
        list[str] | None, typer.Option(help="mask this kind in the office's own pages too")
    ] = None,
    threshold: Annotated[int, typer.Option(min=2, help="the smallest count that is published")] = 5,
    pdf: Annotated[bool, typer.Option(help="write PDFs too")] = True,  # noqa: FBT002  # a command-line flag
    memory: Annotated[str, typer.Option(help="how much the engine may hold")] = MEMORY,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # as above
) -> None:
    """Write report.html, report.pdf, report.json, numbers.csv, findings.csv and a page an agency."""
    kinds = {pattern.id for pattern in PATTERNS}
    for one in mask or ():
        if one not in kinds:
            raise ConfigError(
                f"there is no kind of data `{one[:40]}`", hint=f"one of {', '.join(sorted(kinds))}"
            )
    today = datetime.now(UTC).date()  # noqa: TID251  # the command line may read the clock
    options = Options(
        tuple(agency or ()), tuple(_mark(one) for one in mark or ()),
        (_day(published_on, "--published-on") if published_on else today) if publish else None,
        threshold=threshold, kinds=tuple(mask or ()), pdf=pdf,
    )  # fmt: skip
    folder = AuditFolder(out)
    with open_engine(folder.scratch, memory=memory) as connection:
        if publish:
            written = publish_report(connection, folder, publish, options)
        else:
            written = write_report(connection, folder, options)
    if as_json:
        typer.echo(
            json.dumps(
                {"files": written.files, "numbers": written.numbers, "withheld": written.withheld}, indent=1
            )
        )
        return
    typer.echo(f"{len(written.files)} files, {written.numbers} numbers with their questions in numbers.csv")
    if publish:
        typer.echo(
            f"withheld: {written.withheld} numbers; the second pass over the finished files found nothing"
        )


def _mark(text: str) -> Mark:
    day, equals, says = text.partition("=")
    if not equals or not says.strip():
        raise ConfigError(
            "a mark is a day and what changed", hint="--mark '2025-12-17=names left the exports'"
        )
    return Mark(_day(day, "--mark").isoformat(), says.strip(), "policy")


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise ConfigError(f"`{text[:20]}` of {option} is no day", hint="write it as 2026-03-31") from error
