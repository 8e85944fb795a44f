"""docs/howto/write-an-order.md: what a reader is told to write makes an order that checks, and each mistake is told."""

import re
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from doorward.orders.check import check_pack
from doorward.orders.load import read_templates
from doorward.orders.prove import prove_pack
from doorward.orders.scaffold import make_draft

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "howto" / "write-an-order.md").read_text(
    encoding="utf-8"
)
BLOCK = r"<!-- {} -->\n```\w+\n(.*?)^```$"
MISTAKE = re.compile(
    r"<!-- wrong in records\.cedar -->\n```cedar\n(.*?)^```\n```text\n(.*?)\n```$", re.MULTILINE | re.DOTALL
)


def block(marker: str) -> str:
    found = re.search(BLOCK.format(re.escape(marker)), PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, marker
    return found.group(1)


def followed() -> dict[str, str]:
    """The files of a draft after everything on the page has been done."""
    files = make_draft("sample-town", read_templates(), today=date(2026, 1, 1))
    for name in ("order.toml", "records.cedar", "scenarios.csv", "theorems.toml"):
        files[name] += "\n" * (not name.endswith(".csv")) + block(f"add to {name}")
    files["order.toml"] = files["order.toml"].replace(
        "[purpose]\n", "[purpose]\n" + block("under [purpose] of order.toml")
    )
    entry = block("entry of entities/agencies.json").strip()
    files["entities/agencies.json"] = files["entities/agencies.json"].replace("[\n", f"[\n {entry},\n", 1)
    rules = block("before the purpose rules of scenarios.toml")
    head, purposes = files["scenarios.toml"].split('[[rule]]\ncolumn = "purpose"', 1)
    files["scenarios.toml"] = f'{head}{rules}\n[[rule]]\ncolumn = "purpose"{purposes}'
    return files


def encoded(files: dict[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in files.items()}


def test_what_the_page_says_makes_an_order_that_checks_and_proves() -> None:
    report = check_pack(encoded(followed()), cases={}, now=datetime(2026, 3, 1, tzinfo=UTC))
    assert [str(finding) for finding in report.findings] == []
    assert report.unshown == ()
    assert report.pack is not None
    assert len(report.cases["scenarios.csv"].decided) == 13
    result = prove_pack(report.pack, cpu=time.process_time)
    assert result.holds
    assert (result.idle, result.useless, result.unyielding) == ((), (), ())


@pytest.mark.parametrize(("policy", "said"), MISTAKE.findall(PAGE))
def test_each_mistake_is_told_as_the_page_says(policy: str, said: str) -> None:
    files = followed()
    files["records.cedar"] += policy
    report = check_pack(encoded(files), cases={}, now=datetime(2026, 3, 1, tzinfo=UTC))
    assert any(said in finding.message for finding in report.findings), report.findings


def test_the_page_shows_mistakes() -> None:
    assert len(MISTAKE.findall(PAGE)) >= 6
