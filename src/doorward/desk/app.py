"""The desk as an application of Django."""

from importlib import import_module

from django.apps import AppConfig


class Desk(AppConfig):
    """Models, pages and commands of the desk, under the label `desk`."""

    name = "doorward.desk"
    label = "desk"
    verbose_name = "The desk"

    def ready(self) -> None:
        """Hear of each sign-in from the first on: what begins a session's time listens in that module."""
        import_module("doorward.desk.entrance.adapters")
