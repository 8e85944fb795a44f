"""`doorward audit rank`: puts reasons that no pattern caught into an order to read, and measures from labels.

Exit codes: 0 done, 2 an argument is wrong or a file is no label file, 3 a file could not be read or written.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from doorward.errors import ConfigError
from doorward.lookback.folder import AuditFolder
from doorward.lookback.labels.draws import population_of
from doorward.lookback.labels.estimates import Estimates, estimate
from doorward.lookback.labels.file import load_labels
from doorward.lookback.labels.labels import LabelSet
from doorward.lookback.labels.rank_phrases import MEMORY, rank_phrases
from doorward.lookback.labels.wordings import (
    RankingFiles,
    load_sample,
    open_wordings,
    ranked,
    read_units,
    save_json,
)


def rank(
    out: Annotated[Path, typer.Argument(help="the folder of an audit")],
    labels: Annotated[
        list[Path] | None, typer.Option(help="a label file; may be given more than once")
    ] = None,
    memory: Annotated[str, typer.Option(help="of the engine: `800MB`, `4GB`")] = MEMORY,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Rank what no pattern caught, for people to read, and estimate from a labelled sample what the patterns miss."""
    given = load_labels(labels)[0] if labels else LabelSet()
    folder = AuditFolder(out)
    estimates = write_estimates(folder, given, memory=memory)
    said = rank_phrases(folder, given, memory=memory)
    if as_json:
        found = {"ranking": said, "estimates": estimates.as_json() if estimates else None}
        typer.echo(json.dumps(found, indent=1, sort_keys=True))
        return
    for line in (*said["says"], *(estimates.as_json()["says"] if estimates else ())):
        typer.echo(line)


def write_estimates(folder: AuditFolder, labels: LabelSet, *, memory: str = MEMORY) -> Estimates | None:
    """Write `estimates.json` where a sample was drawn, and return it.

    Raises:
        ConfigError: The sample was drawn from other logs, under other patterns or another ranking.
    """
    files = RankingFiles(folder)
    sample = load_sample(files.sample)
    if sample is None:
        return None
    with open_wordings(folder, memory=memory) as engine:
        ranked(engine, files.table)
        now = population_of(read_units(engine))
    if now != sample.population:
        raise ConfigError(
            "the sample was drawn from other logs or under other patterns",
            hint="remove data/sample.json and draw again; what is labelled stays labelled",
        )
    found = estimate(sample, labels.settle())
    save_json(files.estimates, found.as_json())
    return found
