"""The manifest beside an exported file: what the gateway signed, and what the exporter's own side says of the file.

JSON. ``note`` is the gateway's signed note over the data as it left. ``statement`` is the text that was sent, whose
hash the note holds; it begins with the day until which the file may be kept. ``file`` and ``columns`` are the
exporter's own words. For CSV the file's hash is the note's, so nothing rests on them; a Parquet file is made from that
data on the exporter's machine, and that it is, is the exporter's word.
"""

import json
import re
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.gateway.exports import parse_export
from doorward.notes.note import Verifier, parse_note, verify_note

SUFFIX: Final = ".manifest.json"
TITLE: Final = "doorward export manifest"
VERSION: Final = 1
MAX_MANIFEST_BYTES: Final = 4 * 1024 * 1024  # a statement has at most 1 MiB
CHUNK_BYTES: Final = 1024 * 1024
_KEEP: Final = re.compile(r"/\* doorward export; keep until (\d{4}-\d{2}-\d{2}) \*/ COPY \(")


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file as it lies there."""

    name: str
    bytes: int
    sha256: str
    format: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column as PostgreSQL describes it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Verified:
    """An export whose file, manifest and note agree."""

    facts: dict[str, Any]
    file: ExportedFile
    keep_until: date

    @property
    def is_signed_whole(self) -> bool:
        """True where the gateway's signature is over this very file."""
        return bool(self.facts["sha256"] == self.file.sha256)


def manifest_path(file: Path) -> Path:
    """Return where the manifest of a file lies."""
    return file.with_name(file.name + SUFFIX)


def make_statement(question: str, keep_until: date) -> str:
    """Return the COPY of a question, with the day until which what leaves may be kept."""
    keep = f"/* doorward export; keep until {keep_until.isoformat()} */"
    return f"{keep} COPY (\n{question}\n) TO STDOUT WITH (FORMAT csv, HEADER true)"


def describe_file(path: Path, form: str) -> ExportedFile:
    """Return a file's size and hash.

    Raises:
        ConfigError: It cannot be read.
    """
    digest, size = sha256(), 0
    try:
        with path.open("rb") as source:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise ConfigError(f"`{path}` cannot be read: {error.strerror}") from error
    return ExportedFile(path.name, size, digest.hexdigest(), form)


def format_manifest(file: ExportedFile, columns: list[Column], statement: str, note: bytes) -> str:
    """Return a manifest's text."""
    whole = {
        "title": TITLE,
        "version": VERSION,
        "file": asdict(file),
        "columns": [asdict(column) for column in columns],
        "statement": statement,
        "note": note.decode(),
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def verify_export(path: Path, verifier: Verifier) -> Verified:
    """Return what a file is, once its manifest and the gateway's signature agree with it.

    Raises:
        ConfigError: The file or its manifest cannot be read.
        MalformedError: The manifest is none.
        VerificationError: Something does not agree.
    """
    found = _read_manifest(manifest_path(path))
    facts = parse_export(verify_note(parse_note(found["note"].encode()), [verifier]))
    stated = ExportedFile(**found["file"])
    file = describe_file(path, stated.format)
    if (file.sha256, file.bytes) != (stated.sha256, stated.bytes):
        raise VerificationError(f"`{path.name}` is not the file that its manifest is about")
    statement = found["statement"]
    if sha256(statement.encode()).hexdigest() != facts["statement_sha256"]:
        raise VerificationError("the manifest names another statement than the gateway signed")
    keep = _KEEP.match(statement)
    if keep is None:
        raise VerificationError("the statement does not say until when the file may be kept")
    verified = Verified(facts, file, date.fromisoformat(keep[1]))
    if file.format == "csv" and not verified.is_signed_whole:
        raise VerificationError(f"`{path.name}` is not the data that the gateway signed")
    if len(found["columns"]) != facts["columns"]:
        raise VerificationError("the manifest names other columns than left")
    return verified


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as source:
            raw = source.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"the manifest `{path}` cannot be read: {error.strerror}") from error
    strange = MalformedError(f"`{path.name}` is no manifest of an export")
    try:
        found = json.loads(raw) if len(raw) <= MAX_MANIFEST_BYTES else None
    except (ValueError, RecursionError) as error:
        raise strange from error
    kinds = {"file": dict, "columns": list, "statement": str, "note": str}
    if (
        not isinstance(found, dict)
        or (found.get("title"), found.get("version")) != (TITLE, VERSION)
        or any(not isinstance(found.get(key), kind) for key, kind in kinds.items())
        or {name: type(value) for name, value in found["file"].items()}
        != {"name": str, "bytes": int, "sha256": str, "format": str}
    ):
        raise strange
    return found
