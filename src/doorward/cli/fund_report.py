"""`doorward fund report`: check what a grantee hands in, make its template, map an extract into it.

Exit codes: 0 it enters, 1 it is refused or a finding stops it, 2 usage, 3 the file cannot be read. No line of output,
no message and no file that is written has a text of the handed-in file; nor is its name repeated.
"""

import json
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from doorward.cli.deferred import Deferred, DeferredGroup
from doorward.cli.fund_files import ORDER_HELP, load_sheets, load_terms, load_units
from doorward.errors import ConfigError, StoreError
from doorward.fund.grantee.banded import WAYS, band_words, categories, read_banded
from doorward.fund.grantee.cells import Refusal
from doorward.fund.grantee.checks import Finding, check_report
from doorward.fund.grantee.mapping import map_extract, read_map
from doorward.fund.grantee.report import Report, read_report, words_rows
from doorward.fund.grantee.template import format_csv, format_workbook


class _Reports(DeferredGroup):
    deferred: ClassVar = {
        "file": Deferred("fund_report_file:file_report"),
        "list": Deferred("fund_report_file:list_reports"),
        "return": Deferred("fund_report_file:return_report"),
        "invoice": Deferred("fund_report_file:invoice"),
        "deliver": Deferred("fund_tables:deliver"),
        "close-quarter": Deferred("fund_tables:close_quarter"),
        "tables": Deferred("fund_tables:tables"),
    }


app = typer.Typer(cls=_Reports, no_args_is_help=True)

FileArgument = Annotated[
    Path, typer.Argument(help="what a grantee hands in, CSV or XLSX", show_default=False)
]
OrderOption = Annotated[str, typer.Option(help=ORDER_HELP)]
AgreementOption = Annotated[str, typer.Option(help="number of the agreement, as the fund manager gave it")]
JsonOption = Annotated[bool, typer.Option("--json", help="one JSON document")]
OutArgument = Annotated[
    Path, typer.Argument(help="the file to write; it must not be there", show_default=False)
]


@app.callback()
def report() -> None:
    """Check and file what a grantee hands in, and make its template."""


@app.command()
def check(
    file: FileArgument,
    agreement: AgreementOption = "",
    terms: Annotated[Path | None, typer.Option(help="terms of the agreement and what is used, TOML")] = None,
    order: OrderOption = "chicago",
    as_json: JsonOption = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Refuse a report that holds anything that could be a client; then check its sums and its agreement."""
    units = load_units(order)
    agreed = load_terms(terms) if terms else None
    number = agreement.lower() or (agreed.id if agreed else "")
    if not number:
        raise ConfigError("say which agreement: --agreement or --terms")
    sheets, refusals = load_sheets(file)
    found = None
    if not refusals:
        found, refusals = read_report(sheets, units, {number})
    del sheets
    findings = check_report(found, units, agreed) if found else ()
    if as_json:
        typer.echo(json.dumps(_as_json(found, refusals, findings), indent=1))
    else:
        _tell(found, refusals, findings)
    if refusals or any(not one.refers for one in findings):
        raise typer.Exit(1)


@app.command()
def banded(
    file: FileArgument,
    way: Annotated[str, typer.Option(help=f"one of {', '.join(WAYS)}")],
    agreement: AgreementOption,
    order: OrderOption = "chicago",
    as_json: JsonOption = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Check a table of the people served in a quarter, one way, in bands."""
    if way not in WAYS:
        raise ConfigError(f"--way must be one of {', '.join(WAYS)}")
    units = load_units(order)
    sheets, refusals = load_sheets(file)
    found = None
    if not refusals:
        found, refusals = read_banded(sheets, way, agreement, units)
    if as_json:
        table = {"quarter": found[0].quarter, "bands": list(found[0].bands)} if found else None
        typer.echo(json.dumps({"way": way, "table": table, "refused": _refused(refusals)}, indent=1))
    else:
        _tell_refused(refusals)
        if found:
            typer.echo(f"{way} of {found[0].quarter}: {len(found[0].bands)} categories in bands; it enters")
    if refusals:
        raise typer.Exit(1)


@app.command()
def template(
    out: OutArgument,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="a workbook")] = False,  # noqa: FBT002  # a command-line flag
    csv: Annotated[bool, typer.Option("--csv", help="CSV in UTF-8")] = False,  # noqa: FBT002  # as above
    way: Annotated[str, typer.Option(help=f"CSV of a banded table: {', '.join(WAYS)}")] = "",
    order: OrderOption = "chicago",
) -> None:
    """Write an empty template."""
    units = load_units(order)
    if xlsx == csv and not way:
        raise ConfigError("say --xlsx or --csv")
    if way and way not in WAYS:
        raise ConfigError(f"--way must be one of {', '.join(WAYS)}")
    if way:
        lines = ["quarter,people,category,band", *(f",,{one}," for one in categories(way, units))]
        _write(out, ("\r\n".join(lines) + "\r\n").encode("ascii"))
    else:
        _write(out, format_workbook(units) if xlsx else format_csv())


@app.command()
def words(
    order: OrderOption = "chicago",
    as_json: JsonOption = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """List every word that may stand in a report."""
    units = load_units(order)
    rows = [*words_rows(units)[1:], *(("band", word, "of a banded table") for word in band_words(units))]
    if as_json:
        typer.echo(
            json.dumps([{"column": one[0], "word": one[1], "means": one[2]} for one in rows], indent=1)
        )
        return
    for column, word, means in rows:
        typer.echo(f"{column:<10} {word:<26} {'' if means == word else means}".rstrip())


@app.command("map")
def map_file(
    file: FileArgument,
    ledger_map: Annotated[Path, typer.Option("--map", help="columns and words, TOML")],
    out: Annotated[Path, typer.Option(help="the report's rows as CSV; it must not be there")],
    order: OrderOption = "chicago",
) -> None:
    """Count an extract of the grantee's own ledger into rows of the template; run it at the grantee."""
    units = load_units(order)
    try:
        text = ledger_map.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError("cannot read the map as a text in UTF-8") from error
    found = read_map(text, units)
    sheets, refusals = load_sheets(file)
    rows: list[list[str]] = []
    if not refusals:
        rows, refusals = map_extract(sheets[0], found, units)
    _tell_refused(refusals)
    if refusals:
        raise typer.Exit(1)
    _write(out, format_csv(rows))
    typer.echo(f"{len(rows)} rows; add the rows of period, outcomes and costs")


def _write(out: Path, raw: bytes) -> None:
    try:
        with out.open("xb") as stream:
            stream.write(raw)
    except OSError as error:
        raise StoreError(f"cannot write the file: {error.strerror}") from error


def _tell(found: Report | None, refusals: tuple[Refusal, ...], findings: tuple[Finding, ...]) -> None:
    _tell_refused(refusals)
    for one in findings:
        typer.echo(f"{'refer' if one.refers else 'finding'}: {one}")
    if found:
        typer.echo(
            f"{found.first} to {found.last}: {len(found.units)} rows of units, {len(found.outcomes)} of outcomes,"
            f" {len(found.costs)} of costs"
        )
        typer.echo(f"digest {found.digest}")
        stops = sum(not one.refers for one in findings)
        typer.echo(f"{stops} findings stop it" if stops else "it enters")


def _tell_refused(refusals: tuple[Refusal, ...]) -> None:
    for one in refusals:
        typer.echo(f"refused: {one}")
        if one.hint:
            typer.echo(f"  hint: {one.hint}")
    if refusals:
        typer.echo(f"{len(refusals)} refusals; nothing of the file is kept")


def _refused(refusals: tuple[Refusal, ...]) -> list[dict[str, Any]]:
    return [
        {
            "sheet": one.place.sheet,
            "row": one.place.row,
            "column": one.place.column,
            "kind": one.kind,
            "says": one.says,
            "hint": one.hint,
        }
        for one in refusals
    ]


def _as_json(
    found: Report | None, refusals: tuple[Refusal, ...], findings: tuple[Finding, ...]
) -> dict[str, Any]:
    return {
        "enters": found is not None and all(one.refers for one in findings),
        "digest": found.digest if found else None,
        "report": found.told() if found else None,
        "refused": _refused(refusals),
        "findings": [
            {"row": one.row, "column": one.column, "rule": one.rule, "says": one.says, "refers": one.refers}
            for one in findings
        ],
    }
