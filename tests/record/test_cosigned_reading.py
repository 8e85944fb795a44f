"""Every check of a public log reads one with many cosignatures, as C2SP asks: sixteen and more, of both kinds."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doorward.cli.log import app
from doorward.notes.note import append_signature, format_verifier
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.cosignature import Algorithm, Cosigner
from doorward.verifier.single_file import make_single_file
from record.samples import World, fill


@pytest.fixture(name="cosigned")
def cosigned_fixture(world: World) -> World:
    fill(world.spool_dir)
    world.publish()
    file = world.log_dir / "checkpoint"
    raw = file.read_bytes()
    checkpoint = parse_checkpoint(raw)
    for number in range(16):
        for kind in (Algorithm.COSIGNATURE_ED25519, Algorithm.COSIGNATURE_ML_DSA_44):
            cosigner = Cosigner.make(f"w{number}.example", bytes([number] * 32), kind)
            raw = append_signature(checkpoint.note.text, raw, cosigner.cosign(checkpoint, 1_700_000_000))
    assert len(raw) > 50_000
    file.write_bytes(raw)
    (world.log_dir / "witnessed").write_bytes(raw)
    return world


def test_the_operators_check_reads_it(cosigned: World) -> None:
    assert cosigned.found() == []


def test_the_outsiders_check_reads_it(cosigned: World) -> None:
    key = format_verifier(cosigned.signer.verifier)
    done = CliRunner().invoke(app, ["verify", str(cosigned.log_dir), "--key", key])
    assert done.exit_code == 0, done.output


def test_the_publisher_goes_on_from_it(cosigned: World) -> None:
    assert cosigned.publisher().tree_size == 12


def test_the_single_file_reads_it(cosigned: World, tmp_path: Path) -> None:
    program = tmp_path / "verify_log.py"
    program.write_text(make_single_file(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, program, cosigned.log_dir, "--key", format_verifier(cosigned.signer.verifier)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
