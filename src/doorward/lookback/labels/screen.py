"""What a reviewer sees: one wording a screen, fitted to the terminal. Pure.

INVARIANT (nothing-raw): every text of a log passes `escape_text` before it gets into a line.
"""

from collections.abc import Iterator, Sequence

from rich.cells import set_cell_size

from doorward.lookback.labels.escaped import escape_text, wrap_cells
from doorward.lookback.labels.labels import Word
from doorward.lookback.labels.queue import HELP, QUIT, SKIP, UNDO, Item, LabelQueue

MAX_SHOWN = 2_000  # characters of one text; whoever needs more opens the log
MAX_WIDTH = 120
MIN_WIDTH = 20
MAX_EVIDENCE = 6
MAX_EVIDENCE_TEXT = 200


def screen(queue: LabelQueue, reviewer: str, *, width: int, height: int) -> list[str]:
    """Return the lines of the whole screen: at most `height`, none wider than `width`."""
    width = max(MIN_WIDTH, min(width, MAX_WIDTH))
    head = _fit([progress(queue, reviewer)], width)
    said = [queue.says] if queue.says else []
    foot = _fit([*said, *key_lines(queue.words, full=queue.helps)], width)
    if not queue.helps and 2 * (len(head) + len(foot)) > height:
        foot = _fit([*said, f"[{HELP}] keys"], width)  # a reviewer needs the reason more than the keys
    body: list[str] = []
    for name, text in describe(queue.item) if queue.item else ():
        body += wrap_cells(f"{name:<9} {text}" if name else text, width)
    if not body:
        body = ["nothing is left to label"]
    room = max(1, height - len(head) - len(foot) - 2)
    if len(body) > room:
        body = [*body[: room - 1], set_cell_size("[cut: the screen is too small]", width).rstrip()]
    return [*head, "", *body, "", *foot][: max(1, height)]


def lines(queue: LabelQueue, reviewer: str) -> list[str]:
    """Return the same for a pipe: no width, no height."""
    described = [f"{name:<9} {text}" for name, text in describe(queue.item)] if queue.item else []
    said = [queue.says] if queue.says else []
    keys = key_lines(queue.words, full=queue.helps)
    return [progress(queue, reviewer), *described, *said, *keys]


def progress(queue: LabelQueue, reviewer: str) -> str:
    """Return how far the reviewer is."""
    whole = queue.before + len(queue.items)
    return f"{queue.before + queue.given:,} of {whole:,} labelled by {reviewer}, {queue.given:,} of them now"


def describe(item: Item) -> Iterator[tuple[str, str]]:
    """Yield what is shown of an item: a name and an escaped text."""
    wording = item.wording
    yield "reason", _text(wording.reason) or "(nothing)"
    for name in ("offense", "prompt", "filters"):
        if text := getattr(wording, name):
            yield name, _text(text)
    agencies = f" of {item.agencies:,} agenc{'y' if item.agencies == 1 else 'ies'}" if item.agencies else ""
    yield "seen in", f"{item.accesses:,} access{'' if item.accesses == 1 else 'es'}{agencies}"
    if item.rank is not None:
        yield "rank", f"{item.rank:,}"
    for pattern, evidence in item.evidence[:MAX_EVIDENCE]:
        yield "pattern", f"{escape_text(pattern)}: `{escape_text(evidence[:MAX_EVIDENCE_TEXT])}`"
    if len(item.evidence) > MAX_EVIDENCE:
        yield "", f"and {len(item.evidence) - MAX_EVIDENCE} more patterns"
    if item.said:
        yield "said", " | ".join(escape_text(word) for word in item.said)


def key_lines(words: Sequence[Word], *, full: bool) -> list[str]:
    """Return the keys; in full with what each means."""
    own = ((SKIP, "skip"), (UNDO, "undo"), (QUIT, "quit"), (HELP, "what the keys mean"))
    if full:
        return [*(f"{word.key or ' '}  {word.word}: {word.says}" for word in words), _short(own)]
    return [_short([(word.key, word.word) for word in words if word.key]), _short(own)]


def _short(keys: Sequence[tuple[str, str]]) -> str:
    return "   ".join(f"[{key}] {says}" for key, says in keys)


def _text(text: str) -> str:
    shown = escape_text(text[:MAX_SHOWN])
    return shown if len(text) <= MAX_SHOWN else f"{shown} [cut: {MAX_SHOWN:,} of {len(text):,} characters]"


def _fit(texts: Sequence[str], width: int) -> list[str]:
    return [line for text in texts for line in wrap_cells(text, width)]
