"""`doorward fund statement`: a year, on the screen, as JSON, or as a PDF that was checked against the record.

Exit codes: 0 done, 1 the ledger and the record differ and no PDF was written, 2 usage, 3 something cannot be read.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.fund_against import Ledger, hold_against, read_ledger, read_record
from doorward.cli.fund_link import AsJson, Config, Data, Database, Link, Year, echo
from doorward.errors import ConfigError, UpstreamError
from doorward.fund.ledger.export import format_dollars, make_statement
from doorward.fund.totals import differences, recompute
from doorward.fund.yearly import Checked, Figures, Yearly, make_yearly
from doorward.orders.load import load_fund, load_pack

Order = Annotated[str | None, typer.Option(help="whose words; that of section `fund`, or the sample's")]
WIDE = 3  # shares of a line that a name takes beside a number's 2


def statement(  # noqa: PLR0917  # flags of a command
    year: Year,
    pdf: Annotated[Path | None, typer.Option(help="where a PDF goes, that a screen reader can read")] = None,
    office: Annotated[str, typer.Option(help="whose statement it is; a role or an office")] = "Fund manager",
    order: Order = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Show a year: where each line's authority came from and went, and what was paid."""
    link = Link(config, data, database)
    ledger = read_ledger(link)
    if year not in ledger.state.years:
        raise ConfigError(f"the year {year} is not opened")
    if pdf is not None:
        _write_pdf(link, ledger, year, pdf, office, order or link.order)
        return
    lines = make_statement(ledger.state, ledger.written(), year)
    closed = ledger.state.years[year].closed
    if as_json:
        echo([{**asdict(line), "closed": closed} for line in lines])
        return
    typer.echo(f"fiscal year {year}, {'closed' if closed else 'open'}")
    for line in lines:
        typer.echo(f"{line.line}:")
        for name, cents in asdict(line).items():
            if name not in {"year", "line"}:
                typer.echo(f"  {name.replace('_', ' '):14} {format_dollars(cents):>16}")


def _write_pdf(  # noqa: PLR0917  # parts of one document
    link: Link, ledger: Ledger, year: int, pdf: Path, office: str, order: str
) -> None:
    entries, published = read_record(link)
    found = recompute(entries)
    against = hold_against(ledger, entries, link)
    wrong = (*against.wrong, *found.wrong, *differences(found, ledger.state.balances, "the ledger"))
    if wrong:
        for line in wrong:
            typer.echo(line)
        typer.echo(f"{len(wrong)} differences from the record; no statement was written")
        raise typer.Exit(1)
    pack = load_pack(order)
    words = load_fund(pack)
    titles = {code: line.title for code, line in words.lines.items()}
    titles |= {f"source.{code}": title for code, title in words.sources.items()}
    written = ledger.written()
    checked = Checked(found.last, len(found.unended), published)
    raw = render(
        make_yearly(ledger.state, written, year, titles, checked),
        day=max(one.submission.day for one in written), office=office, is_sample=pack.is_sample,
    )  # fmt: skip
    try:
        pdf.write_bytes(raw)
    except OSError as error:
        raise UpstreamError(f"`{pdf.name}` cannot be written: {error.strerror}") from error
    typer.echo(f"{pdf.name}: fiscal year {year}, {len(raw)} bytes; the ledger is what the record says")


def render(yearly: Yearly, **more: object) -> bytes:
    """Return a year's statement as PDF/UA-1; the same one gives the same bytes.

    Args:
        more: As `render_table_report` takes it.
    """
    from doorward.desk.letters.tables import Section, Table, render_table_report

    def table(one: Figures) -> Table:
        numbers = frozenset(range(one.first_number, len(one.heads)))
        widths = tuple(2 if at in numbers else WIDE for at in range(len(one.heads)))
        return Table(one.caption, one.heads, one.rows, numbers, widths)

    sections = [
        Section(title, lines, tuple(table(one) for one in tables)) for title, lines, tables in yearly.sections
    ]
    return render_table_report(yearly.title, sections, notes=yearly.notes, facts=yearly.facts, **more)  # type: ignore[arg-type]  # as its caller says
