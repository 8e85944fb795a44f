"""The city's OpenID provider: code flow with PKCE, state and nonce; each token is verified, wherever it came from.

Sources: OpenID Connect Core 1.0 (3.1.3.7 verifying an ID token, 5.3.2 whose user information it is), OpenID Connect
Discovery 1.0 (4.3), RFC 7636 (PKCE), RFC 9700 (security of OAuth 2.0), OpenID Connect RP-Initiated Logout 1.0.

allauth carries the flow. What it leaves open is closed here: it takes tokens without their signature, sends no nonce,
lets the address of a sign-in choose the provider's parameters, and keeps whatever the provider says of a person.
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import jwt
import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

PROVIDER: Final = "city"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS: Final = 60  # clocks of two houses differ
NONCE: Final = "provider nonce"
END: Final = "provider end"
KNOWN_SECONDS: Final = 300
_NO_ANSWER: Final = "the provider gave no answer that can be used"


class CityAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # it has no types
    """What is asked of the provider, and what of its answer counts."""

    @property
    def openid_config(self) -> dict[str, Any]:
        """Return what the provider says of itself; it must be the provider that is configured.

        Raises:
            OAuth2Error: It gives no such page, or calls itself something else (Discovery 1.0, 4.3).
        """
        return find_metadata()

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # as allauth calls it
        """Return who signs in, by a verified token and the user information of the same subject.

        Raises:
            OAuth2Error: A token that does not verify, or information of somebody else (Core 1.0, 5.3.2).
        """
        raw = kwargs["response"].get("id_token")
        if not isinstance(raw, str):
            raise OAuth2Error("the provider gave no ID token")
        metadata = self.openid_config
        said = verify_token(raw, metadata, client=app.client_id, nonce=request.session.pop(NONCE, None))
        place = metadata.get("userinfo_endpoint")
        info = _fetch(str(place), token=token.token) if place else {"sub": said["sub"]}
        if info.get("sub") != said["sub"]:
            raise OAuth2Error("the user information is of another subject than the token")
        request.session[END] = raw
        return self.get_provider().sociallogin_from_response(request, keep_claims({**info, **said}))


class CityProvider(OpenIDConnectProvider):  # type: ignore[misc]  # as above
    """The provider as allauth knows it."""

    oauth2_adapter_class = CityAdapter

    def get_default_scope(self) -> list[str]:
        """Return what is asked for: who it is; an address only where it is the login."""
        held = settings.DESK.provider
        return ["openid", "profile", *(["email"] if held is not None and held.login_claim == "email" else [])]

    def get_scope_from_request(self, _request: HttpRequest) -> list[str]:
        """Return the same: the address of a page has no say in it."""
        return list(self.get_scope())

    def get_auth_params_from_request(self, request: HttpRequest, _action: str) -> dict[str, str]:
        """Return a nonce of this session, and nothing that the address of a page says (Core 1.0, 15.5.2)."""
        request.session[NONCE] = nonce = secrets.token_urlsafe(24)
        held = settings.DESK.provider
        asked = {"acr_values": " ".join(held.asks)} if held is not None and held.asks else {}
        return {"nonce": nonce, **asked}

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the sign-in is begun with; it is a sign-in, and connects nothing."""
        return {**super().get_redirect_from_request_kwargs(request), "process": "login"}

    def extract_common_fields(self, _data: Mapping[str, Any]) -> dict[str, Any]:
        """Return nothing: an account has a login, and the desk keeps no name and no address of the provider's."""
        return {}

    def extract_email_addresses(self, _data: Mapping[str, Any]) -> list[Any]:
        """Return none: nobody is found by an address."""
        return []


def keep_claims(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a provider's word: the subject, the login, and how the person proved who they are."""
    held = settings.DESK.provider
    names = ("sub", "amr", "acr", *(() if held is None else (held.login_claim, "email_verified")))
    return {name: claims[name] for name in names if name in claims}


def find_metadata() -> dict[str, Any]:
    """Return what the provider says of itself, asked for at most every five minutes.

    Raises:
        OAuth2Error: It cannot be asked, says nothing that can be read, or calls itself something else.
    """
    held = settings.DESK.provider
    if held is None:
        raise OAuth2Error("no provider is configured")
    issuer = held.issuer
    key = f"provider {issuer}"
    found = cache.get(key)
    if found is None:
        found = _fetch(issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise OAuth2Error("the provider calls itself something else than it is configured")
        cache.set(key, found, KNOWN_SECONDS)
    return dict(found)


def verify_token(raw: str, metadata: Mapping[str, Any], *, client: str, nonce: str | None) -> dict[str, Any]:
    """Return the claims of an ID token whose signature, issuer, audience, time and nonce hold (Core 1.0, 3.1.3.7).

    Args:
        raw: As it came.
        metadata: Of `find_metadata`; its keys are fetched now, so a key that was changed counts at once.

    Raises:
        OAuth2Error: It does not verify; says not of whom.
    """
    try:
        header = jwt.get_unverified_header(raw)
        if header.get("alg") not in ALGORITHMS:
            raise OAuth2Error("the token is signed in a way that is not taken")
        said: dict[str, Any] = jwt.decode(
            raw,
            key=_find_key(str(metadata.get("jwks_uri", "")), header),
            algorithms=[header["alg"]],
            audience=client,
            issuer=str(metadata["issuer"]),
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "sub", "aud", "iss"]},
        )
    except jwt.PyJWTError as error:
        raise OAuth2Error("the token does not verify") from error
    if nonce is None or not secrets.compare_digest(str(said.get("nonce", "")), nonce):
        raise OAuth2Error("the token answers another sign-in")
    if said.get("azp", client) != client:
        raise OAuth2Error("the token is for another party")
    return said


def _find_key(address: str, header: Mapping[str, Any]) -> Any:  # noqa: ANN401  # a key of any kind
    keys = [
        one
        for one in _fetch(address).get("keys", [])
        if isinstance(one, dict) and one.get("use") in {None, "sig"}
    ]
    kid = header.get("kid")
    found = [one for one in keys if kid is None or one.get("kid") == kid]
    if len(found) != 1:
        raise OAuth2Error("the provider has no such key")
    return jwt.PyJWK.from_json(json.dumps(found[0]), algorithm=str(header["alg"])).key


def _fetch(address: str, *, token: str = "") -> dict[str, Any]:
    try:
        with get_adapter().get_requests_session() as session:
            answer = session.get(address, headers={"Authorization": f"Bearer {token}"} if token else {})
            answer.raise_for_status()
            found = answer.json()
    except requests.RequestException as error:
        raise OAuth2Error(_NO_ANSWER) from error
    if not isinstance(found, dict):
        raise OAuth2Error(_NO_ANSWER)
    return found


@require_POST
def login(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Return the way to the provider, as a page: a form may not lead to other origins, by the desk's own policy.

    Raises:
        Http404: There is no such provider.
    """
    _check(provider_id)
    try:
        answer = get_adapter().get_provider(request, provider=PROVIDER).redirect_from_request(request)
    except OAuth2Error:
        return render(request, "desk/provider_failed.html", status=502)
    if answer.status_code != 302:
        return answer  # type: ignore[no-any-return]  # no types
    return render(request, "desk/provider_way.html", {"to": answer.headers["location"]})


@require_safe
def callback(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Return the session that the provider's word begins, or why none does.

    Raises:
        Http404: There is no such provider.
    """
    _check(provider_id)
    return OAuth2CallbackView.adapter_view(CityAdapter(request, PROVIDER))(request)  # type: ignore[no-any-return]  # no types


@require_safe
def cancelled(_request: HttpRequest) -> HttpResponse:
    """Return to the page for signing in."""
    return redirect("account_login")


def _check(provider_id: str) -> None:
    if provider_id != PROVIDER or settings.DESK.provider is None:
        raise Http404


def find_way_out(request: HttpRequest, raw: str) -> str | None:
    """Return where the provider ends its own session, or None: it says no such place (RP-Initiated Logout 1.0, 2)."""
    try:
        place = find_metadata().get("end_session_endpoint")
    except OAuth2Error:
        return None
    if not isinstance(place, str):
        return None
    back = request.build_absolute_uri("/account/login/")
    return f"{place}?{urlencode({'id_token_hint': raw, 'post_logout_redirect_uri': back})}"
