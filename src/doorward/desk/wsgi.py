"""The desk as a WSGI application; `doorward desk` serves it."""

import os
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.core.wsgi import get_wsgi_application

from doorward.orders.protocols import has_protocols

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "doorward.desk.settings")
_site = get_wsgi_application()


def make_application() -> WSGIApplication:
    """Return the desk, with the front desk's app below `/front` where the order has protocols.

    Raises:
        ConfigError: The order, its intake or its protocols cannot be read.
    """
    from django.conf import settings

    from doorward.desk.entrance.nearby import only_front
    from doorward.desk.front_mount import MAIN, Fronts, hosts_of, mount
    from doorward.desk.order import order

    pages = only_front(_site) if settings.DESK.front_only else _site
    site: WSGIApplication = pages
    if has_protocols(order().pack.files):
        fronts = Fronts()
        fronts.app(MAIN)  # a fault of the protocols ends the start, not the first request
        site = mount(
            fronts, pages, hosts_of(settings.DESK.front)
        )  # what is not the front desk's is the pages'
    return behind(settings.DESK.proxies, site)


def behind(proxies: tuple[str, ...], site: WSGIApplication) -> WSGIApplication:
    """Return the site, told who really comes where a server before it says so.

    Args:
        proxies: Addresses whose `X-Forwarded-For` is believed, from the right, up to the first that is none of them:
            what stands further left is whatever a client has sent.
    """
    trusted = frozenset(proxies)

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("REMOTE_ADDR") in trusted:
            for one in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
                if not one.strip():
                    break
                environ["REMOTE_ADDR"] = one.strip()[:64]
                if one.strip() not in trusted:
                    break
        return site(environ, start_response)

    return answer
