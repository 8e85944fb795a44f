"""A citation in place of a value is known as one in Python and in SQL; a reason that mentions a law is a reason."""

from pathlib import Path
from typing import Any

import pytest

from doorward.lookback.exemptions import LAWS, is_citation
from doorward.lookback.reading.forms import is_exemption
from tests_support.access_logs import PORTAL, portal_row, write

CITED = (
    "ORS 192.345(3)", "[ORS 192.355(2)]", "O.R.S. § 192.355 (2)(a)", "Oregon ORS 192.371",
    "RCW 42.56.240(1)", "R.C.W. 42.56.420", "(RCW 42.56.230)",
    "FOIL 87(2)(b)", "NY FOIL § 87(2)(e)(iv)", "POL 87(2)(f)", "Public Officers Law § 89(2)(b)",
    "Tex. Gov't Code § 552.108(a)(1)", "Texas Government Code 552.101", "TGC 552.130", "Gov\u2019t Code Sec. 552.108",
    "119.071(2)(c)", "F.S. 119.071(4)(d)", "s. 119.071(2)(c)", "Fla. Stat. § 119.071", "119.071(2)(c), F.S.",
    "5 ILCS 140/7(1)(d)(iv)", "5 ILCS 140/7.5", "[5 ILCS 140/7(1)(b)]",
)  # fmt: skip
REASONS = (
    "records request, withheld under ORS 192.345 by mistake", "ORS 163.165 assault", "ORS 192.345 burglary",
    "RCW 46.61.502", "RCW 42.56 training class", "warrant RCW 42.56.240",
    "FOIL", "FOIL request 87", "87(2)", "POL 240.20(2)",
    "Penal Code 552.1", "552.108", "Gov Code 76000", "unit 552.101",
    "119.07", "Fla. Stat. 316.193", "case 119.0712", "F.S. 843.02",
    "5 ILCS 140/4", "720 ILCS 5/19-1", "5 ILCS 140/7 and burglary", "140/7",
)  # fmt: skip


@pytest.mark.parametrize("text", CITED)
def test_a_citation_stands_in_place_of_a_value(text: str) -> None:
    assert is_citation(text)
    assert is_exemption(f"  {text.upper()} ")


@pytest.mark.parametrize("text", REASONS)
def test_a_reason_that_mentions_a_section_is_no_citation(text: str) -> None:
    assert not is_citation(text)
    assert not is_exemption(text)


def test_a_file_is_read_alike(tmp_path: Path, read: Any, rows: Any) -> None:
    texts = [*CITED, *REASONS]
    write(
        tmp_path / "a.csv", [PORTAL, *(portal_row(n, reason=text) for n, text in enumerate(texts, start=1))]
    )
    read(tmp_path / "a.csv")
    found = rows("reason, reason_state")
    assert found == [*((None, "withheld") for _ in CITED), *((text, "value") for text in REASONS)]


def test_every_law_names_its_source_and_its_mark() -> None:
    for law in LAWS:
        assert law.source
        assert any(law.mark in text and is_citation(text) for text in CITED)
