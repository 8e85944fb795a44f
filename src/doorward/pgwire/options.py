"""The `options` startup parameter, read as PostgreSQL reads it.

Words are split at white space; a backslash takes the next character as it is (pg_split_opts). Only settings are
taken: ``-c name=value``, ``-cname=value``, ``--name=value``; in a name, dashes stand for underscores
(ParseLongOption) and the case of ASCII letters does not matter (guc_name_compare). Everything else that PostgreSQL's
command line knows (-d, -S, -f ...) is refused, also `--` alone and letters put together (`-ec`), which getopt takes.

What a name may be set to, and by whom, is decided elsewhere.

Example:
    >>> parse_options("-c doorward.purpose=audit --statement-timeout=5s")
    {'doorward.purpose': 'audit', 'statement_timeout': '5s'}

Source: PostgreSQL 17, pg_split_opts in postinit.c, process_postgres_switches in postgres.c, ParseLongOption and
valid_custom_variable_name in guc.c.
"""

import re
from typing import Final

from doorward.errors import RemoteProtocolError

_HINT: Final = "state each setting as `-c name=value`"
_SPACE: Final = " \t\n\v\f\r"  # isspace in the C locale
_NAME: Final = re.compile(r"[a-z_][a-z0-9_$]*(?:\.[a-z_][a-z0-9_$]*)*")


def parse_options(text: str) -> dict[str, str]:
    """Return the settings by name, in lower case; the last one wins, as in PostgreSQL.

    Raises:
        RemoteProtocolError: A word is no setting.
    """
    words = iter(_split(text))
    found: dict[str, str] = {}
    for word in words:
        if word == "-c":
            setting = next(words, "")
        elif word.startswith(("-c", "--")):
            setting = word[2:]
        else:
            raise RemoteProtocolError("the startup options may only state settings", hint=_HINT)
        name, equals, value = setting.partition("=")
        name = name.replace("-", "_")
        # ASCII only: to lower other letters would make names that PostgreSQL tells apart one.
        if not equals or not name.isascii() or _NAME.fullmatch(name.lower()) is None:
            raise RemoteProtocolError("a setting in the startup options must be `name=value`", hint=_HINT)
        found[name.lower()] = value
    return found


def _split(text: str) -> list[str]:
    words: list[str] = []
    word: list[str] | None = None
    characters = iter(text)
    for character in characters:
        if character in _SPACE:
            if word is not None:
                words.append("".join(word))
                word = None
            continue
        word = [] if word is None else word
        # A backslash at the very end stands for nothing, as in pg_split_opts.
        word.append(next(characters, "") if character == "\\" else character)
    if word is not None:
        words.append("".join(word))
    return words
