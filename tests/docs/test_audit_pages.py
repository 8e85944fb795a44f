"""The reference pages of looking back: generated ones have not drifted, written ones name every key and file."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from docs.audit_pages import REFERENCE, pages
from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.map_file import _COLUMN, _TOP
from doorward.orders import generic_agencies, lexicon

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", pages())
def test_a_generated_page_has_not_drifted(name: str) -> None:
    page = REFERENCE / name
    if os.environ.get("DOORWARD_REWRITE"):
        page.write_text(pages()[name], encoding="utf-8")
    assert page.read_text(encoding="utf-8") == pages()[name], (
        f"{name} has drifted; DOORWARD_REWRITE=1 writes it anew"
    )


def test_every_key_of_a_lexicon_is_on_its_page() -> None:
    text = (REFERENCE / "reasons-toml.md").read_text(encoding="utf-8")
    for section in lexicon._SECTIONS:
        assert re.search(rf"[`\[ ]{section}[`.\]]", text), section
    keys = (*lexicon._PATTERN, *lexicon.FROM, "from", "value", "open", "words", "open_where", "tag:NAME")
    assert [key for key in keys if f"| `{key}` |" not in text] == []
    agencies = (*generic_agencies.KEYS, *generic_agencies.WORDS, *generic_agencies.FACTS)
    assert [key for key in agencies if f"`{key}" not in text] == []


def test_every_key_of_a_map_file_is_on_its_page() -> None:
    text = (REFERENCE / "audit-layouts.md").read_text(encoding="utf-8")
    keys = {*_TOP, *_COLUMN} - {"constant", "column"}
    assert [key for key in keys if f"`{key}`" not in text] == []


def test_every_table_of_an_audit_is_on_its_page() -> None:
    text = (REFERENCE / "audit-folder.md").read_text(encoding="utf-8")
    folder: Any = AuditFolder(Path())
    paths = {
        name: getattr(folder, name).as_posix()
        for name, held in vars(AuditFolder).items()
        if isinstance(held, property)
    }
    assert len(paths) > 8
    assert [name for name, path in paths.items() if f"`{path}" not in text] == []
