"""The files of a new order: a first draft that checks and proves, for a law department to rewrite clause by clause."""

import re
from collections.abc import Mapping
from datetime import date
from string import Template

from doorward.errors import ConfigError

SUFFIX = ".template"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_NAME = 60


def make_draft(name: str, templates: Mapping[str, str], *, today: date) -> dict[str, str]:
    """Return the text of each file of a new pack by its path.

    Args:
        name: Of the order: small letters, digits and single hyphens.
        templates: Text by path, each path with the suffix `SUFFIX`.
        today: From when the draft is in effect.

    Raises:
        ConfigError: The name is none.
    """
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise ConfigError(
            f"`{name[:80]}` is no name for an order", hint="small letters, digits and hyphens: sample-town"
        )
    return {
        path.removesuffix(SUFFIX): Template(text).substitute(name=name, today=today.isoformat())
        for path, text in templates.items()
    }
