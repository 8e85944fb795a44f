"""The terms of an agreement as a form: units at a price, a budget, and where the ledger is charged. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from doorward.desk.fund.forms import Sent, money
from doorward.desk.templatetags.dollars import dollars
from doorward.errors import ConfigError
from doorward.fund.filings.acts import Bought, Budgeted, Charged, SetTerms
from doorward.orders.fund import FundWords
from doorward.orders.fund_units import FundUnits

MOST_DIGITS: Final = 8  # of units; the rule bounds them lower


@dataclass(frozen=True, slots=True)
class Row:
    """A service or a line of the budget, with what was typed.

    Args:
        is_service: It has units and a price, and a line has dollars.
        is_charged: It says where the ledger is charged: a service always, a line that names no service.
    """

    word: str
    title: str
    hint: str
    is_service: bool
    is_charged: bool
    units: str = ""
    price: str = ""
    dollars: str = ""
    at: str = ""


def places_of(words: FundWords) -> list[tuple[str, str]]:
    """Return where the ledger can be charged: value and label of each service that a line buys."""
    return [
        (f"{line.code}:{service}", f"{line.title}: {words.services[service].title}")
        for line in words.lines.values()
        if line.enabled
        for service in line.services
    ]


def rows_of(units: FundUnits, sent: Sent) -> list[Row]:
    """Return the rows of the form: every service of the order, then every line that is on."""
    services = [
        Row(
            word, one.says, f"by the {one.unit}", is_service=True, is_charged=True,
            units=sent.get(f"units-{word}", ""), price=sent.get(f"price-{word}", ""), at=sent.get(f"at-{word}", ""),
        )
        for word, one in units.services.items()
    ]  # fmt: skip
    lines = [
        Row(
            word, one.says, "", is_service=False, is_charged=not one.priced,
            dollars=sent.get(f"dollars-{word}", ""), at=sent.get(f"at-{word}", ""),
        )
        for word, one in units.lines.items()
        if not one.is_off
    ]  # fmt: skip
    return services + lines


def typed_of(terms: SetTerms | None) -> dict[str, str]:
    """Return what somebody would have typed for these terms; nothing for none."""
    if terms is None:
        return {}
    typed: dict[str, str] = {}
    for bought in terms.bought:
        typed[f"units-{bought.service}"] = str(bought.units)
        typed[f"price-{bought.service}"] = dollars(bought.price_cents)
    typed |= {f"dollars-{one.line}": dollars(one.cents) for one in terms.budget}
    return typed | {f"at-{one.word}": f"{one.line}:{one.service}" for one in terms.charged}


def build_terms(agreement: str, sent: Sent, units: FundUnits) -> SetTerms:
    """Return the terms that were typed; whether they may stand is for `filings.decide`.

    Args:
        sent: Of a form, from anybody; a field that is no field of it says nothing.

    Raises:
        ConfigError: A service has units and no price, or the reverse; something is no number; something that is not
            bought is charged.
    """
    bought: list[Bought] = []
    budget: list[Budgeted] = []
    charged: list[Charged] = []
    for row in rows_of(units, sent):
        said = any(one.strip() for one in (row.units, row.price, row.dollars))
        if not said and row.at:
            raise ConfigError(f"{row.title}: it is charged somewhere, and nothing of it is agreed")
        if not said:
            continue
        if row.is_service:
            bought.append(Bought(row.word, _units(row), _cents(row, sent, f"price-{row.word}")))
        else:
            budget.append(Budgeted(row.word, _cents(row, sent, f"dollars-{row.word}")))
        charged += _charged(row)
    return SetTerms(
        agreement,
        tuple(sorted(bought, key=lambda one: one.service)),
        tuple(sorted(budget, key=lambda one: one.line)),
        tuple(sorted(charged, key=lambda one: one.word)),
    )


def _charged(row: Row) -> Iterator[Charged]:
    line, colon, service = row.at.partition(":")
    if row.is_charged and colon:
        yield Charged(row.word, line, service)


def _units(row: Row) -> int:
    said = row.units.strip().replace(",", "")
    if not (said.isascii() and said.isdecimal() and len(said) <= MOST_DIGITS):
        raise ConfigError(f"{row.title}: say how many units are bought, as a whole number")
    return int(said)


def _cents(row: Row, sent: Mapping[str, str], name: str) -> int:
    try:
        return money(sent, name)
    except ConfigError as error:
        what = "the price of a unit" if row.is_service else "the budget"
        raise ConfigError(f"{row.title}: say {what} in dollars, such as 90 or 12.50") from error
