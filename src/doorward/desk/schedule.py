"""The retention schedule of the order that the desk asks, read once a process."""

from functools import cache

from doorward.desk.order import order
from doorward.orders.load import load_retention
from doorward.orders.retention import RETENTION, Retention


@cache
def schedule() -> Retention | None:
    """Return the schedule, or None where the order has none: then nothing is erased.

    Raises:
        PolicyCheckError: The file has a fault.
    """
    pack = order().pack
    return load_retention(pack) if RETENTION in pack.files else None
