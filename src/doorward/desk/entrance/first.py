"""A person's own sign-in: the first password by an address that works once, another password, out, out everywhere."""

from typing import Final

from allauth.account import views as account
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth import password_validation
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from doorward.desk.entrance import provider
from doorward.desk.entrance.adapters import end_others, is_of_provider
from doorward.desk.models import Account

DIFFER: Final = "the two are not the same"


class Invitations(PasswordResetTokenGenerator):
    """Tokens for a first password. One holds for a day, and until the account has a password or signs in."""

    key_salt = "doorward.desk.first"


INVITATIONS: Final = Invitations()


def invite(who: Account) -> str:
    """Return the path at which somebody sets a password, once; what they had before is gone, sessions and factors too.

    Args:
        who: A local account; `doorward account invite` refuses one of the provider.
    """
    who.set_unusable_password()  # a random one: every token of before is worth nothing now
    who.save(update_fields=["password"])
    who.end_sessions()
    Authenticator.objects.filter(user=who).delete()
    return f"/account/first/{who.pk}/{INVITATIONS.make_token(who)}/"


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def first(request: HttpRequest, who: str, token: str) -> HttpResponse:
    """Return the form for a first password, or after it the page for signing in; an address that is used up is none."""
    found = (
        Account.objects.filter(pk=int(who), is_active=True).first()
        if who.isdecimal() and len(who) < 19
        else None
    )
    if found is None or not INVITATIONS.check_token(found, token) or is_of_provider(found):
        raise Http404
    faults: list[str] = []
    if request.method == "POST":
        said, again = request.POST.get("password", ""), request.POST.get("again", "")
        try:
            password_validation.validate_password(said, found)
        except ValidationError as error:
            faults = list(error.messages)
        if not faults and said != again:
            faults = [DIFFER]
        if not faults:
            found.set_password(said)
            found.save(update_fields=["password"])
            messages.success(request, "your password is set; sign in with it")
            return redirect("account_login")
    return render(request, "desk/first.html", {"login": found.login, "faults": faults})


def change(request: HttpRequest) -> HttpResponseBase:
    """Return the page for another password; an account of the provider has none and gets none."""
    if not isinstance(request.user, Account):
        return redirect("account_login")
    if not request.user.has_usable_password():
        return redirect("mfa_index")
    return account.password_change(request)  # type: ignore[no-any-return]  # allauth has no types


@require_POST
def everywhere(request: HttpRequest) -> HttpResponse:
    """End every other session of whoever asks."""
    if not isinstance(request.user, Account):
        return redirect("account_login")
    end_others(request)
    messages.success(request, "every other session of yours is over")
    return redirect("mfa_index")


@require_http_methods(["GET", "POST"])
def leave(request: HttpRequest) -> HttpResponseBase:
    """Return to signing in; whom the provider signed in is asked whether to end its session too.

    On a shared computer the next person would otherwise be signed in by the provider as the last one.
    """
    raw = request.session.get(provider.END) if request.method == "POST" else None
    answer = account.logout(request)
    way = provider.find_way_out(request, raw) if isinstance(raw, str) else None
    if way is None:
        return answer  # type: ignore[no-any-return]  # allauth has no types
    return render(request, "desk/provider_out.html", {"to": way})
