"""The second pass over a publication: reads the finished bytes of every file, and looks for what must not be there.

It knows nothing of how the files were made. What is looked for: every value of the audit's personal cells, everything
that the masking took out, and the patterns that nothing in a report itself looks like. In wordings it looks for any
word that is not on the list. INVARIANT (fails-closed): a file of a kind that it cannot read is a finding.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

from doorward.lookback.cells import CELLS
from doorward.lookback.report.charts import program
from doorward.lookback.report.masking import leaks, normal, pieces, telling
from doorward.lookback.report.source import Source

_NORMAL: Final = r"regexp_replace(lower({0}), '[^\p{{L}}\p{{N}}]', '', 'g')"


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that must not be in a file: which file, and what kind of thing; never the thing itself."""

    file: str
    kind: str


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._element, self._json = "", False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._element = tag
        self._json = tag == "script" and dict(attrs).get("type") == "application/json"
        self.texts += [value for _, value in attrs if value]

    def handle_startendtag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value for _, value in attrs if value]

    def handle_endtag(self, _tag: str) -> None:
        self._element = ""

    def handle_data(self, data: str) -> None:
        if self._element == "script" and self._json:
            self.texts += strings_of(json.loads(data))
        elif not (self._element == "script" and data == program()):
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.texts.append(data)


def strings_of(value: Any) -> Iterator[str]:  # noqa: ANN401  # JSON
    """Yield every text of a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield str(key)
            yield from strings_of(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings_of(one)


def texts_of(file: Path) -> list[str] | None:
    """Return what a reader of a finished file can see, piece by piece; None where the file is of no known kind."""
    if file.suffix == ".html":
        reader = _Reader()
        reader.feed(file.read_text(encoding="utf-8"))
        reader.close()
        return reader.texts
    if file.suffix == ".json":
        return list(strings_of(json.loads(file.read_text(encoding="utf-8"))))
    if file.suffix == ".csv":
        rows = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"), newline=""))
        return [value for row in rows for name, value in row.items() if name != "value"]
    if file.suffix == ".pdf":
        return _texts_of_pdf(file.read_bytes())
    return None


def _texts_of_pdf(raw: bytes) -> list[str]:
    import pypdfium2

    document = pypdfium2.PdfDocument(raw)
    try:
        texts = list(document.get_metadata_dict().values())
        for page in document:
            texts += page.get_textpage().get_text_range().splitlines()
    finally:
        document.close()
    return texts


def check_publication(
    source: Source, root: Path, *, taken: Iterable[str], ordinary: frozenset[str]
) -> list[Leak]:
    """Return what must not be in the files of a publication and is; empty is what lets it out.

    Args:
        source: The audit.
        root: The folder of the finished files.
        taken: What the masking took out.
        ordinary: Words that are public, of the order and the names of agencies among them.
    """
    found: set[Leak] = set()
    where: dict[str, set[str]] = {}
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        name = file.relative_to(root).as_posix()
        texts = texts_of(file)
        if texts is None:
            found.add(Leak(name, "a file of no known kind"))
            continue
        for text in texts:
            found.update(Leak(name, kind) for kind in leaks(text))
            for piece in pieces(text):
                where.setdefault(piece, set()).add(name)
    for text in taken:
        if telling(text, ordinary):
            found.update(Leak(name, "what was masked") for name in where.get(normal(text), ()))
    for kind, value in _values_in(source, where):
        if telling(value, ordinary):
            found.update(Leak(name, kind) for name in where[normal(value)])
    return sorted(found, key=lambda leak: (leak.file, leak.kind))


def check_wordings(wordings: Iterable[str], words: frozenset[str]) -> list[Leak]:
    """Return whether a published wording holds a word that is not on the list."""
    return sorted(
        {Leak("wordings", kind) for text in wordings for kind in leaks(text, words)}, key=lambda one: one.kind
    )


def _values_in(source: Source, where: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield kind and value of every personal cell whose value stands in the files; read by the engine, of any size."""
    if not any(source.folder.rows.glob("*.parquet")):
        return
    rows = str(source.folder.rows / "*.parquet")
    source.connection.execute("CREATE OR REPLACE TEMP TABLE published (piece VARCHAR)")
    source.connection.execute("INSERT INTO published SELECT unnest(?::VARCHAR[])", [sorted(where)])
    for cell in CELLS:
        if cell.personal:
            plain = _NORMAL.format(f'"{cell.name}"')
            sql = (
                f'SELECT DISTINCT "{cell.name}" FROM read_parquet(?, union_by_name := true) '  # noqa: S608  # our names
                f'WHERE "{cell.name}" IS NOT NULL AND {plain} IN (SELECT piece FROM published)'
            )
            for (value,) in source.ask(sql, rows):
                if normal(value) in where:
                    yield cell.name, value
