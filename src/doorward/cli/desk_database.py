"""The desk of an installation, set up in a process of the command line: its database must run, the desk need not."""

import os
from pathlib import Path

from doorward.cli.desk import city_configuration, write_private
from doorward.cli.settings import read_settings
from doorward.desk.configuration import VARIABLE
from doorward.errors import StoreError


class Models:
    """What of the desk is imported once Django is set up."""

    def __init__(self) -> None:
        from django.conf import settings

        from doorward.desk.entrance.adapters import is_of_provider
        from doorward.desk.entrance.factors import has_factor
        from doorward.desk.entrance.first import invite
        from doorward.desk.models import Account, Assignment
        from doorward.desk.order import order

        self.Account, self.Assignment, self.order = Account, Assignment, order
        self.invite, self.is_of_provider, self.has_factor = invite, is_of_provider, has_factor
        self.origin = settings.DESK.origins[0]


def open_desk(config: Path) -> Models:
    """Set the desk of an installation up in this process.

    Raises:
        ConfigError: The settings are wrong.
        StoreError: Its database cannot be reached.
    """
    from django.db import DatabaseError

    configuration, file = city_configuration(read_settings(config))
    write_private(file, configuration.format())
    os.environ[VARIABLE] = str(file)
    from doorward.desk.serve import open_database

    try:
        open_database()
    except DatabaseError as error:
        raise StoreError("the desk's database cannot be reached or brought to this version") from error
    return Models()
