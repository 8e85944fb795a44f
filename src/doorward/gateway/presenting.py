"""From an application's token to the person for whom it asks: what stands between a service account and the order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from doorward.gateway.answer import OnBehalf, Refusal
from doorward.gateway.limits import SESSION_MINUTES
from doorward.gateway.proof import Method, Proof
from doorward.grants.applications import Application, NoBearer, check_token
from doorward.grants.people import Directory, Person
from doorward.grants.used_tokens import UsedTokens

OPTION: Final = "doorward.token"


@dataclass(frozen=True, slots=True)
class Presented:
    """A person for whom an application asks, with what they state, and until when at most."""

    person: Person
    on_behalf: OnBehalf
    proof: Proof


class Presenting:
    """What one installation takes from applications.

    Args:
        used: The tokens of this host that were used.
        database: The name that clients connect to.
        session_minutes: How long a connection may stand for one person.
    """

    def __init__(self, used: UsedTokens, database: str, *, session_minutes: int = SESSION_MINUTES) -> None:
        self._used = used
        self._database = database
        self._session = timedelta(minutes=session_minutes)

    def read(
        self, application: Application, options: Mapping[str, str], people: Directory, *, now: datetime
    ) -> Presented | Refusal:
        """Return for whom an application asks, or the refusal; a token that was good is used by it.

        Raises:
            StoreError: It cannot be noted that the token was used, so it is not taken.
        """
        if set(options) != {OPTION}:
            return Refusal(
                "refused: this service account opens nothing by itself, and states nothing by itself",
                None,
                f"present a token for one person with the option `{OPTION}`, and no other option of the door",
                "no token",
            )
        found = check_token(options[OPTION], application, database=self._database, now=now)
        if isinstance(found, NoBearer):
            return _refuse(found.reason)
        if not self._used.take(application.login, found.token):
            return _refuse("the token was used before")
        person = people.find(found.login)
        if person is None or person.agency not in application.agencies:
            # One sentence for both: an application does not learn who has a login here.
            return _refuse("the token names nobody for whom this application may ask")
        on_behalf = OnBehalf(person.login, application.login, found.token, found.options)
        has_second_factor = bool(application.second_factor)
        return Presented(person, on_behalf, Proof(Method.TOKEN, has_second_factor, now + self._session))


def _refuse(reason: str) -> Refusal:
    return Refusal(
        f"refused: {reason}", None, "make a new token for each connection, good for a minute", reason
    )
