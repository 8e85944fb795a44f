"""Reads a pack from disk: the only file of this package that does.

Shipped packs are named (`chicago`); any other is a folder. Every file of the folder counts for the digest, hidden
ones and compiled Python apart.
"""

from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import TypeVar

from doorward.errors import ConfigError, Finding, PolicyCheckError
from doorward.orders.assemble import COLLECTIONS, assemble_pack
from doorward.orders.deadlines import DEADLINES, Deadlines, read_deadlines
from doorward.orders.exemptions import EXEMPTIONS, Exemptions, read_exemptions
from doorward.orders.fund import FUND, FundWords, read_fund
from doorward.orders.fund_history import HISTORY, History, read_fund_history
from doorward.orders.fund_payments import FUND_PAYMENTS, PaymentForm, read_payment_form
from doorward.orders.fund_published import PUBLISHED, PublishedWords, read_fund_published
from doorward.orders.fund_units import FUND_UNITS, FundUnits, read_fund_units
from doorward.orders.letter_book import LetterBook
from doorward.orders.letters import read_letters
from doorward.orders.lexicon import REASONS, Lexicon, read_lexicon
from doorward.orders.pack import SAMPLE_OFFICE, Agency, Clause, Contacts, Pack, Purpose
from doorward.orders.record_rules import RECORD, RecordRules, read_record_rules
from doorward.orders.retention import RETENTION, Retention, read_retention
from doorward.orders.scaffold import SUFFIX
from doorward.orders.statutory import STATUTORY, StatutoryWords, read_statutory
from doorward.orders.transparency import TRANSPARENCY, Counted, read_transparency

__all__ = [
    "Agency",
    "Clause",
    "Contacts",
    "Pack",
    "Purpose",
    "find_pack",
    "load_deadlines",
    "load_exemptions",
    "load_fund",
    "load_fund_history",
    "load_fund_published",
    "load_fund_units",
    "load_letters",
    "load_lexicon",
    "load_pack",
    "load_payment_form",
    "load_record_rules",
    "load_retention",
    "load_statutory",
    "load_transparency",
    "read_files",
    "read_plain_letters",
    "read_vocabularies",
    "shipped_orders",
]

SHIPPED = Path(str(resources.files("doorward.orders")))
MAX_FILES = 500
MAX_PACK_BYTES = 32 * 1024 * 1024  # a city's entity file of 20,000 agencies takes 4 MB
T = TypeVar("T")


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


def load_letters(pack: Pack) -> LetterBook:
    """Return the letters of an order; the plain ones where it has none of its own.

    Raises:
        PolicyCheckError: They have a fault; ``findings`` lists all.
    """
    book, findings = read_letters(pack, read_plain_letters())
    if book is None:
        more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
        raise PolicyCheckError(
            f"the letters of `{pack.name}` have a fault: {findings[0]}{more}",
            findings=findings,
            hint=findings[0].hint or "`doorward letter check` lists every fault with its place",
        )
    return book


def read_plain_letters() -> dict[str, str]:
    """Return the files of the plain letters that come with doorward, by their path."""
    folder = SHIPPED / "plain"
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def read_vocabularies() -> dict[str, str]:
    """Return the vocabularies that come with doorward, by name and version."""
    return {
        path.stem: path.read_text(encoding="utf-8")
        for path in sorted((SHIPPED / "vocabulary").glob("*.toml"))
    }


def load_deadlines(pack: Pack) -> Deadlines:
    """Return the calendars and clocks of an order.

    Raises:
        ConfigError: The order has none.
        PolicyCheckError: The file has a fault; ``findings`` lists all.
    """
    return _part(pack, DEADLINES, "clocks", lambda text: read_deadlines(text, pack.clauses))


def load_statutory(pack: Pack) -> StatutoryWords:
    """Return the words of an order's statutory reports; raises as `load_deadlines`."""
    return _part(pack, STATUTORY, "statutory reports", lambda text: read_statutory(text, pack.clauses))


def load_transparency(pack: Pack) -> Counted:
    """Return what an order's public table counts; raises as `load_deadlines`."""
    return _part(pack, TRANSPARENCY, "public table", read_transparency)


def load_fund_units(pack: Pack) -> FundUnits:
    """Return what a grantee of an order's fund may say; raises as `load_deadlines`."""
    return _part(pack, FUND_UNITS, "words for grantees of a fund", read_fund_units)


def load_fund_history(pack: Pack) -> History:
    """Return what others published of an order's fund; raises as `load_deadlines`."""
    return _part(pack, HISTORY, "history of a fund", read_fund_history)


def load_fund_published(pack: Pack) -> PublishedWords:
    """Return what everybody may see of an order's fund; raises as `load_deadlines`."""
    return _part(pack, PUBLISHED, "public tables of a fund", read_fund_published)


def load_payment_form(pack: Pack) -> PaymentForm:
    """Return how a pack says that the finance system's payments come; raises as `load_deadlines`."""
    return _part(pack, FUND_PAYMENTS, "layout of payment files", read_payment_form)


def load_exemptions(pack: Pack) -> Exemptions:
    """Return the codes under which a public-records answer withholds something; raises as `load_deadlines`."""
    return _part(pack, EXEMPTIONS, "codes of exemptions", read_exemptions)


def load_record_rules(pack: Pack) -> RecordRules:
    """Return who may look into the record, and what of it leaves the city; raises as `load_deadlines`."""
    return _part(pack, RECORD, "rules of the record", read_record_rules)


def load_retention(pack: Pack) -> Retention:
    """Return how long what the desk keeps is kept; raises as `load_deadlines`."""
    return _part(pack, RETENTION, "retention schedule", read_retention)


def load_fund(pack: Pack) -> FundWords:
    """Return how an order words its fund; raises as `load_deadlines`."""
    return _part(pack, FUND, "fund", read_fund)


def _part(pack: Pack, name: str, what: str, read: Callable[[str], tuple[T | None, Sequence[Finding]]]) -> T:
    text = pack.files.get(name)
    if text is None:
        raise ConfigError(f"the order `{pack.name}` has no `{name}` and so no {what}")
    found, findings = read(text)
    if found is None:
        raise _faults(pack, name, findings)
    return found


def _faults(pack: Pack, name: str, findings: Sequence[Finding]) -> PolicyCheckError:
    more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
    return PolicyCheckError(
        f"`{name}` of `{pack.name}` has a fault: {findings[0]}{more}",
        findings=findings,
        hint=findings[0].hint,
    )
