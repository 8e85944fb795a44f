"""For applications that ask at the door for one person at a time."""

from doorward.client.checkout import Application, OverError, find_refusal

__all__ = ["Application", "OverError", "find_refusal"]
