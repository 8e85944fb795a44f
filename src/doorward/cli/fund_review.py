"""`doorward fund review`: what an independent reviewer looks at, and pass or fail of each; see `fund_filing`."""

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.fund_booking import By, Key, On, SignWith, Who, parse_key
from doorward.cli.fund_filing import files, open_filings, prove_filing, say_refused
from doorward.cli.fund_link import AsJson, Config, Data, Database, Link, echo, read_clock
from doorward.cli.report_observe import find_disclosures
from doorward.cli.seals import disclosures_of
from doorward.errors import ConfigError
from doorward.fund.filings.acts import Act, DrawSample, EnterReview, Filing
from doorward.fund.filings.log_root import read_root, read_verifier
from doorward.fund.filings.standing import Kept
from doorward.fund.filings.store import Filings
from doorward.fund.grantee.sample import draw_sample
from doorward.fund.ledger.refusal import Refusal

app = typer.Typer(no_args_is_help=True)


@app.callback()
def review() -> None:
    """Draw and enter an independent reviewer's sample."""


@app.command()
def draw(  # noqa: PLR0913, PLR0917  # flags of a command
    report: Annotated[int, typer.Argument(help="of the report")],
    by: By = None,
    sign_with: SignWith = None,
    units: Annotated[int, typer.Option(help="how many units the reviewer looks at")] = 10,
    log: Annotated[Path | None, typer.Option(help="a copy of the public log; the installation's")] = None,
    log_key: Annotated[
        str | None, typer.Option(metavar="VKEY", help="the installation's log key: another is refused")
    ] = None,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Draw what the reviewer looks at, from the public log up to the report's own leaf: nobody chooses it."""
    now = read_clock()
    link = Link(config, data, database)
    verifier = read_verifier(link.folders.log, log_key)
    with open_filings(link, now) as filings:
        kept = _kept(filings, report)
        disclosures = find_disclosures(
            link.folders, link.settings.record if link.settings is not None else ""
        )
        if not disclosures:
            raise ConfigError("it is not known where the disclosures are", hint="is doorward up?")
        with closing(disclosures_of(link.folders, disclosures)) as store:
            block = store.find(kept.entry)
        if block is None:
            say_refused("draw", Refusal("log", "the report is not in the public log yet"), as_json=as_json)
        root = read_root(log or link.folders.log, verifier, block.leaf_index)
        act = DrawSample(report, block.leaf_index, root.hex(), units)
        filing, proof = prove_filing(
            Filing(parse_key(key), "", link.day(on, now), act), Who(by, sign_with), link
        )
        answer = filings.file(filing, now=now, proof=proof)
        if isinstance(answer, Refusal):
            say_refused("draw", answer, as_json=as_json)
        _tell(_kept(filings, report), as_json=as_json)


@app.command()
@files
def enter(
    report: Annotated[int, typer.Argument(help="of the report")],
    answers: Annotated[str, typer.Option(help="pass or fail of each drawn unit in their order, with commas")],
) -> Act:
    """Enter what the reviewer found: nothing but pass or fail."""
    return EnterReview(report, tuple(one.strip() for one in answers.split(",")))


@app.command("list")
def list_reviews(
    agreement: Annotated[str, typer.Option(help="the agreement's id")],
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """List the samples of an agreement: drawn, and how many passed."""
    with open_filings(Link(config, data, database), read_clock()) as filings:
        held = filings.on_file(agreement)
    kept = [one for one in held.reports.values() if one.sample]
    if as_json:
        echo([_as_json(one) for one in kept])
        return
    for one in kept:
        found = one.review
        said = (
            f"{found.answers.count('pass')} of {len(found.answers)} passed" if found else "not reviewed yet"
        )
        typer.echo(f"report {one.number}: {said}")


def _kept(filings: Filings, report: int) -> Kept:
    held = filings.of_report(report)
    if held is None:
        raise ConfigError(f"there is no report {report}")
    return held.reports[report]


def _as_json(kept: Kept) -> dict[str, object]:
    sample = kept.sample
    assert sample is not None
    drawn = draw_sample(kept.report, bytes.fromhex(sample.root), sample.wanted)
    return {
        "report": kept.number,
        "digest": kept.report.digest,
        "leaf": sample.leaf,
        "root": sample.root,
        "drawn": [asdict(one) for one in drawn],
        "answers": list(kept.review.answers) if kept.review else None,
    }


def _tell(kept: Kept, *, as_json: bool) -> None:
    told = _as_json(kept)
    if as_json:
        echo(told)
        return
    typer.echo(f"report {kept.number}, leaf {told['leaf']} of the public log")
    sample = kept.sample
    assert sample is not None
    for one in draw_sample(kept.report, bytes.fromhex(sample.root), sample.wanted):
        words = (one.service, f"detained {one.detained}" if one.detained else "", one.stage)
        typer.echo(f"{', '.join(word for word in words if word)}: number {one.number} of the grantee's list")
