"""A log that `doorward up` made is checked by outsiders: the page in a browser, the single file, the command, Go."""

import shutil
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doorward.cli.log import app
from doorward.notes.note import parse_verifier_key
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.log_files import CHECKPOINT, LogFiles
from doorward.record.prove import prove_leaf
from doorward.record.tiles import TileId, parse_bundle
from doorward.verifier.single_file import make_single_file
from interop.test_go import goverify, run
from live.conftest import Up
from verifier.test_page import Reader, browser

__all__ = ["browser", "goverify"]

pytestmark = pytest.mark.pg
PUBLISHED_SECONDS = 60
DROP = """([raw, name]) => {
  const files = new DataTransfer();
  files.items.add(new File([Uint8Array.from(atob(raw), sign => sign.charCodeAt(0))], name));
  document.getElementById("result").hidden = true;
  document.dispatchEvent(new DragEvent("drop", { dataTransfer: files, cancelable: true }));
}"""


@pytest.fixture(name="grown", scope="module")
def grown_fixture(up: Up) -> Path:
    """The log of a city that was asked something, published."""
    files = LogFiles(up.folders.log)
    before = _size(files)
    with up.connect() as session:
        session.execute("SELECT 1")
    deadline = time.monotonic() + PUBLISHED_SECONDS
    while _size(files) <= before:
        assert time.monotonic() < deadline, "the log does not grow"
        time.sleep(0.1)
    return up.folders.log


def _size(files: LogFiles) -> int:
    raw = files.read(CHECKPOINT)
    return 0 if raw is None else parse_checkpoint(raw).tree_size


@pytest.fixture(name="proof", scope="module")
def proof_fixture(grown: Path) -> tuple[bytes, bytes, str]:
    """The proof of the log's last leaf, the leaf, and the log's key."""
    files, key = LogFiles(grown), (grown / "vkey").read_text().strip()
    size = _size(files)
    index, at = divmod(size - 1, 256)
    bundle = files.read_tile(TileId(None, index, at + 1))
    assert bundle is not None
    leaf = parse_bundle(bundle, at + 1)[at]
    return prove_leaf(files, parse_verifier_key(key), size - 1, leaf), leaf, key


@pytest.fixture(name="reader", scope="module")
def reader_fixture(browser: object) -> Iterator[Reader]:
    with as_file(files("doorward.verifier") / "verify.html") as file:
        found = Reader(browser, file.as_uri())
        yield found
        found.context.close()
        assert (found.complaints, set(found.asked)) == ([], {file.as_uri()})


def test_a_proof_of_it_that_is_dropped_holds_and_one_with_a_changed_byte_does_not(
    reader: Reader, proof: tuple[bytes, bytes, str]
) -> None:
    raw, leaf, key = proof

    def drop(dropped: bytes, of: bytes) -> tuple[str, str]:
        reader.page.get_by_label("The log’s key").fill(key)  # noqa: RUF001  # as the page has it
        if not reader.page.get_by_label("The entry, in hex").is_visible():
            reader.page.get_by_text("A plain proof, or witnesses").click()
        reader.page.get_by_label("The entry, in hex").fill(of.hex())
        reader.page.evaluate(DROP, [b64encode(dropped).decode(), "a.tlog-proof"])
        return reader.said()

    verdict, reasons = drop(raw, leaf)
    assert (verdict, "The entry is leaf" in reasons) == ("It holds.", True), reasons
    name = key.partition("+")[0].encode()
    cut = raw.index(name)
    for at in (raw.index(b"index ") + 6, raw.index(b"\n", raw.index(b"index ")) + 5, cut + 3, len(raw) - 20):
        changed = bytearray(raw)
        changed[at] = ord("A") if changed[at] != ord("A") else ord("B")
        verdict, reasons = drop(bytes(changed), leaf)
        assert verdict == "It does not hold.", (at, reasons)
    assert drop(raw, bytes([leaf[0] ^ 1]) + leaf[1:])[0] == "It does not hold."
    assert drop(raw, leaf)[0] == "It holds."


def test_the_command_and_the_single_file_come_to_the_same(
    grown: Path, proof: tuple[bytes, bytes, str], tmp_path: Path
) -> None:
    raw, leaf, key = proof
    done = CliRunner().invoke(app, ["verify", str(grown), "--key", key])
    assert (done.exit_code, "everything that was checked holds" in done.output) == (0, True), done.output
    alone, file = tmp_path / "verify_log.py", tmp_path / "a.tlog-proof"
    alone.write_text(make_single_file(), encoding="utf-8")
    for changed, code in ((raw, 0), (raw.replace(b"\n\n", b"\n" + b64encode(bytes(32)) + b"\n\n", 1), 1)):
        file.write_bytes(changed)
        command = [sys.executable, "-I", "-S", str(alone), str(file), "--key", key, "--leaf", leaf.hex()]
        assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == code
    command = [sys.executable, "-I", "-S", str(alone), str(grown), "--key", key]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (said.returncode, "everything that was checked holds" in said.stdout) == (0, True), said.stdout


@pytest.mark.long  # it compiles the program
def test_the_program_in_go_comes_to_the_same(
    goverify: Path, grown: Path, proof: tuple[bytes, bytes, str], tmp_path: Path
) -> None:
    code, said = run(goverify, "check", grown, proof[2])
    assert (code, said.endswith(" leaves hold")) == (0, True), said
    copy = tmp_path / "log"
    shutil.copytree(grown, copy)
    bundle = next((copy / "tile/entries").rglob("*[0-9]"))
    raw = bytearray(bundle.read_bytes())
    raw[10] ^= 1
    bundle.write_bytes(raw)
    assert run(goverify, "check", copy, proof[2])[0] == 1
