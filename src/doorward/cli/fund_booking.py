"""One way for every command that books something: who does it, how that is known, the options that all of them have.

Who has a key on file in `officials.keys`, named by office and login, signs with it: then the login is the key's, and
the record has the signature. Who has none is believed: the login is recorded as typed.
"""

import inspect
import uuid
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

from doorward.cli.fund_link import AsJson, Config, Data, Database, Link, draw_key, echo, read_clock
from doorward.desk.roles import MAY, Act, Role
from doorward.errors import ConfigError
from doorward.fund.entries import TYPED, Proof
from doorward.fund.ledger.export import format_dollars
from doorward.fund.ledger.operations import NAMES, Approve, Operation, Post, Submission, format_submission
from doorward.fund.ledger.refusal import Refusal
from doorward.fund.store import Receipt
from doorward.grants.cut_files import load_officers
from doorward.notes.key_files import load_key

T = TypeVar("T")
By = Annotated[
    str | None,
    typer.Option(help="the login of the City person who does it; recorded as typed, and proven by nothing"),
]
SignWith = Annotated[
    Path | None, typer.Option(help="the secret key of who does it, of `officials.keys`, in place of `--by`")
]
On = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="the day of the booking; today in the city")
]
Key = Annotated[str | None, typer.Option(help="a UUID: the same one a second time finds what the first did")]
_COMMON: Final = {
    "by": (By, None), "sign_with": (SignWith, None), "on": (On, None), "key": (Key, None),
    "config": (Config, None), "data": (Data, None), "database": (Database, None), "as_json": (AsJson, False),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Who:
    """Who does it: a login that is typed, or a key that signs; `prove` says whether they may."""

    by: str | None
    sign_with: Path | None


def books(build: Callable[..., Operation]) -> Callable[..., None]:
    """Return a command that submits what `build` makes; see `command_of`."""
    return command_of(build, do)


def command_of(build: Callable[..., T], done: Callable[..., None]) -> Callable[..., None]:
    """Return a command that does what `build` makes of its own options, with those that all such commands have.

    Args:
        build: Its docstring is the command's; a parameter `link` is given the installation, and is no option.
        done: As `do`, of what `build` makes.
    """
    own = inspect.signature(build).parameters
    asked = [one.replace(kind=one.KEYWORD_ONLY) for name, one in own.items() if name != "link"]
    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in _COMMON.items()
    ]

    def command(**given: Any) -> None:  # noqa: ANN401  # the options of a command
        link = Link(given.pop("config"), given.pop("data"), given.pop("database"))
        who, as_json = Who(given.pop("by"), given.pop("sign_with")), given.pop("as_json")
        on, key = given.pop("on"), given.pop("key")
        if "link" in own:
            given["link"] = link
        done(build(**given), who, on, key, link, as_json=as_json)

    command.__signature__ = inspect.Signature([*asked, *common])  # type: ignore[attr-defined]  # typer reads it
    command.__annotations__ = {one.name: one.annotation for one in (*asked, *common)}
    command.__name__, command.__doc__ = build.__name__, build.__doc__
    return command


def do(
    operation: Operation, who: Who, on: datetime | None, key: str | None, link: Link, *, as_json: bool
) -> None:
    """Submit an operation, and say what came of it; ends with 1 where it is refused."""
    now = read_clock()
    day, found = link.day(on, now), parse_key(key)
    by, proof = prove(Submission(found, "", day, operation), who, link)
    submission = Submission(found, by, day, operation)
    with link.open(now) as store:
        answer = store.submit(submission, now=now, proof=proof)
    _say(answer, submission, as_json=as_json)


def prove(submission: Submission, who: Who, link: Link) -> tuple[str, Proof]:
    """Return the login of who books, and how that is known; raises as `prove_text`."""
    act = Act.FUND_SECOND if isinstance(submission.operation, (Post, Approve)) else Act.FUND_BOOK
    return prove_text(lambda by: format_submission(replace(submission, by=by)), MAY[act], who, link)


def prove_text(
    text_of: Callable[[str], str], offices: frozenset[Role], who: Who, link: Link
) -> tuple[str, Proof]:
    """Return the login of who does it, and how that is known.

    Args:
        text_of: The text that is signed, for a login.
        offices: Whose keys may sign it.

    Raises:
        ConfigError: Nobody is named, two are, or the key is none of somebody who may.
    """
    if who.sign_with is None:
        if not who.by:
            raise ConfigError("say who does it", hint="`--sign-with` and a key, or `--by` and a login")
        return who.by, Proof(TYPED)
    signer = load_key(who.sign_with)
    if signer.verifier not in load_officers(link.folders.officials):
        raise ConfigError(
            f"the key of `{signer.name}` is not on file",
            hint=f"its public line goes into `{link.folders.officials.name}`",
        )
    office, _, login = signer.name.partition("/")
    if office not in {role.value for role in offices}:
        named = " or ".join(sorted(role.value for role in offices))
        raise ConfigError(f"`{signer.name}` may not do this; a key of {named} may")
    if who.by not in {None, login}:
        raise ConfigError(f"the key is that of `{login}`, and `--by` names another")
    signature = signer.sign(text_of(login).encode())
    return login, Proof(f"key {Role(office)}", b64encode(signer.verifier.id + signature).decode())


def login_of(who: Who) -> str:
    """Return the login that books, for what is several submissions; each of them is then for `prove`.

    Raises:
        ConfigError: Nobody is named, or the key cannot be read.
    """
    if who.sign_with is not None:
        return load_key(who.sign_with).name.partition("/")[2]
    if not who.by:
        raise ConfigError("say who does it", hint="`--sign-with` and a key, or `--by` and a login")
    return who.by


def _say(answer: Receipt | Refusal, submission: Submission, *, as_json: bool) -> None:
    name = NAMES[type(submission.operation)]
    if isinstance(answer, Refusal):
        if as_json:
            echo({"operation": name, "refused": answer.code, "says": answer.says})
        else:
            typer.echo(f"{name}: refused ({answer.code}): {answer.says}")
        raise typer.Exit(1)
    if as_json:
        postings = [
            {"account": one.account.value, "year": one.year, "line": one.line, "agreement": one.agreement,
             "cents": one.cents, **({"of_year": one.origin} if one.origin else {})}
            for one in answer.postings
        ]  # fmt: skip
        echo(
            {"operation": name, "transaction": answer.number, "entry": answer.entry, "again": answer.again,
             "key": str(submission.key), "postings": postings}
        )  # fmt: skip
        return
    again = ", posted before under this key" if answer.again else ""
    typer.echo(f"{name}: transaction {answer.number}, entry {answer.entry}{again}; key {submission.key}")
    for one in answer.postings:
        side = "debit" if one.cents > 0 else "credit"
        of = f" {one.agreement}" if one.agreement else ""
        typer.echo(
            f"  {side:6} {one.account.value} {one.year} {one.line}{of}  {format_dollars(abs(one.cents))}"
        )


def parse_key(said: str | None) -> uuid.UUID:
    """Return the key of an option, or a fresh one; raises ConfigError."""
    try:
        return draw_key() if said is None else uuid.UUID(said)
    except ValueError as error:
        raise ConfigError("expected `--key` to be a UUID") from error
