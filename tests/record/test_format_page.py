"""The tables of the record's format say what the code says."""

import re
from pathlib import Path

from doorward.notes.note import MAX_NOTE_BYTES, MAX_SIGNATURES
from doorward.record.checkpoint import MAX_TREE_SIZE
from doorward.record.entry import JOINED, Field, Kind
from doorward.record.proof import MAX_PROOF_FILE_BYTES, MAX_PROOF_HASHES
from doorward.record.tiles import MAX_BUNDLE_ENTRY_BYTES
from doorward.record.trust_policy import MAX_OF_EACH, MAX_POLICY_BYTES
from doorward.record.witness import MAX_REQUEST_BYTES

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/record-format.md").read_text(encoding="utf-8")
KIB = 1024
OF_EACH = f"{MAX_OF_EACH} logs, {MAX_OF_EACH} witnesses, {MAX_OF_EACH} groups"


def test_the_page_lists_every_kind_with_its_number_and_whether_it_joins_a_block() -> None:
    listed = re.findall(r"(?m)^\| (\d+) \| `(\w+)` \| .+ \| (joins others|of one) \|$", PAGE)
    assert listed == [
        (str(int(kind)), kind.name.lower(), "joins others" if kind in JOINED else "of one") for kind in Kind
    ]


def test_the_page_lists_every_field_with_its_number() -> None:
    table = PAGE.split("| number | field | | number | field |")[1].split("\n\n")[0]
    listed = {int(number): name for number, name in re.findall(r"\| (\d+) \| `(\w+)` ", table)}
    assert listed == {int(field): field.name.lower() for field in Field}


def test_the_page_lists_the_bounds() -> None:
    for line in (
        f"| note | {MAX_NOTE_BYTES // KIB} KiB, {MAX_SIGNATURES} signature lines |",
        f"| tree size | 2^{MAX_TREE_SIZE.bit_length()} - 1 |",
        f"| proof | {MAX_PROOF_HASHES} hashes |",
        f"| proof file | {MAX_PROOF_FILE_BYTES // KIB} KiB |",
        f"| entry of a bundle | {MAX_BUNDLE_ENTRY_BYTES:,} bytes |",
        f"| policy | {MAX_POLICY_BYTES // KIB} KiB; {OF_EACH} |",
        f"| a witness's request | {MAX_REQUEST_BYTES // KIB} KiB |",
    ):
        assert line in PAGE
