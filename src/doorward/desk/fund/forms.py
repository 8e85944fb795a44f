"""The acts of the fund as forms: what each asks, and the operation that comes of what was sent. Pure.

A form asks for ids, numbers of documents, days, dollars and words of the order; there is no field for anything else.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeAlias

from doorward.desk.roles import Act
from doorward.errors import ConfigError
from doorward.fund.dollars import parse_dollars
from doorward.fund.ledger.operations import (
    Agree,
    Amend,
    Appropriate,
    Approve,
    CloseOut,
    CloseYear,
    File,
    OpenYear,
    Operation,
    Part,
    Pay,
    Post,
    Refund,
    Void,
    Withdraw,
)
from doorward.orders.fund import FundWords

Sent: TypeAlias = Mapping[str, str]
_GROUPED: Final = re.compile(r"-?\$?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]{2})?")
_ID_HINT: Final = "Lower-case letters, digits and hyphens, at most 40. Never a person's name or number."
_NUMBER_HINT: Final = "As it stands on the document: letters, digits, dots, slashes and hyphens."
_DOLLARS_HINT: Final = "Such as 250000 or 12.50."


@dataclass(frozen=True, slots=True)
class Choices:
    """What a form may be about now.

    Args:
        years: Those that are open.
        agreements: Those that are not closed out.
        year: The open one that today is in, or else the last one; where nothing was typed, it is taken.
        has_advance: Something was advanced to the agreement that this is about, and can be recouped.
    """

    words: FundWords
    years: Sequence[int] = ()
    agreements: Sequence[str] = ()
    year: int | None = None
    has_advance: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One field.

    Args:
        kind: `text`, `money`, `day`, `number`, `choice` or `checks`.
        options: Of a choice: value and label.
    """

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    required: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    """An act.

    Args:
        act: By which somebody may.
        about: What it is about: `fund`, `year`, `agreement` or `claim`; its id is in the address.
        build: Returns the operation; raises ConfigError for what is no amount or day.
        asks: Returns its fields.
    """

    title: str
    button: str
    act: Act
    about: str
    says: str
    build: Callable[[str, Sent, Choices], Operation]
    asks: Callable[[Choices], tuple[Asked, ...]] = field(default=lambda _: ())


def money(sent: Sent, name: str) -> int:
    """Return the cents of a field; dollars may be grouped by commas, and begin with a dollar sign.

    Raises:
        ConfigError: It is no amount.
    """
    said = sent.get(name, "").strip()
    if _GROUPED.fullmatch(said):
        said = said.replace(",", "")
    return parse_dollars(said.replace("$", "", 1))


def day(sent: Sent, name: str) -> date:
    """Return the day of a field; raises ConfigError."""
    try:
        return date.fromisoformat(sent.get(name, "").strip())
    except ValueError as error:
        raise ConfigError(f"`{sent.get(name, '')[:20]}` is no day", hint="such as 2027-01-31") from error


def _word(sent: Sent, name: str) -> str:
    return sent.get(name, "").strip()


def _year(sent: Sent, name: str = "year") -> int:
    said = _word(sent, name)
    if not (said.isascii() and said.isdigit() and len(said) == 4):
        raise ConfigError(f"`{said[:20]}` is no fiscal year", hint="such as 2027")
    return int(said)


def _parts(sent: Sent, choices: Choices, *, with_services: bool) -> tuple[Part, ...]:
    """Return a part for each field of dollars that has something in it."""
    year, found = _year(sent), []
    for line in choices.words.lines.values():
        for service in line.services if with_services else ("",):
            name = f"{line.code}:{service}" if service else line.code
            if _word(sent, f"cents-{name}"):
                recoup = money(sent, f"recoup-{name}") if _word(sent, f"recoup-{name}") else 0
                found.append(Part(year, line.code, money(sent, f"cents-{name}"), service, recoup))
    return tuple(found)


def _open_lines(choices: Choices) -> list[tuple[str, str]]:
    return [(line.code, line.title) for line in choices.words.lines.values() if line.enabled]


def _ask_year(choices: Choices) -> Asked:
    years = tuple((str(year), str(year)) for year in sorted(choices.years, reverse=True))
    return Asked("year", "Fiscal year", "choice", options=years)


def _ask_line(choices: Choices) -> Asked:
    return Asked("line", "Line", "choice", options=tuple(_open_lines(choices)))


def _ask_days(what: str) -> tuple[Asked, Asked]:
    return Asked("begins", f"First day of {what}", "day"), Asked("ends", f"Last day of {what}", "day")


def _ask_appropriate(choices: Choices) -> tuple[Asked, ...]:
    sources = tuple(choices.words.sources.items())
    return (
        _ask_year(choices), _ask_line(choices),
        Asked("cents", "Dollars", "money", f"{_DOLLARS_HINT} Below nought, such as -5000, takes back."),
        Asked("source", "Where it comes from", "choice", options=sources),
        Asked("reference", "Number of the act", hint=_NUMBER_HINT),
    )  # fmt: skip


def _ask_agree(choices: Choices) -> tuple[Asked, ...]:
    lines = tuple(
        Asked(f"cents-{code}", f"Dollars from {title}", "money", _DOLLARS_HINT, required=False)
        for code, title in _open_lines(choices)
    )
    return (
        Asked("agreement", "Id of the agreement", hint=_ID_HINT),
        Asked("grantee", "Id of the grantee", hint="An organisation's, such as north-legal."),
        *_ask_days("the agreement"), _ask_year(choices), *lines,
    )  # fmt: skip


def _ask_claim(choices: Choices) -> tuple[Asked, ...]:
    return (
        Asked("claim", "Id of the claim", hint=_ID_HINT),
        Asked("number", "The grantee's own number of it", hint=_NUMBER_HINT),
        *_ask_days("what it is for"), _ask_year(choices),
    )  # fmt: skip


def _ask_invoice(choices: Choices) -> tuple[Asked, ...]:
    bought = []
    for line in choices.words.lines.values():
        for service in line.services if line.enabled else ():
            title, name = choices.words.services[service].title, f"{line.code}:{service}"
            bought.append(Asked(f"cents-{name}", f"{title}: dollars", "money", line.title, required=False))
            if choices.has_advance:
                said, hint = (
                    f"{title}: of these, recouped",
                    "Of these dollars, what an advance has paid already.",
                )
                bought.append(Asked(f"recoup-{name}", said, "money", hint, required=False))
    return (*_ask_claim(choices), *bought)


def _ask_advance(choices: Choices) -> tuple[Asked, ...]:
    return (*_ask_claim(choices), _ask_line(choices), Asked("cents", "Dollars", "money", _DOLLARS_HINT))


def _ask_refund(choices: Choices) -> tuple[Asked, ...]:
    kinds = (("spent", "Of what was spent"), ("advance", "Of an advance that was not used"))
    return (
        _ask_year(choices), _ask_line(choices), Asked("cents", "Dollars that came back", "money", _DOLLARS_HINT),
        Asked("of_year", "Fiscal year in which it was spent", "number", "Of a closed year it gives nothing to spend."),
        Asked("what", "What came back", "choice", options=kinds),
        Asked("reference", "Number of the receipt", hint=_NUMBER_HINT),
    )  # fmt: skip


def _ask_amend(choices: Choices) -> tuple[Asked, ...]:
    hint = f"{_DOLLARS_HINT} More is pending until another person posts it; below nought releases at once."
    return (_ask_year(choices), _ask_line(choices), Asked("cents", "Dollars", "money", hint))


def _ask_close(choices: Choices) -> tuple[Asked, ...]:
    goes_on = tuple((one, one) for one in choices.agreements)
    hint = "What they have left goes into the next year, which must be open. What is not marked lapses."
    return (Asked("carry", "Agreements that go on", "checks", hint, goes_on, required=False),)


def _refund(about: str, sent: Sent, _: Choices) -> Operation:
    year, advance = _year(sent), _word(sent, "what") == "advance"
    line, cents, reference = _word(sent, "line"), money(sent, "cents"), _word(sent, "reference")
    return Refund(about, year, line, cents, _year(sent, "of_year"), reference, advance=advance)


def _file(about: str, sent: Sent, kind: str, parts: tuple[Part, ...]) -> Operation:
    claim, number = _word(sent, "claim"), _word(sent, "number")
    return File(claim, about, kind, number, day(sent, "begins"), day(sent, "ends"), parts)


def _advance(about: str, sent: Sent, _: Choices) -> Operation:
    return _file(about, sent, "advance", (Part(_year(sent), _word(sent, "line"), money(sent, "cents")),))


def _agree(_: str, sent: Sent, choices: Choices) -> Operation:
    parts, days = _parts(sent, choices, with_services=False), (day(sent, "begins"), day(sent, "ends"))
    return Agree(_word(sent, "agreement"), _word(sent, "grantee"), *days, parts)


def _appropriate(_: str, sent: Sent, __: Choices) -> Operation:
    given = _year(sent), _word(sent, "line"), money(sent, "cents")
    return Appropriate(*given, _word(sent, "source"), _word(sent, "reference"))


def _open_year(_: str, sent: Sent, choices: Choices) -> Operation:
    year = _year(sent)
    return OpenYear(year, *choices.words.days_of(year))


_BOOK, _SECOND = Act.FUND_BOOK, Act.FUND_SECOND
FORMS: Final[Mapping[str, Form]] = {
    "open-year": Form(
        "Open a fiscal year", "Open it", _BOOK, "fund", "Its days are the order's.", _open_year,
        lambda _: (Asked("year", "Fiscal year", "number", "The year in which it ends, such as 2027."),),
    ),
    "appropriate": Form(
        "Appropriate, or amend an appropriation", "Appropriate", _BOOK, "fund",
        "An amendment is another appropriation, with its own act; below nought it takes back what nobody holds.",
        _appropriate, _ask_appropriate,
    ),
    "agree": Form(
        "Set money aside for a new agreement", "Set it aside", _BOOK, "fund",
        "It is pending until another person posts it.", _agree, _ask_agree,
    ),
    "close-year": Form(
        "Close the year", "Close it", _BOOK, "year",
        "Nothing is posted into a closed year. Its claims must be paid or withdrawn first; what is left lapses.",
        lambda about, sent, _: CloseYear(_year({"year": about}), tuple(_word(sent, "carry").split())), _ask_close,
    ),
    "amend": Form(
        "Amend the agreement", "Amend", _BOOK, "agreement", "", lambda about, sent, _: Amend(
            about, _year(sent), _word(sent, "line"), money(sent, "cents")
        ), _ask_amend,
    ),
    "post": Form(
        "Post what is pending", "Post it", _SECOND, "agreement",
        "With it the City is bound. Another person than the one who set the money aside does it.",
        lambda about, _, __: Post(about),
    ),
    "void": Form(
        "Void", "Void it", _BOOK, "agreement",
        "What is pending, or encumbered and neither spent nor advanced, is available again.",
        lambda about, _, __: Void(about),
    ),
    "close-out": Form(
        "Close the agreement out", "Close it out", _BOOK, "agreement",
        "It ends, and what it has not spent is released. This is not undone.", lambda about, _, __: CloseOut(about),
    ),
    "invoice": Form(
        "File an invoice that came on paper", "File it", _BOOK, "agreement",
        "Nothing is posted before two others approve it. Only what is below goes in: no client's name, number or case.",
        lambda about, sent, choices: _file(about, sent, "invoice", _parts(sent, choices, with_services=True)),
        _ask_invoice,
    ),
    "advance": Form(
        "File a request for an advance", "File it", _BOOK, "agreement",
        "It is approved and paid as an invoice, and recouped by later ones.", _advance, _ask_advance,
    ),
    "refund": Form(
        "Say that money came back", "Book it", _BOOK, "agreement", "", _refund, _ask_refund,
    ),
    "approve": Form(
        "Approve the claim", "Approve it", _SECOND, "claim",
        "The last approval that the order asks for posts it. Who filed it does not approve it.",
        lambda about, _, __: Approve(about),
    ),
    "withdraw": Form(
        "Withdraw the claim", "Withdraw it", _BOOK, "claim", "Only while nothing of it is posted.",
        lambda about, _, __: Withdraw(about),
    ),
    "pay": Form(
        "Say that the claim was paid", "Book the payment", _BOOK, "claim",
        "The City's finance system pays; here its number is kept. Who filed the claim does not do this.",
        lambda about, sent, _: Pay(about, _word(sent, "reference")),
        lambda _: (Asked("reference", "The finance system's number", hint=_NUMBER_HINT),),
    ),
}  # fmt: skip
