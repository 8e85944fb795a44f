"""How people sign in: accounts are made by an administrator; a provider's word is matched to one, and makes none."""

from collections.abc import Mapping
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.signals import user_logged_in
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest
from django.shortcuts import render

from doorward.desk.models import Account


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # it has no types
    """Local accounts: nobody signs up, and nothing is sent by mail."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return False: `doorward desk account add` makes accounts."""
        del request
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send nothing: an account has no address."""


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # as above
    """OIDC: a provider's subject signs in as the account of the same login, which must exist already."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Return False: see `AccountAdapter`."""
        del request, sociallogin
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Take the account that has the provider's `preferred_username` as its login."""
        if sociallogin.is_existing:
            return
        provider = settings.DESK.provider
        login = str(_claims(sociallogin).get(provider.login_claim, "")) if provider is not None else ""
        account = Account.objects.filter(login=login, is_active=True).first()
        if account is None:
            raise ImmediateHttpResponse(render(request, "desk/no_account.html", status=403))
        sociallogin.connect(request, account)


def _claims(sociallogin: SocialLogin) -> Mapping[str, Any]:
    """Return what the provider says of somebody: of its signed token first, then of its page of user information."""
    data = sociallogin.account.extra_data
    return {**data.get("userinfo", {}), **data.get("id_token", {})} or data


@receiver(user_logged_in)
def note_provider(request: HttpRequest, sociallogin: SocialLogin | None = None, **_: object) -> None:
    """Count a second factor that the provider says it has asked for; a session begins without."""
    provider = settings.DESK.provider
    if sociallogin is None or provider is None:
        return
    claims = _claims(sociallogin)
    said = claims.get("amr", [])
    factors = {*(said if isinstance(said, list) else [said]), claims.get("acr")}
    if factors & set(provider.factors):
        record_authentication(request, request.user, "mfa", type="provider")


@receiver(authenticator_added)
def note_factor(request: HttpRequest, authenticator: Authenticator, **_: object) -> None:
    """Count a factor that was just proved as given in this session."""
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        record_authentication(request, request.user, "mfa", id=authenticator.pk, type=authenticator.type)
