"""How people sign in: accounts are made by an administrator; a provider's word is matched to one, and makes none.

An account is local or of the provider, never both: a local one has a password, the other none. So closing somebody at
the provider closes them here.
"""

import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.account.signals import authentication_step_completed, user_logged_in
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.signals import user_logged_in as session_begun
from django.dispatch import receiver
from django.http import HttpRequest
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from doorward.desk.entrance.factors import has_factor
from doorward.desk.entrance.provider import PROVIDER
from doorward.desk.entrance.sessions import begin, is_fresh
from doorward.desk.models import Account

MAX_LOGIN: Final = 100
AGAIN: Final = {
    "reauthenticate": "Type your password",
    "mfa_reauthenticate": "Type a code of your app, or a recovery code",
    "mfa_reauthenticate:webauthn": "Use a passkey",
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # it has no types
    """Local accounts: nobody signs up, and nothing is sent by mail."""

    error_messages: ClassVar[dict[str, str]] = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "no such username with this password",
        "incorrect_password": "this is not the password",
        "too_many_login_attempts": "too many tries from here; wait a quarter of an hour, or use a passkey",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return False: `doorward account add` makes accounts."""
        del request
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send nothing: an account has no address."""

    def is_safe_url(self, url: str | None) -> bool:
        """Return whether a page asked for after signing in is one of the desk: a path, with no host at all."""
        return bool(url) and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return from where somebody comes, as it is counted; `doorward.desk.wsgi` has looked behind the proxies."""
        return counted_address(str(request.META.get("REMOTE_ADDR") or "none"))

    def is_reauthentication_required(self, *, app: str, **_: Any) -> bool:  # noqa: ANN401  # as allauth calls it
        """Return whether who is signed in proves it again before factors are changed.

        Raises:
            ImmediateHttpResponse: They must, and have nothing here to prove it by: they sign in again at the provider.
        """
        del app
        request = context.request
        now = datetime.now(UTC)  # noqa: TID251  # the shell may read the clock
        if is_fresh(get_authentication_records(request, request.user), now):
            return False
        if not request.user.has_usable_password() and not has_factor(request.user):
            raise ImmediateHttpResponse(render(request, "desk/again.html", status=403))
        return True

    def get_reauthentication_methods(self, user: Account) -> list[dict[str, str]]:
        """Return how somebody can prove again who they are, each in the desk's words."""
        return [
            {**one, "description": AGAIN[one["id"]]} for one in super().get_reauthentication_methods(user)
        ]

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:  # noqa: ANN401  # as above
        """Return what failures are counted under: a login from one address; elsewhere nobody is kept out by them."""
        login = str(credentials.get("username", "")).lower()
        return f"{self.get_client_ip(request)} {login}"


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # as above
    """OIDC: a provider's subject signs in as the account of the same login, which must exist already."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Return False: see `AccountAdapter`."""
        del request, sociallogin
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Take the account that has the provider's claim as its login, once: afterwards its subject is that account.

        Raises:
            ImmediateHttpResponse: There is none, it has a password of its own, or it is another subject's already.
        """
        if sociallogin.is_existing:
            return
        login = _find_login(sociallogin.account.extra_data)
        account = Account.objects.filter(login=login, is_active=True).first() if login else None
        if account is None or account.has_usable_password() or is_of_provider(account):
            raise ImmediateHttpResponse(render(request, "desk/no_account.html", status=403))
        sociallogin.connect(request, account)


def counted_address(address: str) -> str:
    """Return what an address is counted as: of IPv6 its network of 64 bits, within which an address costs nothing.

    Args:
        address: As the socket, or a trusted proxy, said it; what is none counts as itself.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), 64), strict=False).network_address)


def _find_login(claims: Mapping[str, Any]) -> str | None:
    """Return the login that a provider's word is for; an address counts only where the provider has verified it."""
    provider = settings.DESK.provider
    assert provider is not None  # or nobody would have come from one
    name = provider.login_claim
    said = claims.get(name)
    if not isinstance(said, str) or not 0 < len(said) <= MAX_LOGIN:
        return None
    return None if name == "email" and claims.get("email_verified") is not True else said


def is_of_provider(account: Account) -> bool:
    """Return whether an account is a subject's already; the same login given to somebody new is not theirs."""
    return bool(SocialAccount.objects.filter(user=account, provider=PROVIDER).exists())


@receiver(session_begun)
def note_session(request: HttpRequest | None = None, **_: object) -> None:
    """Begin a session's time."""
    if request is not None:
        begin(request.session, datetime.now(UTC))  # noqa: TID251  # as above


@receiver(authentication_step_completed)
def renew_session(request: HttpRequest, **_: object) -> None:
    """Give a session another id with each proof: one that somebody else saw before is worth nothing after."""
    request.session.cycle_key()


@receiver(user_logged_in)
def note_provider(request: HttpRequest, sociallogin: SocialLogin | None = None, **_: object) -> None:
    """Count a second factor that the provider says it has asked for; a session begins without."""
    provider = settings.DESK.provider
    if sociallogin is None or provider is None:
        return
    claims = sociallogin.account.extra_data
    said = claims.get("amr", [])
    factors = {
        one
        for one in (*(said if isinstance(said, list) else [said]), claims.get("acr"))
        if isinstance(one, str)
    }
    if factors & set(provider.factors):
        record_authentication(request, request.user, "mfa", type="provider")


@receiver(authenticator_added)
def note_factor(request: HttpRequest, authenticator: Authenticator, **_: object) -> None:
    """Count a factor that was just proved as given in this session, and end every other session of the account."""
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        record_authentication(request, request.user, "mfa", id=authenticator.pk, type=authenticator.type)
        end_others(request)


@receiver(authenticator_removed)
def forget_factor(request: HttpRequest, **_: object) -> None:
    """End every other session of an account that has lost a factor."""
    end_others(request)


def end_others(request: HttpRequest) -> None:
    """End every session of whoever is signed in but this one."""
    account = request.user
    assert isinstance(account, Account)
    account.end_sessions()
    update_session_auth_hash(request, account)
