"""A small audit folder: phrases and accesses as the earlier stages leave them, of invented wordings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import duckdb

from doorward.lookback.folder import AuditFolder
from doorward.lookback.labels.file import LabelFile
from doorward.lookback.labels.labels import WORDS, Label, LabelSet, Wording, id_of

AT = "2026-05-04T12:00:00.000Z"
BY_WORD = {word.word: word for word in WORDS}


@dataclass(frozen=True)
class Phrase:
    reason: str | None
    n: int = 1
    tier: str = "other"
    offense: str | None = None
    patterns: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    filters: str | None = None
    prompt: str | None = None
    searchers: int = 1


def make_audit(root: Path, phrases: Sequence[Phrase]) -> AuditFolder:
    """Write the tables of an audit that has these phrases, each said `n` times by `searchers` organisations."""
    folder = AuditFolder(root)
    folder.accesses.mkdir(parents=True, exist_ok=True)
    engine = duckdb.connect()
    engine.execute(
        "CREATE TABLE p (phrase BIGINT, reason VARCHAR, reason_state VARCHAR, offense VARCHAR, offense_state VARCHAR, "
        "filters VARCHAR, filters_state VARCHAR, prompt VARCHAR, prompt_state VARCHAR, tier VARCHAR, "
        "purposes VARCHAR[], for_agencies VARCHAR[], patterns VARCHAR[], evidence VARCHAR[], said VARCHAR, "
        "case_in_reason VARCHAR)"
    )
    engine.execute(
        "CREATE TABLE a (file INTEGER, row BIGINT, phrase BIGINT, searcher_no INTEGER, elsewhere BOOLEAN DEFAULT false)"
    )
    for number, one in enumerate(phrases):
        cells = [
            part
            for cell in (one.reason, one.offense, one.filters, one.prompt)
            for part in (cell, "value" if cell else "blank")
        ]
        engine.execute(
            "INSERT INTO p VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ['unknown'], ['unknown'], ?, ?, 'stated', NULL)",
            [number, *cells, one.tier, list(one.patterns), list(one.evidence)],
        )
        engine.execute(
            "INSERT INTO a (file, row, phrase, searcher_no) SELECT 0, i, ?, i % ? FROM range(?) AS r(i)",
            [number, one.searchers, one.n],
        )
    engine.execute(f"COPY p TO '{folder.phrases}' (FORMAT parquet)")
    engine.execute(f"COPY a TO '{folder.accesses / '0000.parquet'}' (FORMAT parquet)")
    engine.close()
    return folder


def label_of(
    reason: str, word: str, *, by: str = "AB", n: int = 1, via: str = "count", adjudicates: bool = False
) -> Label:
    """Return a label of a reason that stands alone."""
    wording, given = Wording(reason), BY_WORD[word]
    return Label(n, AT, by, wording.digest, wording.clipped(), word, given.tier, via, adjudicates)


def label_set(*labels: Label) -> LabelSet:
    """Return what a file with these labels holds, numbered in this order."""
    found = LabelSet()
    for label in labels:
        act = replace(label, n=found.next_number())
        found.add(id_of(act), act)
    return found


def write_labels(path: Path, *labels: Label) -> None:
    """Add these labels to a file."""
    with LabelFile(path) as file:
        for label in labels:
            file.append(partial(_numbered, label))


def _numbered(label: Label, _: LabelSet, n: int) -> Label:
    return replace(label, n=n)
