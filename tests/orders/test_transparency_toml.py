"""transparency.toml, `[desk]` of statutory.toml and `requests` of exemptions.toml: each fault with its place."""

from pathlib import Path

import pytest

from doorward.orders.load import find_pack, load_pack, load_transparency
from doorward.orders.paperwork import check_paperwork
from doorward.orders.transparency import TRANSPARENCY, read_transparency

CHICAGO = Path(find_pack("chicago"))
TEXT = (CHICAGO / TRANSPARENCY).read_text(encoding="utf-8")


def test_the_shipped_list_counts_every_kind_once() -> None:
    found = load_transparency(load_pack("chicago"))
    assert found.all_kinds == (
        "papers-of-agencies", "court-process", "records-and-systems", "help-and-places", "other-matters",
        "front-desk-visits",
    )  # fmt: skip
    assert found.all_outcomes == ("declined", "referred", "went-through", "ordinary-rules")
    assert found.kind_of("detainer") == "papers-of-agencies"
    assert found.kind_of("hotlist") == "other-matters"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('first = "2026-Q4"', 'first = "2026"', "no quarter"),
        ("threshold = 10", 'threshold = "10"', "a number from 1 to 999"),
        ("delay_days = 30", "delay_days = 0", "a number from 1 to 999"),
        ('"interview", "entry"', '"interview", "detainer"', "counted twice"),
        ('matters = "other-matters"', 'matters = "court-process"', "two kinds have one word"),
        ('deny = "declined"', 'deny = "all"', "no word"),
        ('refer = "referred"', 'refer = "elsewhere"', "`word` has no `elsewhere`"),
        ('all = "All"', 'all = "All"\nmore = "More"', "counted nowhere"),
        ('permit = "went-through"', 'permits = "went-through"', "unknown key `permits`"),
        ('office = "Law department"', "", "`office` must be a text"),
    ],
)
def test_a_fault_is_said_with_its_place(old: str, new: str, says: str) -> None:
    assert TEXT.count(old) == 1
    found, findings = read_transparency(TEXT.replace(old, new))
    assert found is None
    hits = [one for one in findings if says in one.message]
    assert hits, findings
    assert hits[0].span is not None


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (TRANSPARENCY, '"court-paper"', '"court-papers"'),
        ("statutory.toml", 'agencies = ["CPD"]', 'agencies = ["CPDX"]'),
        ("statutory.toml", '"ICE-LESC"', '"ICE-LESCX"'),
        ("statutory.toml", 'civil = ["civil', 'civil = ["uncivil'),
        ("statutory.toml", 'papers_only = ["detainer"', 'papers_only = ["detained"'),
        ("statutory.toml", 'administrative = "administrative-warrant"', 'admin = "administrative-warrant"'),
        ("statutory.toml", 'perimeter = "perimeter"', 'perimeters = "perimeter"'),
        ("statutory.toml", 'deny = "declined"', 'deny = "denied"'),
        ("statutory.toml", 'waiting = "referred"', 'waits = "referred"'),
        ("statutory.toml", 'other = "other"\n\n[desk.papers]', 'other = "others"\n\n[desk.papers]'),
        ("exemptions.toml", '"data-export"', '"data-exports"'),
    ],
)
def test_what_the_order_does_not_have_is_found(name: str, old: str, new: str) -> None:
    from dataclasses import replace

    pack = load_pack("chicago")
    assert old in pack.files[name]
    changed = replace(pack, files={**pack.files, name: pack.files[name].replace(old, new, 1)})
    findings = check_paperwork(changed)
    assert findings
    assert all(one.span is not None and one.span.file == name for one in findings)
