"""How people sign in: accounts are made by an administrator; a provider's word is matched to one, and makes none."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
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
        claims = sociallogin.account.extra_data.get("userinfo", sociallogin.account.extra_data)
        account = Account.objects.filter(
            login=str(claims.get("preferred_username", "")), is_active=True
        ).first()
        if account is None:
            raise ImmediateHttpResponse(render(request, "desk/no_account.html", status=403))
        sociallogin.connect(request, account)


@receiver(authenticator_added)
def note_factor(request: HttpRequest, authenticator: Authenticator, **_: object) -> None:
    """Count a factor that was just proved as given in this session."""
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        record_authentication(request, request.user, "mfa", id=authenticator.pk, type=authenticator.type)
