"""Go's checksum database code reads our log, and each of our verifiers reads a log that it made."""

import os
import shutil
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from doorward.notes.note import Signer, cosign_note, format_verifier, parse_verifier_key
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.cosignature import Algorithm, Cosigner, has_ml_dsa
from doorward.record.fsck import check_log
from doorward.record.openings import MemoryDisclosures
from doorward.record.witnessing import add_lines
from doorward.verifier.check import Task, check
from doorward.verifier.note import parse_key
from doorward.verifier.single_file import make_single_file
from record.samples import World, fill, flip
from verifier.logs import KEY_TEXT, Log, log_of

SOURCE = Path(__file__).parent / "goverify"
SIZES = (1, 255, 256, 257, 700)


@pytest.fixture(scope="module")
def goverify(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built from what Debian ships."""
    packages = Path("/usr/share/gocode")
    if shutil.which("go") is None or not (packages / "src/golang.org/x/mod/sumdb/tlog").exists():
        if os.environ.get("CI"):
            pytest.fail("golang-go and golang-golang-x-mod-dev are not here, and CI must have them")
        pytest.skip("golang-go and golang-golang-x-mod-dev are not here")
    folder = tmp_path_factory.mktemp("go")
    settings = {
        "GO111MODULE": "off",
        "GOPATH": str(packages),
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "",
    }
    program = folder / "goverify"
    subprocess.run(
        ["go", "build", "-o", program, "."],
        cwd=SOURCE,
        env={**os.environ, **settings},
        check=True,
        timeout=240,
    )
    return program


def run(program: Path, *arguments: str | Path) -> tuple[int, str]:
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def test_a_record_that_was_written_through_the_spool_holds_there(goverify: Path, tmp_path: Path) -> None:
    world = World(tmp_path, Signer.make("doorward.example/test", bytes(32)), MemoryDisclosures())
    fill(world.spool_dir, range(50))
    world.publish()
    old = parse_checkpoint((world.log_dir / "checkpoint").read_bytes())
    fill(world.spool_dir, range(50, 150))
    world.publish()
    vkey = format_verifier(world.signer.verifier)
    root = b64encode(old.root).decode()
    assert run(goverify, "check", world.log_dir, vkey, str(old.tree_size), root) == (0, "600 leaves hold")
    code, said = run(
        goverify, "check", world.log_dir, vkey, str(old.tree_size), b64encode(bytes(32)).decode()
    )
    assert code == 1
    assert "proof" in said


@pytest.mark.parametrize("size", SIZES)
def test_logs_of_other_shapes_hold_there(goverify: Path, tmp_path: Path, size: int) -> None:
    folder = log_of(size).write(tmp_path)
    assert run(goverify, "check", folder, KEY_TEXT) == (0, f"{size} leaves hold")


def test_three_levels_hold_there_and_a_flipped_byte_does_not(
    goverify: Path, three_levels_log: Log, tmp_path: Path
) -> None:
    folder = three_levels_log.write(tmp_path)
    assert run(goverify, "check", folder, KEY_TEXT) == (0, "66100 leaves hold")
    flip(folder / "tile/entries/100", 40)
    assert run(goverify, "check", folder, KEY_TEXT) == (
        1,
        "goverify: leaf 25601 is not the one that was signed",
    )


@pytest.fixture(scope="module")
def three_levels_log() -> Log:
    return log_of(66_100)


@pytest.mark.parametrize("size", SIZES)
def test_a_log_that_go_made_holds_for_all_of_ours(goverify: Path, tmp_path: Path, size: int) -> None:
    folder = tmp_path / "log"
    code, vkey = run(goverify, "make", folder, "go.example/log", str(size))
    assert code == 0
    assert run(goverify, "check", folder, vkey)[0] == 0
    verdict = check(Task(str(folder), parse_key(vkey)))
    assert verdict.holds
    assert verdict.counts["leaves"] == size
    assert check_log(folder, parse_verifier_key(vkey)).holds
    alone = tmp_path / "verify_log.py"
    alone.write_text(make_single_file())
    command = [sys.executable, "-I", "-S", str(alone), str(folder), "--key", vkey]
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0
    if size == 700:
        flip(folder / "tile/entries/001", 40)
        assert [one.place for one in check(Task(str(folder), parse_key(vkey))).findings] == [
            "tile/entries/001, entry 1"
        ]
        assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 1


def test_a_checkpoint_with_more_signers_holds_there_and_for_ours(goverify: Path, tmp_path: Path) -> None:
    log = log_of(300)
    folder = log.write(tmp_path)
    signed = log.files["checkpoint"]
    for number in range(20):  # C2SP asks readers for 16 at least
        signed = cosign_note(signed, Signer.make(f"other.example/{number}", bytes([number]) * 32))
    (folder / "checkpoint").write_bytes(signed)
    assert run(goverify, "check", folder, KEY_TEXT) == (0, "300 leaves hold")
    assert check(Task(str(folder), log.key)).holds
    third = format_verifier(Signer.make("other.example/3", bytes([3]) * 32).verifier)
    assert check(Task(str(folder), log.key, witnesses=(parse_key(third),))).holds
    absent = format_verifier(Signer.make("other.example/3", bytes(32)).verifier)
    found = check(Task(str(folder), log.key, witnesses=(parse_key(absent),))).findings
    assert [one.kind for one in found] == ["signature-missing"]


def test_a_cosignature_of_ml_dsa_is_said_not_to_be_checked_there(goverify: Path, tmp_path: Path) -> None:
    if not has_ml_dsa():
        pytest.skip("the cryptography library here has no ML-DSA")
    folder = log_of(300).write(tmp_path)
    raw = (folder / "checkpoint").read_bytes()
    cosigner = Cosigner.make("witness.example/w", bytes(32), Algorithm.COSIGNATURE_ML_DSA_44)
    (folder / "checkpoint").write_bytes(add_lines(raw, [cosigner.cosign(parse_checkpoint(raw), 1)]))
    said = (
        'not checked: a line of "witness.example/w", as long as a cosignature of ML-DSA-44\n300 leaves hold'
    )
    assert run(goverify, "check", folder, KEY_TEXT) == (0, said)
