"""`doorward audit words`: what the lexicon of an order says of reasons, one by one, with the pattern and its source.

Exit codes: 0 said, 2 there is no such order, or it has no lexicon.
"""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from doorward.lookback.cells import State
from doorward.lookback.words.phrase import Classifier, Phrase, Wording
from doorward.lookback.words.phrases import write_query
from doorward.orders.lexicon import Lexicon
from doorward.orders.load import load_lexicon, load_pack

EVERY = 2**62  # more phrases than a log has


def words(
    reasons: Annotated[
        list[str] | None, typer.Argument(help="reasons as a log has them; without any, one a line from stdin")
    ] = None,
    order: Annotated[
        str, typer.Option(help="a shipped order such as `chicago`, or the folder of one")
    ] = "chicago",
    offense: Annotated[str | None, typer.Option(help="the offense type that was chosen")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON line a reason")] = False,  # noqa: FBT002  # a flag
    sql: Annotated[bool, typer.Option("--sql", help="print the query that asks the same of many")] = False,  # noqa: FBT002  # a flag
) -> None:
    """Say what the lexicon of an order reads in reasons: tier, purposes, for whom, which pattern, where it is from."""
    lexicon = load_lexicon(load_pack(order))
    if sql:
        typer.echo(write_query(lexicon, first=1, after=EVERY))
        return
    classifier = Classifier(lexicon)
    for reason in reasons or (line.rstrip("\r\n") for line in sys.stdin):
        found = classifier.classify(_wording(reason, offense))
        if as_json:
            typer.echo(json.dumps({"reason": reason, **asdict(found)}, ensure_ascii=False))
        else:
            typer.echo("\n".join(_lines(reason, found, lexicon)))


def _wording(reason: str, offense: str | None) -> Wording:
    return Wording(
        reason=reason or None,
        reason_state=State.VALUE if reason.strip() else State.BLANK,
        offense=offense,
        offense_state=State.NOT_EXPORTED if offense is None else State.VALUE,
    )


def _lines(reason: str, found: Phrase, lexicon: Lexicon) -> list[str]:
    by_id = {pattern.id: pattern for pattern in lexicon.patterns}
    lines = [f"{reason}: {found.tier}, {found.said}"]
    lines.append(f"  purpose   {' or '.join(found.purposes or ('open',))}")
    lines.append(f"  for       {' or '.join(found.for_agencies or ('open',))}")
    if found.case_in_reason:
        lines.append(f"  case      {found.case_in_reason}")
    for name, evidence in zip(found.patterns, found.evidence, strict=True):
        pattern = by_id[name]
        lines.append(
            f"  {pattern.tier}, {name}: `{evidence}`, {pattern.says} ({pattern.span}; {pattern.source})"
        )
    return lines
