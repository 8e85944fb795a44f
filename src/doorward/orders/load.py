"""Reads a pack from disk: the only file of this package that does.

Shipped packs are named (`chicago`); any other is a folder. Every file of the folder counts for the digest, hidden
ones and compiled Python apart.
"""

from importlib import resources
from pathlib import Path

from doorward.errors import ConfigError, Finding, PolicyCheckError
from doorward.orders.assemble import COLLECTIONS, assemble_pack
from doorward.orders.lexicon import REASONS, Lexicon, read_lexicon
from doorward.orders.pack import SAMPLE_OFFICE, Agency, Clause, Contacts, Pack, Purpose
from doorward.orders.scaffold import SUFFIX

__all__ = [
    "Agency",
    "Clause",
    "Contacts",
    "Pack",
    "Purpose",
    "find_pack",
    "load_lexicon",
    "load_pack",
    "read_files",
    "read_vocabularies",
    "shipped_orders",
]

SHIPPED = Path(str(resources.files("doorward.orders")))
MAX_FILES = 500
MAX_PACK_BYTES = 32 * 1024 * 1024  # a city's entity file of 20,000 agencies takes 4 MB


def load_pack(name_or_path: str | Path, *, production: bool = False, collections: Path | None = None) -> Pack:
    """Return the pack of this name, or the one in this folder.

    Args:
        name_or_path: A shipped pack's name, or a folder.
        production: Refuse a pack that the office `sample` adopted.
        collections: A city's own collections.toml, which takes the place of the pack's; it counts for the digest.

    Raises:
        ConfigError: There is no such pack, or it is too large.
        PolicyCheckError: The pack has a fault; ``findings`` lists all.
    """
    files = read_files(find_pack(name_or_path))
    if collections is not None:
        files |= {COLLECTIONS: _read_collections(collections)}
    pack = assemble_pack(files)
    if production and pack.is_sample:
        clauses = [clause.id for clause in pack.clauses.values() if clause.adopted_by == SAMPLE_OFFICE]
        message = f"the office `{SAMPLE_OFFICE}` does not exist and adopted {', '.join(clauses)}"
        raise PolicyCheckError(
            f"the order `{pack.name}` is a sample and no order for production: {message}",
            findings=[Finding(message)],
            hint="a law department adopts each clause, or marks it `needs-counsel`",
        )
    return pack


def _read_collections(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_PACK_BYTES:
            raise ConfigError(f"the collections file is larger than {MAX_PACK_BYTES} bytes")
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"the collections file cannot be read: {error.strerror}") from error


def find_pack(name_or_path: str | Path) -> Path:
    """Return the folder of a pack.

    Raises:
        ConfigError: There is no such pack.
    """
    name, known = str(name_or_path), shipped_orders()
    if name in known:
        return SHIPPED / name
    folder = Path(name_or_path)
    if folder.is_dir():
        return folder
    raise ConfigError(
        f"`{name[:200]}` is neither a shipped order nor a folder", hint=f"shipped: {', '.join(known)}"
    )


def shipped_orders() -> tuple[str, ...]:
    """Return the names of the orders that come with doorward."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob("*/order.toml")))


def read_templates() -> dict[str, str]:
    """Return the files that a new order is made of, by their path."""
    folder = SHIPPED / "scaffold"
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob(f"*{SUFFIX}"))
    }


def read_files(folder: Path) -> dict[str, bytes]:
    """Return every file of a pack by its path inside of it.

    Raises:
        ConfigError: A file cannot be read, or there is too much.
    """
    files: dict[str, bytes] = {}
    try:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if any(part.startswith((".", "__pycache__")) for part in name.parts) or not path.is_file():
                continue
            files[name.as_posix()] = path.read_bytes()
            if len(files) > MAX_FILES or sum(map(len, files.values())) > MAX_PACK_BYTES:
                raise ConfigError(
                    f"the pack is larger than {MAX_FILES} files or {MAX_PACK_BYTES} bytes",
                    hint="is this the folder of an order?",
                )
    except OSError as error:
        raise ConfigError(f"a file of the pack cannot be read: {error.strerror}") from error
    return files


def load_lexicon(pack: Pack) -> Lexicon:
    """Return the audit lexicon of an order, with the vocabularies that it includes.

    Raises:
        ConfigError: The order has none, so that it cannot be audited.
        PolicyCheckError: It has a fault; ``findings`` lists all.
    """
    lexicon, findings = read_lexicon(pack, read_vocabularies())
    if findings:
        more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
        raise PolicyCheckError(
            f"the lexicon of `{pack.name}` has a fault: {findings[0]}{more}",
            findings=findings,
            hint=findings[0].hint or "`doorward order check` lists every fault with its place",
        )
    if lexicon is None:
        raise ConfigError(
            f"the order `{pack.name}` has no `{REASONS}` and cannot be audited",
            hint="docs/concepts/lexicon.md says what it is and how to write one",
        )
    return lexicon


def read_vocabularies() -> dict[str, str]:
    """Return the vocabularies that come with doorward, by name and version."""
    return {
        path.stem: path.read_text(encoding="utf-8")
        for path in sorted((SHIPPED / "vocabulary").glob("*.toml"))
    }
