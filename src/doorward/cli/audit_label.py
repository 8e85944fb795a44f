"""`doorward audit label`, `agreement` and `merge-labels`: people say what reasons mean, and how far they agree.

Exit codes: 0 done, 2 an argument is wrong or a file is no label file, 3 a file could not be read or written.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.cli.terminal import GONE, RESIZED, open_terminal
from doorward.errors import ConfigError, MalformedError
from doorward.lookback.folder import AuditFolder
from doorward.lookback.labels.agreement import Agreement, disagreements, measure_agreement
from doorward.lookback.labels.draws import MAX_DRAWN, MAX_SEED, draw_sample
from doorward.lookback.labels.escaped import escape_text
from doorward.lookback.labels.file import LabelFile, load_labels, save_labels
from doorward.lookback.labels.intervals import Interval
from doorward.lookback.labels.labels import WORDS, Label, Word, check_reviewer, id_of, purpose_words
from doorward.lookback.labels.queue import Give, Item, LabelQueue, Reviewer, TakeBack, choose, make_act
from doorward.lookback.labels.screen import lines, screen
from doorward.lookback.labels.wordings import (
    ORDERS,
    RankingFiles,
    load_sample,
    open_wordings,
    ranked,
    read_items,
    read_units,
    save_json,
)
from doorward.orders.lexicon import Tier
from doorward.orders.load import load_lexicon, load_pack

MAX_SHOWN = 200
MAX_TEXT_SHOWN = 200

Second = Annotated[bool, typer.Option("--second", help="only what another reviewer labelled, blind")]
Settle = Annotated[bool, typer.Option("--settle", help="only what two others disagree on, as a third")]
Clock = Callable[[], datetime]


def label(  # noqa: PLR0913, PLR0917  # flags of a command
    out: Annotated[Path, typer.Argument(help="the folder of an audit")],
    labels: Annotated[Path, typer.Option(help="the label file; it is begun where it is absent")],
    reviewer: Annotated[str, typer.Option(help="who labels: a role or initials")],
    second: Second = False,  # noqa: FBT002  # a command-line flag
    settle: Settle = False,  # noqa: FBT002  # as above
    order_by: Annotated[str, typer.Option(help=f"one of {', '.join(ORDERS)}")] = "rank",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="at most so many in this queue")] = 1_000,
    sample: Annotated[
        int,
        typer.Option(min=0, max=MAX_DRAWN, help="draw so many accesses at random, and label their wordings"),
    ] = 0,
    seed: Annotated[str, typer.Option(help="of the draw: any text, best published beforehand")] = "",
    order: Annotated[str, typer.Option(help="an order whose purposes are labels too")] = "",
) -> None:
    """Label reasons: one a screen, a key a label; over a pipe a line a key."""
    try:
        check_reviewer(reviewer)
    except MalformedError as error:
        raise ConfigError(f"`--reviewer`: {error}") from error
    if order_by not in ORDERS:
        raise ConfigError(f"`--order-by {order_by[:20]}` is not known", hint=f"one of {', '.join(ORDERS)}")
    if second and settle:
        raise ConfigError("`--second` and `--settle` are two tasks", hint="give one of them")
    if len(seed) > MAX_SEED or (sample and not seed.strip()):
        raise ConfigError(
            f"`--seed` must be a text of 1 to {MAX_SEED} characters", hint="--seed 'a sentence'"
        )
    words = (*WORDS, *(_purposes(order) if order else ()))
    with LabelFile(labels) as file:
        folder = AuditFolder(out)
        with open_wordings(folder) as engine:
            there = ranked(engine, RankingFiles(folder).table)
            if sample:
                via, found = _sampled(engine, RankingFiles(folder), sample, seed)
            else:
                if order_by == "rank" and not there:
                    raise ConfigError(
                        "there is no ranking", hint="`doorward audit rank`, or --order-by count"
                    )
                via, found = (
                    order_by,
                    read_items(engine, order=order_by, seed=seed, once=not (second or settle)),
                )
            items, before = choose(found, file.labels, reviewer, second=second, settles=settle, most=limit)
        queue = LabelQueue(items, words, before)
        by = Reviewer(reviewer, "", via, settle)
        _run(queue, file, by, lambda: datetime.now(UTC))  # noqa: TID251  # the command line may read the clock
    typer.echo(f"{queue.given:,} labelled now; {labels.name} holds them")


def _purposes(order: str) -> tuple[Word, ...]:
    """Return the purposes of an order as labels; explicit are those that its explicit patterns mean."""
    pack = load_pack(order)
    explicit = {
        word for one in load_lexicon(pack).patterns if one.tier is Tier.EXPLICIT for word in one.purposes
    }
    return purpose_words({word: found.says for word, found in pack.purposes.items()}, explicit)


def _sampled(engine: Any, files: RankingFiles, size: int, seed: str) -> tuple[str, Iterator[Item]]:  # noqa: ANN401  # DuckDB is imported late
    """Return how the sample is cited, and its wordings; it is drawn once, and kept."""
    kept = load_sample(files.sample)
    if kept is None or (kept.seed, kept.asked) != (seed, size):
        units = read_units(engine)
        if not units:
            raise ConfigError("the logs hold no access whose wording could be labelled")
        kept = draw_sample(units, size=size, seed=seed)
        save_json(files.sample, kept.as_json())
    drawn = {wording for stratum in kept.strata for wording in stratum.drawn}
    found = read_items(engine, order="random", seed=seed, hide_patterns=True)
    return f"sample:{kept.digest}", (item for item in found if item.wording.digest in drawn)


def _run(queue: LabelQueue, file: LabelFile, reviewer: Reviewer, clock: Clock) -> None:
    if sys.stdin.isatty() and sys.stdout.isatty():
        try:
            with open_terminal() as terminal:
                while not queue.ended:
                    width, height = terminal.size()
                    terminal.draw(screen(queue, reviewer.id, width=width, height=height))
                    key = terminal.read_key()
                    if key == GONE:
                        return
                    if key != RESIZED:
                        _press(queue, file, reviewer, key, clock)
        except KeyboardInterrupt:
            typer.echo("stopped")
        return
    _show(queue, reviewer)
    for line in sys.stdin:
        _press(queue, file, reviewer, line.strip(), clock)
        if queue.ended:
            return
        _show(queue, reviewer)


def _show(queue: LabelQueue, reviewer: Reviewer) -> None:
    sys.stdout.write("\n".join([*lines(queue, reviewer.id), "", ""]))
    sys.stdout.flush()


def _press(queue: LabelQueue, file: LabelFile, reviewer: Reviewer, key: str, clock: Clock) -> None:
    step = queue.press(key)
    if isinstance(step, Give | TakeBack):
        at = clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        now = Reviewer(reviewer.id, at, reviewer.via, reviewer.adjudicates)
        act = file.append(lambda _, n: make_act(step, now, n))
        queue.wrote(step, id_of(act))


def agreement(
    files: Annotated[list[Path], typer.Argument(help="label files; several are read as one")],
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Say how far reviewers agree, and what they disagree on."""
    labels, digest = load_labels(files)
    words, tiers, open_ones = (
        measure_agreement(labels),
        measure_agreement(labels, tiers=True),
        disagreements(labels),
    )
    settled = labels.settle().values()
    how = {
        name: sum(one.how == name for one in settled) for name in ("one", "agreed", "adjudicated", "conflict")
    }
    if as_json:
        found = {
            "labels": digest,
            "wordings": how,
            "by_word": [one.as_json() for one in words],
            "by_tier": [one.as_json() for one in tiers],
            "disagreements": [_disagreement(given) for given in open_ones],
        }
        typer.echo(json.dumps(found, indent=1, sort_keys=True))  # escapes what is no ASCII
        return
    for line in _agreement_lines(how, words, tiers, open_ones):
        typer.echo(line)


def _disagreement(given: Sequence[Label]) -> dict[str, Any]:
    return {
        "wording": given[0].wording,
        "reason": given[0].text.reason,
        "said": [{"reviewer": one.reviewer, "label": one.label} for one in given],
    }


def _agreement_lines(
    how: dict[str, int],
    words: Sequence[Agreement],
    tiers: Sequence[Agreement],
    open_ones: Sequence[Sequence[Label]],
) -> Iterator[str]:
    yield (
        f"wordings labelled: {sum(how.values()):,}; with one reviewer {how['one']:,}, agreed {how['agreed']:,}, "
        f"adjudicated {how['adjudicated']:,}, in dispute {how['conflict']:,}"
    )
    for by_word, by_tier in zip(words, tiers, strict=True):
        yield f"{by_word.first} and {by_word.second}: {by_word.wordings:,} wordings labelled by both"
        for name, found in (("same label", by_word), ("same tier", by_tier)):
            yield f"  {name:<11} {_shown(found.raw, percent=True):<28} kappa {_shown(found.kappa, percent=False)}"
    for given in open_ones[:MAX_SHOWN]:
        said = ", ".join(f"{one.reviewer} {one.label}" for one in given)
        yield f"DISPUTE {given[0].wording[:12]} `{escape_text(given[0].text.text[:MAX_TEXT_SHOWN])}`: {said}"
    if len(open_ones) > MAX_SHOWN:
        yield f"and {len(open_ones) - MAX_SHOWN:,} more in dispute"
    if open_ones:
        yield "a third reviewer settles them: doorward audit label OUT --labels FILE --reviewer ID --settle"


def _shown(found: Interval, *, percent: bool) -> str:
    if found.share is None or found.low is None or found.high is None:
        return "not defined"
    form = ".1%" if percent else ".2f"
    return f"{found.share:{form}} ({found.low:{form}} to {found.high:{form}})"


def merge_labels(
    files: Annotated[list[Path], typer.Argument(help="label files")],
    into: Annotated[
        Path, typer.Option(help="the file that holds the acts of all of them; it is not there yet")
    ],
) -> None:
    """Write one label file with the acts of several; the order of the files does not matter."""
    labels, digest = load_labels(files)
    save_labels(labels, into)
    typer.echo(f"{len(labels.acts):,} acts in {into.name}, SHA-256 {digest}")
