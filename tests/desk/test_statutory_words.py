"""statutory.toml: what is wrong with it is said with its line; `order check` reads all that the desk reads."""

from dataclasses import replace
from pathlib import Path

import pytest

from doorward.orders.load import find_pack
from doorward.orders.pack import Pack
from doorward.orders.paperwork import check_paperwork
from doorward.orders.statutory import STATUTORY, read_statutory

TEXT = (Path(find_pack("chicago")) / STATUTORY).read_text(encoding="utf-8")
CLAUSES = frozenset({"C69", "T25", "VO10"})


def test_the_shipped_words_have_no_fault() -> None:
    found, findings = read_statutory(TEXT, CLAUSES)
    assert findings == []
    assert found is not None
    assert [len(found.tables[name].head) for name in ("papers", "detainers", "requests")] == [5, 7, 6]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('documents = ["DOC"]', 'documents = ["doc"]', "no beginning of a reference"),
        ('documents = ["DOC"]', "documents = []", "must be a list of texts"),
        (
            'detainer = "immigration detainer"',
            'detainers = "immigration detainer"',
            "`kind` has no `detainer`",
        ),
        ('none = "neither so far"', "", "`outcome` has no `none`"),
        ('clauses = ["T25"]', 'clauses = ["T26"]', "no clause of the order"),
        (
            'head = ["number", "day of the notice", "help asked for"]',
            'head = ["number"]',
            "has 3 different texts",
        ),
        ("[table.papers]", "[table.paper]", "`table.papers` must be a table"),
        ('declined = "declined"', 'Declined = "declined"', "no word of lower-case"),
        ('title = "Annual report under the TRUST Act"', 'title = ""', "is empty"),
        ("[asked]", "[asks]", "unknown key `asks`"),
    ],
)
def test_a_fault_is_said_with_its_place(old: str, new: str, says: str) -> None:
    assert TEXT.count(old) == 1
    found, findings = read_statutory(TEXT.replace(old, new), CLAUSES)
    assert found is None
    hits = [finding for finding in findings if says in finding.message]
    assert hits, findings
    assert hits[0].span is not None
    assert hits[0].span.file == STATUTORY


@pytest.mark.parametrize("name", ["deadlines.toml", "statutory.toml", "exemptions.toml"])
def test_order_check_reads_the_files_of_the_desk(pack: Pack, name: str) -> None:
    assert check_paperwork(pack) == []
    for text in ("[", "unknown = 1"):
        findings = check_paperwork(replace(pack, files={**pack.files, name: text}))
        assert findings
        assert {finding.span.file for finding in findings if finding.span} == {name}
    assert check_paperwork(replace(pack, files={})) == []
