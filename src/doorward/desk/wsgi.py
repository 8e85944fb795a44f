"""The desk as a WSGI application; `doorward desk` serves it."""

import os
from wsgiref.types import WSGIApplication

from django.core.wsgi import get_wsgi_application

from doorward.orders.protocols import has_protocols

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "doorward.desk.settings")
_site = get_wsgi_application()


def make_application() -> WSGIApplication:
    """Return the desk, with the front desk's app below `/front` where the order has protocols.

    Raises:
        ConfigError: The order, its intake or its protocols cannot be read.
    """
    from doorward.desk.front_mount import make_front, mount
    from doorward.desk.order import order

    if not has_protocols(order().pack.files):
        return _site
    return mount(make_front("city"), _site)
