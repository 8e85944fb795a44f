"""retention.toml: read strictly, every fault with its line; what no office adopted disposes of nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import PolicyCheckError
from doorward.orders.load import load_pack, load_retention
from doorward.orders.paperwork import check_paperwork
from doorward.orders.retention import read_retention

GOOD = """\
[disposal]
says = "approval"
certificate = "number"
cite = "44 Ill. Adm. Code 4000.10(e)"
evidence = "mirror"
standing = "needs-counsel"

[item.papers]
says = "papers"
number = "22:115-4"
covers = ["papers"]
kinds = ["detainer"]
counts_from = "matter-closed"
years = 3
cite = "schedule 22:115"
evidence = "text"
standing = "adopted"
adopted_by = "law"
adopted_on = 2026-01-01
"""


def test_a_schedule_is_read() -> None:
    found, findings = read_retention(GOOD)
    assert findings == []
    assert found is not None
    item = found.items["papers"]
    assert (item.years, item.counts_from, item.number, item.needs_counsel) == (
        3,
        "matter-closed",
        "22:115-4",
        False,
    )
    assert item.covers_paper("detainer")
    assert not item.covers_paper("subpoena")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("years = 3\n", "yers = 3\n", 14), ("years = 3", "years = -1", 14), ("years = 3", 'years = "3"', 14),
        ("years = 3", "years = true", 14), ("years = 3", "years = 3\npermanent = true", 14), ("years = 3\n", "", 8),
        ("years = 3", "years = 101", 14), ('["papers"]', '["paper"]', 11), ('["papers"]', "[]", 11),
        ('["papers"]', "[3]", 11),
        ('"matter-closed"', '"sometime"', 13), ('"text"', '"rumour"', 16), ('"adopted"', '"settled"', 17),
        ('standing = "adopted"', 'standing = "needs-counsel"', 18), ('adopted_by = "law"\n', "", 8),
        ('"text"\nstanding = "adopted"', '"mirror"\nstanding = "confirmed"', 17), ('number = "22:115-4"\n', "", 8),
        ("[item.papers]", '[item."Pa pers"]', 8), ('says = "approval"', 'said = "approval"', 2),
        ('["detainer"]', '["De tainer"]', 12), ('certificate = "number"\n', "", 1),
    ],
)  # fmt: skip
def test_a_fault_is_said_with_its_line(old: str, new: str, line: int) -> None:
    found, findings = read_retention(GOOD.replace(old, new, 1))
    assert found is None
    assert line in {finding.span.line for finding in findings if finding.span}


def test_no_toml_is_said_with_its_place() -> None:
    with pytest.raises(PolicyCheckError) as raised:
        read_retention("[disposal\n")
    assert raised.value.findings[0].span is not None


@given(st.text(alphabet='[]="\n.ab1tem-papers', max_size=80))
def test_any_text_is_a_schedule_or_has_faults(text: str) -> None:
    try:
        found, findings = read_retention(text)
    except PolicyCheckError:
        return
    assert (found is None) == bool(findings)


def test_the_shipped_schedule_of_chicago_is_well_formed_and_erases_nothing() -> None:
    pack = load_pack("chicago")
    assert check_paperwork(pack) == []
    schedule = load_retention(pack)
    assert schedule.items
    assert all(item.needs_counsel for item in schedule.items.values())
    assert all(item.years is None for item in schedule.items.values())
    assert schedule.disposal.standing == "needs-counsel"
