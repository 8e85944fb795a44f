"""fund_payments.toml: how a finance system's payment file is laid out, and who its payees are. Pure.

A city's file is the city's: an order pack may hold its form, and an installation may name another. What no column of
the form names is dropped as it is read, and a line of a payee that the form does not name is counted and not kept.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from doorward.errors import Finding
from doorward.orders.toml import Toml

FUND_PAYMENTS: Final = "fund_payments.toml"
FORMATS: Final = ("csv", "fixed")
ENCODINGS: Final = ("utf-8", "ascii", "cp1252")
AMOUNTS: Final = ("dollars", "cents")
DAYS: Final = {"iso": "2026-10-31", "us": "10/31/2026", "compact": "20261031"}
NEEDED: Final = ("number", "voucher", "payee", "amount", "day")
COLUMNS: Final = (*NEEDED, "kind", "line", "reverses")
KINDS: Final = ("paid", "reversed", "passed")
MAX_COLUMN: Final = 4_000
_GRANTEE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_PAYEE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{0,39}")
_KEYS: Final = (
    "format",
    "encoding",
    "amount",
    "day",
    "column",
    "word",
    "payee",
    "evidence",
    "standing",
    "says",
)


@dataclass(frozen=True, slots=True)
class PaymentForm:
    """The layout of a payment file.

    Args:
        columns: CSV: the heading of each. Fixed width: its first and last character, from 1.
        words: What the column `kind` says, as `paid`, `reversed` or `passed` (none of the fund's business). Empty
            where there is no such column: an amount below nought is then a reversal.
        payees: The finance system's number of a payee, and the grantee that it is.
        digest: Of the file that says so; hexadecimal SHA-256.
    """

    format: str
    encoding: str
    amount: str
    day: str
    columns: Mapping[str, str | tuple[int, int]]
    words: Mapping[str, str]
    payees: Mapping[str, str]
    digest: str


def read_payment_form(text: str) -> tuple[PaymentForm | None, list[Finding]]:
    """Return what the file says, or None and everything that is wrong with it, each with its line and column.

    Args:
        text: Of fund_payments.toml.

    Raises:
        PolicyCheckError: The text is no TOML.
    """
    file = Toml(FUND_PAYMENTS, text)
    file.refuse_others(_KEYS)
    said = {
        name: _one_of(file, name, known)
        for name, known in (
            ("format", FORMATS),
            ("encoding", ENCODINGS),
            ("amount", AMOUNTS),
            ("day", tuple(DAYS)),
        )
    }
    for name in ("evidence", "standing", "says"):
        file.get(str, name)
    columns = _columns(file, said["format"])
    words = _words(file) if "kind" in columns else {}
    if "kind" not in columns and "word" in file.data:
        file.note("`word` says what the column `kind` means, and there is none", "word")
    payees = {}
    for payee, grantee in file.table("payee").items():
        if not _PAYEE.fullmatch(payee) or not isinstance(grantee, str) or not _GRANTEE.fullmatch(grantee):
            file.note("a payee is the finance system's number, and the id of a grantee", "payee", payee)
        else:
            payees[payee] = grantee
    digest = sha256(text.encode()).hexdigest()
    found = PaymentForm(**said, columns=columns, words=words, payees=payees, digest=digest)
    return (None if file.findings else found), file.findings


def _one_of(file: Toml, name: str, known: tuple[str, ...]) -> str:
    said = file.get(str, name)
    if said and said not in known:
        file.note(f"`{said[:40]}` is no `{name}`", name, hint=f"one of {', '.join(known)}")
    return said


def _columns(file: Toml, form: str) -> dict[str, str | tuple[int, int]]:
    file.refuse_others(COLUMNS, "column")
    found: dict[str, str | tuple[int, int]] = {}
    for name, said in file.table("column").items():
        if form != "fixed" and isinstance(said, str) and said:
            found[name] = said
        elif form == "fixed" and _is_span(said):
            found[name] = (said[0], said[1])
        else:
            file.note(f"`column.{name}` is a heading, or of a fixed width [first, last]", "column", name)
    for name in NEEDED:
        if name not in file.table("column"):
            file.note(f"a payment file has a column `{name}`", "column")
    if len(set(found.values())) != len(found):
        file.note("two columns are the same one", "column")
    return found


def _is_span(said: object) -> bool:
    return (
        isinstance(said, list)
        and len(said) == len(("first", "last"))
        and all(type(one) is int for one in said)
        and 1 <= said[0] <= said[1] <= MAX_COLUMN
    )


def _words(file: Toml) -> dict[str, str]:
    file.refuse_others(KINDS, "word")
    found: dict[str, str] = {}
    for kind, words in file.table("word").items():
        if not isinstance(words, list) or not all(isinstance(one, str) and one for one in words):
            file.note(f"`word.{kind}` is a list of words", "word", kind)
            continue
        for one in words:
            if found.setdefault(one, kind) != kind:
                file.note("a word has one meaning", "word", kind)
    if "paid" not in found.values():
        file.note("a word means `paid`", "word")
    return found
