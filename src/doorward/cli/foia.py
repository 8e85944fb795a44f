"""`doorward foia export`: records that answer a request, with a code for each redaction.

Exit codes: 0 the answer is written, 1 it is a draft because a code needs counsel, 2 usage, a field without a decision,
or a file that is none.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.desk_files import day_of, make_document, open_desk, read_file, save_folder
from doorward.desk.foia.answer_file import parse_answer
from doorward.desk.foia.export import DRAFT, Answer, files_of, make_answer
from doorward.errors import ConfigError
from doorward.orders.exemptions import Exemptions
from doorward.orders.load import load_deadlines, load_exemptions, load_pack

app = typer.Typer(no_args_is_help=True)


@app.callback()
def foia() -> None:
    """Answer requests for public records."""


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="records and decisions, a JSON file")],
    out: Annotated[Path, typer.Option(help="the new folder of the answer")],
    order: Annotated[
        str, typer.Option(help="a shipped order such as `chicago`, or the folder of one")
    ] = "chicago",
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="the day; today")] = None,
) -> None:
    """Write what is released, each redaction with its code, how often each code stands, and what is withheld."""
    pack = load_pack(order)
    exemptions = load_exemptions(pack)
    # The command line is where the clock is read.
    today = day_of(on, datetime.now(UTC), load_deadlines(pack).zone)  # noqa: TID251  # as it says
    records, decisions = read_file(file, parse_answer)
    answer = make_answer(records, decisions, exemptions, today)
    files = files_of(answer, exemptions)
    title = f"Answer to a request for public records{f' ({DRAFT})' if answer.is_draft else ''}"
    try:
        raw = make_document(
            title, _tables(answer, exemptions), day=today, office="Records custodian",
            facts=(("statute", exemptions.statute),), is_sample=pack.is_sample,
        )  # fmt: skip
    except ConfigError as error:  # a record is longer than a page holds; its CSV is whole
        typer.echo(f"no PDF: {error}")
        raw = None
    if raw is not None:
        files[f"{'draft-' if answer.is_draft else ''}answer.pdf"] = raw
    save_folder(out, files)
    for code, count in answer.by_code.items():
        typer.echo(f"{exemptions.cite(code)}: {count}")
    typer.echo(f"{len(answer.lines)} fields, {len(answer.withheld)} records withheld whole: {out}")
    if answer.is_draft:
        typer.echo(f"{DRAFT}: {', '.join(answer.counsel)}")
        raise typer.Exit(1)


@app.command()
def show(
    desk: Annotated[Path, typer.Option("--desk", help="the desk's configuration")],
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a flag
) -> None:
    """List the desk's answers to requests for records, with what each waits for; no content.

    What leaves is exported on the desk's page, where that it left is recorded first.
    """
    open_desk(desk)
    from doorward.desk.reporting.records import overview

    found = overview(datetime.now(UTC))  # noqa: TID251  # as above
    if as_json:
        typer.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for one in found:
        codes = ", ".join(f"{code} {count}" for code, count in one["by_code"].items()) or "no code"
        typer.echo(
            f"{one['request']} {one['first']} to {one['last']}: {one['records']} records, {codes}; {one['state']}"
        )


def _tables(
    answer: Answer, exemptions: Exemptions
) -> list[tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...], str]]:
    return [
        ("Records", ("record", "kind", "field", "content"),
         tuple((str(one.record), one.kind, one.field, one.text) for one in answer.lines), "No record is released."),
        ("Records withheld", ("record", "kind", "exemption"),
         tuple((str(one.record), one.kind, exemptions.cite(one.code)) for one in answer.withheld), "None."),
        ("Exemptions", ("exemption", "says", "how often"),
         tuple((exemptions.cite(code), exemptions.codes[code].says, str(count))
               for code, count in answer.by_code.items()), "None was used."),
    ]  # fmt: skip
