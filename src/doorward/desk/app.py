"""The desk as an application of Django."""

from django.apps import AppConfig


class Desk(AppConfig):
    """Models, pages and commands of the desk, under the label `desk`."""

    name = "doorward.desk"
    label = "desk"
    verbose_name = "The desk"
