"""Wakes whoever sends notices in this process; where nobody does, nothing happens."""

import threading

_waiting: list[threading.Event] = []


def wait_for_wake(event: threading.Event) -> None:
    """Set an event at each wake from now on."""
    _waiting.append(event)


def forget(event: threading.Event) -> None:
    """Set it no more."""
    if event in _waiting:
        _waiting.remove(event)


def wake() -> None:
    """Wake all who wait."""
    for event in _waiting:
        event.set()
