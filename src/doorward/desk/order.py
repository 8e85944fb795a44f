"""The order that the desk asks, read once a process."""

from dataclasses import dataclass
from functools import cache

from django.conf import settings

from doorward.errors import ConfigError
from doorward.orders.deadlines import DEADLINES, Deadlines
from doorward.orders.fund import FundWords
from doorward.orders.fund_units import FUND_UNITS, FundUnits
from doorward.orders.intake import Intake, load_intake
from doorward.orders.letter_book import LetterBook
from doorward.orders.load import load_deadlines, load_fund, load_fund_units, load_letters, load_pack
from doorward.orders.pack import Pack


@dataclass(frozen=True, slots=True)
class Order:
    """An order and what it lets a desk take in."""

    pack: Pack
    intake: Intake
    deadlines: Deadlines | None


def papers_of(pack: Pack) -> tuple[str, ...]:
    """Return the classes of papers that the order knows, such as `court_criminal`."""
    specs = next(iter(pack.requests.resources)), "context.papers."
    paths = pack.requests.specs(specs[0])
    return tuple(
        path.split(".")[2] for path in paths if path.startswith(specs[1]) and path.endswith(".verified")
    )


@cache
def order() -> Order:
    """Return the order of the configuration.

    Raises:
        ConfigError: The pack cannot be loaded, or a desk can take nothing in under it.
    """
    pack = load_pack(settings.DESK.order)
    return Order(pack, load_intake(pack), load_deadlines(pack) if DEADLINES in pack.files else None)


@cache
def letters() -> LetterBook:
    """Return the letters of the order.

    Raises:
        PolicyCheckError: They have a fault.
    """
    return load_letters(order().pack)


@cache
def fund_words() -> FundWords | None:
    """Return how the order words the fund whose ledger this desk reaches, or None where it reaches none.

    Raises:
        ConfigError: The pack cannot be loaded, or has no words for a fund.
        PolicyCheckError: They have a fault.
    """
    place = settings.DESK.fund
    return None if place is None else load_fund(load_pack(place.order))


@cache
def fund_units() -> tuple[FundUnits, str]:
    """Return what a grantee of the fund may say, and the text of it for the child that reads files.

    Raises:
        ConfigError: This desk reaches no fund, or the pack has no such words.
        PolicyCheckError: They have a fault.
    """
    place = settings.DESK.fund
    if place is None:
        raise ConfigError("this desk reaches no fund")
    pack = load_pack(place.order)
    return load_fund_units(pack), pack.files[FUND_UNITS]
