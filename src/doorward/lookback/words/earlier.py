"""What an earlier run said of the wordings, kept for the next run in the same folder.

A table of phrases depends on the wordings and on what classifies them. The first are compared cell by cell; the second
is one digest: the expressions, the query, its twin in Python, and the engine. Where both are the same the table stands.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

from doorward.lookback.folder import AuditFolder
from doorward.lookback.queries import quote_text
from doorward.lookback.words.phrase import Wording
from doorward.lookback.words.phrases import write_query
from doorward.orders.lexicon import Lexicon

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def digest_words(lexicon: Lexicon) -> str:
    """Return the digest of everything beside the wordings that a table of phrases depends on."""
    twin = resources.files("doorward.lookback.words") / "phrase.py"
    parts = (
        write_query(lexicon, first=1, after=2), twin.read_text(encoding="utf-8"), repr(lexicon.patterns),
        version("doorward"), version("duckdb"),
    )  # fmt: skip
    return sha256("\0".join(parts).encode()).hexdigest()


def note_phrases(folder: AuditFolder, made: Mapping[Path, str]) -> None:
    """Write down by which words each table of phrases was made, and remove what was set aside.

    Args:
        folder: Of the audit.
        made: The digest of each table's words, by its path.
    """
    told = {path.name: {"words": words, "bytes": path.stat().st_size} for path, words in made.items()}
    part = folder.phrases_made.with_suffix(".part")
    part.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(folder.phrases_made)
    rmtree(folder.earlier, ignore_errors=True)


def set_aside(folder: AuditFolder) -> None:
    """Move the tables of phrases that are whole to where the next run looks for them; one that nobody noted stays.

    A run that is killed leaves them there.
    """
    try:
        told = json.loads(folder.phrases_made.read_text(encoding="utf-8"))
        noted = {str(name): (str(one["words"]), int(one["bytes"])) for name, one in told.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        noted = {}
    folder.phrases_made.unlink(missing_ok=True)
    for name, (words, size) in noted.items():
        path = folder.phrases.with_name(Path(name).name)
        if path.is_file() and path.stat().st_size == size and words.isalnum():
            folder.earlier.mkdir(exist_ok=True)
            path.replace(folder.earlier / f"{words}.parquet")


def take_phrases(connection: "DuckDBPyConnection", folder: AuditFolder, words: str, target: Path) -> bool:
    """Return whether an earlier table is of the same words and wordings, and has now the name of this run's.

    Args:
        connection: With the table `wordings` of this run.
        folder: Of the audit.
        words: The digest of what classifies them.
        target: The name.
    """
    held = folder.earlier / f"{words}.parquet"
    if not held.exists():
        return False
    same = " AND ".join(f"w.{name} IS NOT DISTINCT FROM p.{name}" for name in Wording.__slots__)
    counts = connection.execute(
        f"SELECT count(w.phrase), count(p.phrase), count(*) FILTER ({same}) FROM wordings w "  # noqa: S608  # quoted
        f"FULL JOIN read_parquet({quote_text(held)}) p ON p.phrase = w.phrase"
    ).fetchone()
    if counts is None or len(set(counts)) != 1:
        return False
    held.replace(target)
    return True
