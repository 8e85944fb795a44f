"""Second factors: kept encrypted, each code taken once, and one that was taken away proves nothing any more."""

import base64
import hmac
import secrets
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, LoginWebAuthnForm
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.cache import cache
from django.forms import ValidationError

from doorward.desk.models import Account

# Longer than a code can be right: its own half minute, one before and one after it (RFC 6238, 5.2).
ONCE_SECONDS: Final = 120
TAKEN: Final = "this code was used already; wait for the next one"
OF_PROVIDER: Final = "this account signs in by the city's sign-in; its passkey is a second factor there"


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # it has no types
    """What of allauth's second factors is said or kept otherwise."""

    def encrypt(self, text: str) -> str:
        """Return a secret as it is kept: whoever has the desk's database alone has nobody's second factor."""
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return a secret; under another key of the desk one that no code is right for."""
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            return base64.b32encode(secrets.token_bytes(20)).decode()

    def generate_authenticator_name(self, user: Account, type: Authenticator.Type) -> str:  # noqa: A002  # its name there
        """Return what a passkey is called until somebody says."""
        count = Authenticator.objects.filter(user=user, type=type).count()
        return f"Passkey {count + 1}"


class CodeForm(AuthenticateForm):  # type: ignore[misc]  # as above
    """The second step of signing in: each code once."""

    def clean_code(self) -> str:
        """Return the code, which is right and was not used before."""
        return _once(self.user, super().clean_code())


class CodeAgainForm(ReauthenticateForm):  # type: ignore[misc]  # as above
    """Proof before factors are changed: each code once."""

    def clean_code(self) -> str:
        """Return the code, which is right and was not used before."""
        return _once(self.user, super().clean_code())


class CodeFirstForm(ActivateTOTPForm):  # type: ignore[misc]  # as above
    """A new authenticator app: the code that proves it opens nothing afterwards."""

    def clean_code(self) -> str:
        """Return the code, which is right and was not used before."""
        return _once(self.user, super().clean_code())


class NewPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]  # as above
    """A new passkey: one that signs in by itself is offered first, since it is also the second factor elsewhere."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # as Django calls it
        super().__init__(*args, **kwargs)
        self.fields["name"].label = "A name for it"
        self.fields["name"].help_text = "so that you know it again, such as: key on my ring"
        alone = self.fields["passwordless"]
        alone.label = "It signs me in by itself, without a password"
        alone.help_text = "the device then asks for its PIN, a finger or a face each time"
        if self.user.has_usable_password():
            alone.initial = True
        else:
            del self.fields["passwordless"]


class PasskeyForm(LoginWebAuthnForm):  # type: ignore[misc]  # as above
    """Signing in by a passkey alone: not for whom the provider signs in, or closing them there closes nothing here."""

    def clean_credential(self) -> Authenticator:
        """Return the passkey of a local account."""
        found = super().clean_credential()
        if not found.user.has_usable_password():
            raise ValidationError(OF_PROVIDER)
        return found


def proves(records: Iterable[Mapping[str, Any]], account: Account) -> bool:
    """Return whether a session was proved by more than a password, by a factor that is still the account's.

    Args:
        records: How it was proved; of the session.
    """
    given = [one for one in records if one.get("method") == "mfa"]
    if any(one.get("type") == "provider" for one in given):
        return True
    ids = [one["id"] for one in given if "id" in one]
    return bool(ids) and Authenticator.objects.filter(user=account, pk__in=ids).exists()


def has_factor(account: Account) -> bool:
    """Return whether an account has a second factor of its own; recovery codes alone are none."""
    kinds = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    return bool(Authenticator.objects.filter(user=account, type__in=kinds).exists())


def _once(account: Account, code: str) -> str:
    digits = "".join(letter for letter in code if letter.isalnum())
    if not cache.add(f"code {account.pk} {digits}", 1, timeout=ONCE_SECONDS):
        raise ValidationError(TAKEN)
    return code


def _cipher() -> Fernet:
    key = hmac.digest(settings.SECRET_KEY.encode(), b"doorward: second factors at rest", sha256)
    return Fernet(base64.urlsafe_b64encode(key))
