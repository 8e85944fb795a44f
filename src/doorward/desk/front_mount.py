"""The front desk's app beside the desk's pages: everything below `/front` is its own, with its own policy."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from doorward.desk.front.build import build_app
from doorward.desk.front.wsgi_app import FrontApp
from doorward.desk.models import CompiledProtocols
from doorward.desk.order import order
from doorward.desk.visit_store import VisitStore
from doorward.orders.protocols import compile_protocols, read_protocols

PREFIX: Final = "/front"


def make_front(tenant: str) -> FrontApp:
    """Return the app of one tenant under the order in force; its protocols are kept by version.

    Raises:
        ConfigError: The pack has no such tenant.
        PolicyCheckError: Its protocols have a fault.
    """
    pack = order().pack
    languages = tuple(read_protocols(pack.files, pack.contacts).frame.languages)
    compiled = compile_protocols(pack, tenant, languages)
    CompiledProtocols.objects.get_or_create(version=compiled["version"], defaults={"body": compiled})

    def compiled_of(asked: str) -> Mapping[str, Any] | None:
        if asked == compiled["version"]:
            return compiled
        found = CompiledProtocols.objects.filter(version=asked).first()
        return None if found is None else dict(found.body)

    def now() -> datetime:
        return datetime.now(UTC)  # noqa: TID251  # the shell may read the clock

    return FrontApp(build_app(compiled, version("doorward")), compiled_of, VisitStore(), now=now)


def place_kinds() -> list[str]:
    """Return the kinds of places that the order has protocols for."""
    pack = order().pack
    return sorted(read_protocols(pack.files, pack.contacts).frame.places)


def mount(
    front: Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]], site: WSGIApplication
) -> WSGIApplication:
    """Return the site with the app below `PREFIX`."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path != PREFIX and not path.startswith(f"{PREFIX}/"):
            return site(environ, start_response)
        inner = {**environ, "SCRIPT_NAME": PREFIX, "PATH_INFO": path[len(PREFIX) :]}
        return front(inner, start_response)

    return answer
