"""Cosignatures of ML-DSA-44: checked where a library can, and elsewhere said of each, and never counted."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from typer.testing import CliRunner

from doorward.cli.log import app
from doorward.cli.main import exit_code
from doorward.errors import DoorwardError
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.cosignature import Algorithm, Cosigner, format_key, has_ml_dsa
from doorward.record.witnessing import add_lines
from doorward.verifier import note
from doorward.verifier.check import Task, check
from doorward.verifier.findings import Verdict
from doorward.verifier.note import parse_key
from verifier.logs import KEY, KEY_TEXT, leaf, log_of
from verifier.test_single_file import module, single_file

__all__ = ["module", "single_file"]

pytestmark = pytest.mark.skipif(not has_ml_dsa(), reason="the cryptography library here has no ML-DSA")
SECONDS = 1_900_000_000


@dataclass
class Cosigned:
    """A log with a cosignature of ML-DSA-44, the cosigner's key, and the key of one that did not sign."""

    folder: Path
    vkey: str
    absent: str

    def verdict(self, *witnesses: str) -> Verdict:
        return check(Task(str(self.folder), KEY, witnesses=tuple(map(parse_key, witnesses))))


def cosigner(number: int) -> Cosigner:
    return Cosigner.make(f"witness.example/w{number}", bytes([number]) * 32, Algorithm.COSIGNATURE_ML_DSA_44)


@pytest.fixture(name="cosigned")
def cosigned_fixture(tmp_path: Path) -> Cosigned:
    folder, signer = log_of(300).write(tmp_path / "log"), cosigner(1)
    raw = (folder / "checkpoint").read_bytes()
    (folder / "checkpoint").write_bytes(add_lines(raw, [signer.cosign(parse_checkpoint(raw), SECONDS)]))
    return Cosigned(folder, format_key(signer.key), format_key(cosigner(2).key))


def test_it_is_checked_where_the_library_can(cosigned: Cosigned) -> None:
    verdict = cosigned.verdict(cosigned.vkey)
    assert (verdict.findings, verdict.could_not_tell, verdict.counts["cosignatures"]) == ([], [], 1)
    assert "cosigned by witness.example/w1 at 2030-03-17 17:46:40 UTC" in verdict.notes
    assert [one.kind for one in cosigned.verdict(cosigned.absent).findings] == ["signature-missing"]


def test_one_that_was_not_asked_for_is_said(cosigned: Cosigned) -> None:
    verdict = cosigned.verdict()
    assert verdict.holds
    assert any(
        "a line of 'witness.example/w1', as long as a cosignature" in one for one in verdict.not_checked
    )
    assert not any("ML-DSA" in one for one in cosigned.verdict(cosigned.vkey).not_checked)


@pytest.mark.parametrize("at", [6, 20, -9])
def test_a_changed_byte_of_it_is_false(cosigned: Cosigned, at: int) -> None:
    file = cosigned.folder / "checkpoint"
    head, dash, line = file.read_bytes().rpartition("\N{EM DASH} ".encode())
    name, _, text = line.partition(b" ")
    where = at if at > 0 else len(text) + at
    text = text[:where] + (b"A" if text[where : where + 1] != b"A" else b"B") + text[where + 1 :]
    file.write_bytes(head + dash + name + b" " + text)
    assert [one.kind for one in cosigned.verdict(cosigned.vkey).findings] == ["signature-false"]


def test_it_is_of_this_log_and_this_root(cosigned: Cosigned, tmp_path: Path) -> None:
    line = (cosigned.folder / "checkpoint").read_bytes().rpartition("\N{EM DASH} ".encode())
    other = log_of(301).write(tmp_path / "other")
    with (other / "checkpoint").open("ab") as file:
        file.write(line[1] + line[2])
    found = check(Task(str(other), KEY, witnesses=(parse_key(cosigned.vkey),))).findings
    assert [one.kind for one in found] == ["signature-false"]


class Without:
    """A library that has no ML-DSA."""

    @staticmethod
    def from_public_bytes(_raw: bytes) -> None:
        raise UnsupportedAlgorithm("ML-DSA")


def test_where_the_library_cannot_it_is_said_and_counts_for_nothing(
    cosigned: Cosigned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(note, "MLDSA44PublicKey", Without)
    verdict = cosigned.verdict(cosigned.vkey)
    assert (verdict.findings, verdict.counts.get("cosignatures")) == ([], None)
    assert ["whether witness.example/w1 cosigned" in one for one in verdict.could_not_tell] == [True]
    assert [one.kind for one in cosigned.verdict(cosigned.absent).findings] == ["signature-missing"]
    done = CliRunner().invoke(
        app, ["verify", str(cosigned.folder), "--key", KEY_TEXT, "--witness", cosigned.vkey]
    )
    assert (done.exit_code, "could not tell: whether witness.example/w1 cosigned" in done.output) == (3, True)


def test_the_command_checks_it_and_takes_no_such_key_for_a_logs(cosigned: Cosigned) -> None:
    done = CliRunner().invoke(
        app, ["verify", str(cosigned.folder), "--key", KEY_TEXT, "--witness", cosigned.vkey]
    )
    assert (done.exit_code, "cosigned by witness.example/w1" in done.output) == (0, True), done.output
    done = CliRunner().invoke(app, ["verify", str(cosigned.folder), "--key", cosigned.vkey])
    assert isinstance(done.exception, DoorwardError)
    assert (exit_code(done.exception), "a log's is Ed25519" in str(done.exception)) == (2, True)


@pytest.mark.parametrize("has_it", [True, False])
def test_no_such_key_is_a_logs_own(
    cosigned: Cosigned, monkeypatch: pytest.MonkeyPatch, *, has_it: bool
) -> None:
    own = Cosigner.make(KEY.name, b"k" * 32, Algorithm.COSIGNATURE_ML_DSA_44)
    file = cosigned.folder / "checkpoint"
    file.write_bytes(add_lines(file.read_bytes(), [own.cosign(parse_checkpoint(file.read_bytes()), SECONDS)]))
    if not has_it:
        monkeypatch.setattr(note, "MLDSA44PublicKey", Without)
    (found,) = check(Task(str(cosigned.folder), parse_key(format_key(own.key)))).findings
    assert "the key of a cosigner (ML-DSA-44), and a log's is Ed25519" in str(found)


def test_the_single_file_says_of_each_that_it_cannot_tell(
    cosigned: Cosigned, module: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*arguments: str) -> tuple[int, dict[str, Any]]:
        code = module.main([str(cosigned.folder), "--key", KEY_TEXT, "--json", *arguments])
        return code, json.loads(capsys.readouterr().out)

    code, found = said("--witness", cosigned.vkey)
    assert (code, found["findings"], len(found["could_not_tell"])) == (3, [], 1)
    assert "ML-DSA-44, which this file does not check" in found["could_not_tell"][0]
    assert not any("cosigned by" in one for one in found["notes"])
    code, found = said()
    assert (code, found["could_not_tell"]) == (0, [])
    assert any("not checked: a line of 'witness.example/w1'" in one for one in found["notes"])
    code, found = said("--witness", cosigned.absent)
    assert (code, [one["kind"] for one in found["findings"]]) == (1, ["signature-missing"])
    assert module.main([str(cosigned.folder), "--key", cosigned.vkey]) == 2


def test_the_single_file_says_so_of_a_proof(cosigned: Cosigned, module: ModuleType, tmp_path: Path) -> None:
    log = log_of(300)
    log.files["checkpoint"] = (cosigned.folder / "checkpoint").read_bytes()
    proof = tmp_path / "a.tlog-proof"
    proof.write_bytes(log.proof(7))
    about = [str(proof), "--key", KEY_TEXT, "--leaf", leaf(7).hex()]
    assert module.main(about) == 0
    assert module.main([*about, "--witness", cosigned.vkey]) == 3
