"""What the commands of the fund read: a handed-in file, its order's words, the terms of an agreement."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any, Final

from doorward.errors import ConfigError, StoreError
from doorward.fund.filings.acts import Bought, Budgeted, Charged, SetTerms
from doorward.fund.grantee.cells import MAX_BYTES, Refusal, Sheet
from doorward.fund.grantee.checks import Agreement
from doorward.fund.grantee.separated import read_separated
from doorward.fund.grantee.workbook import read_workbook
from doorward.orders.fund_units import FUND_UNITS, FundUnits
from doorward.orders.load import load_fund_units, load_pack

_NO_TERMS: Final = "the terms lack a part or have one of another kind"
ORDER_HELP: Final = "a shipped order such as `chicago`, or the folder of one"


def load_units(order: str) -> FundUnits:
    """Return what a grantee may say under an order; raises as `load_pack` and `load_fund_units`."""
    return load_fund_units(load_pack(order))


def load_sheets(file: Path) -> tuple[tuple[Sheet, ...], tuple[Refusal, ...]]:
    """Return the sheets of a handed-in file, by its first bytes and never by its name.

    Args:
        file: Of a stranger. Its name may be that of a client: no message says it.

    Raises:
        StoreError: It cannot be read.
    """
    raw = load_raw(file)
    is_archive = raw[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")
    return read_workbook(raw) if is_archive else read_separated(raw)


def load_raw(file: Path) -> bytes:
    """Return the bytes of a handed-in file, one more than are taken; raises StoreError, without its name."""
    raw: bytes | None = None
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError:
        pass
    if raw is None:  # outside of `except`: the error bears the name
        raise StoreError("the file cannot be read", hint="is it there, and may you read it?")
    return raw


def load_units_text(order: str) -> str:
    """Return fund_units.toml of an order, without a fault; raises as `load_units`."""
    pack = load_pack(order)
    load_fund_units(pack)
    return pack.files[FUND_UNITS]


def load_bought(file: Path) -> SetTerms:
    """Return the terms of an agreement as they are put on file, from the same TOML as `load_terms`.

    Besides that, ``[ledger]`` says for each service, and each line that names none, where the ledger is charged:
    ``screening = "legal:screening"``.

    Raises:
        ConfigError: It is no such file.
        StoreError: It cannot be read.
    """
    data = _load(file)
    try:
        units, prices = _numbers(data["units"]), _numbers(data["price_cents"])
        if set(units) != set(prices):
            raise ConfigError("the terms have a price for each service with units, and the reverse")
        charged = [(word, *_text(place).partition(":")) for word, place in data["ledger"].items()]
        return SetTerms(
            _text(data["agreement"]),
            tuple(Bought(service, units[service], prices[service]) for service in sorted(units)),
            tuple(Budgeted(line, cents) for line, cents in sorted(_numbers(data["budget_cents"]).items())),
            tuple(Charged(word, line, service) for word, line, _, service in sorted(charged)),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(_NO_TERMS, hint="docs/howto/fund-grantees.md") from error


def _load(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise StoreError(f"cannot read the terms: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("the terms are no TOML in UTF-8") from error


def load_terms(file: Path) -> Agreement:
    """Return the terms of an agreement and what is used of it, from TOML.

    Raises:
        ConfigError: It is no such file.
        StoreError: It cannot be read.
    """
    data = _load(file)
    try:
        left_open = data.get("left_open")
        return Agreement(
            id=_text(data["agreement"]),
            first=_day(data["first"]),
            last=_day(data["last"]),
            units=_numbers(data["units"]),
            prices=_numbers(data["price_cents"]),
            budget=_numbers(data["budget_cents"]),
            used_units=_numbers(data.get("used_units", {})),
            used_budget=_numbers(data.get("used_budget_cents", {})),
            periods=[(_day(one["first"]), _day(one["last"])) for one in data.get("reported", [])],
            invoices=frozenset(int(one) for one in data.get("invoices", [])),
            left_open=None
            if left_open is None
            else {
                (_text(one["service"]), one.get("detained", ""), one.get("stage", "")): int(one["cases"])
                for one in left_open
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(_NO_TERMS, hint="docs/howto/fund-grantees.md") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value.lower()


def _day(value: object) -> date:
    if type(value) is not date:
        raise TypeError
    return value


def _numbers(table: dict[str, Any]) -> dict[str, int]:
    if not all(type(value) is int and value >= 0 for value in table.values()):
        raise TypeError
    return dict(table)
