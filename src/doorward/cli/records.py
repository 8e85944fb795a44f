"""`doorward records`: facts that a named official sets, each with its evidence and its end, signed with their own key.

At the database door agreements and declarations count. Determinations and papers are kept for the desk: no paper is
taken at the database in version 1, whoever verified it.

Exit codes: 0 done; 1 the signature or the office is not what it must be; 2 an argument is wrong.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from doorward.cli.assembly import make_records
from doorward.cli.folders import Folders
from doorward.cli.installation import Config, Data, Order, find_installation, load_installation
from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.grants.adoptions import subject
from doorward.grants.places import words_of
from doorward.grants.records import (
    MORE,
    Record,
    RecordKind,
    check_record,
    format_record,
    is_revoked,
    parse_record,
)
