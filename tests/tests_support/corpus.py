"""The shared corpus of Cedar, whole or every so many-th case of it."""

from collections.abc import Iterator
from pathlib import Path

from doorward.cedar.corpus import Case, read_cases
from doorward.cli.policy import read_corpus

FEW = 200  # files; an archive of no more is taken whole


def read_some(shared: Path, *, every: int) -> Iterator[Case]:
    """Yield each so many-th case of the generated archive, in the order of their names, and all written by hand."""
    for files in some_files(shared, every=every):
        yield from read_cases(files)


def some_files(shared: Path, *, every: int) -> Iterator[dict[str, bytes]]:
    """Yield the files of these cases, an archive each."""
    for files in read_corpus(shared / "vectors" / "cedar"):
        stems = sorted({name.partition(".")[0] for name in files})  # a case and its own files have one
        kept = set(stems if len(files) <= FEW else stems[::every])
        yield {name: content for name, content in files.items() if name.partition(".")[0] in kept}
