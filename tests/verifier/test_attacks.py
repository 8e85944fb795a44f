"""Each attack of the published table, against both verifiers and the operator's own check."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from doorward.record.fsck import check_log
from doorward.verifier.check import Task, check
from doorward.verifier.note import parse_key
from verifier.attacks import ATTACKS, HOLDS, LOG, Attack, Case
from verifier.logs import KEY, KEY_TEXT, SIGNER
from verifier.test_single_file import module, single_file

__all__ = ["module", "single_file"]

PAGE = Path(__file__).resolve().parents[2] / "docs/concepts/record-attacks.md"


@pytest.mark.parametrize("attack", ATTACKS, ids=[f"{one.group}: {one.what}" for one in ATTACKS])
def test_the_attack_is_named(attack: Attack, module: ModuleType, tmp_path: Path) -> None:
    case = Case(LOG.write(tmp_path))
    attack.do(case)
    witnesses = tuple(map(parse_key, case.witnesses))
    verdict = check(Task(str(case.folder), KEY, case.since, witnesses))
    assert tuple(one.kind.value for one in verdict.findings) == (() if attack.says == HOLDS else attack.says)
    assert verdict.could_not_tell == []
    report = module.Report()
    folder, key = module.Folder(str(case.folder)), module.read_key(KEY_TEXT)
    module.check_log(folder, key, [module.read_key(text) for text in case.witnesses], case.since, report)
    assert tuple(one["kind"] for one in report.findings) == (() if attack.says == HOLDS else attack.says)
    if attack.fsck:
        own = check_log(case.folder, SIGNER.verifier)
        answer = "false" if own.findings else "could not tell" if own.could_not_tell else "holds"
        assert answer == attack.fsck


def said(attack: Attack) -> str:
    return ", ".join(f"`{kind}`" for kind in dict.fromkeys(attack.says))


def table() -> str:
    """The rows of the page, by who can do it."""
    parts = []
    for group in dict.fromkeys(one.group for one in ATTACKS):
        rows = [
            f"| {one.what} | {said(one)} | {one.fsck or 'not asked'} | {one.remark} |"
            for one in ATTACKS
            if one.group == group
        ]
        head = "| attack | both verifiers say | `log verify` of the operator | remark |\n|---|---|---|---|"
        parts.append(f"### {group}\n\n{head}\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def test_the_published_table_is_this_one() -> None:
    text = PAGE.read_text(encoding="utf-8")
    match = re.search(r"<!-- attacks -->\n\n(.*)\n<!-- end -->", text, flags=re.DOTALL)
    assert match is not None
    assert match[1] == table()


def test_a_lookalike_is_printed_with_its_code(tmp_path: Path) -> None:
    case = Case(LOG.write(tmp_path))
    next(one for one in ATTACKS if "lookalike" in one.what).do(case)
    assert "d\\u043eorward" in str(check(Task(str(case.folder), KEY)).findings[0])
