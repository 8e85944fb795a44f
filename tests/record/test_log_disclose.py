"""`doorward log disclose` and `log check-exhibit`: who may, what is refused, what is recorded, what holds."""

import json
import os
import stat
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from doorward.cli.log_link import write_new
from doorward.desk.exhibit_page import render_exhibit
from doorward.errors import ConfigError, StoreError
from doorward.notes.note import format_verifier
from doorward.record.check_exhibit import check_exhibit, read_public_key
from doorward.record.entry import Field, Kind
from doorward.record.keys import make_log_key
from doorward.record.log_files import LogFiles
from doorward.record.release import release
from doorward.record.schedule import Schedule
from doorward.record.workers import WRITERS
from record.place import Place, invoke
from record.test_exhibit import KEY, make


def test_a_court_gets_one_statement_and_nothing_else(place: Place, tmp_path: Path) -> None:
    key = place.official("law/finn.example")
    paper = place.paper(key)
    file, page = tmp_path / "exhibit.txt", tmp_path / "exhibit.pdf"
    asked = (
        "--key",
        key,
        "--process",
        paper,
        "--for",
        "court",
        "--field",
        "text",
        "--to",
        file,
        "--pdf",
        page,
    )
    done = place.run("disclose", "4", *asked)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert page.read_bytes().startswith(b"%PDF")
    assert file.stat().st_mode & 0o077 == 0
    checked = invoke("log", "check-exhibit", file, "--key", place.vkey, "--json")
    said = json.loads(checked.stdout)
    assert (checked.returncode, said["holds"], said["not_shown"]) == (0, True, 12)
    assert said["fields"]["text"] == "SELECT 2"
    assert set(said["fields"]) == {"kind", "sequence", "time", "text"}
    (entry,) = place.kept()
    assert entry.kind is Kind.KEEPING
    assert dict(entry.fields) == {
        Field.LOGIN: b"finn.example", Field.PRESENTER: b"law", Field.FOR_AGENCY: b"court", Field.SCOPE: b"entry 4",
        Field.EVIDENCE: paper.encode(), Field.WHAT: b"kind sequence text time", Field.ACT: b"disclose",
        Field.DIGEST: said["sha256"].encode(),
    }  # fmt: skip
    assert b"SELECT" not in b"".join(value for _, value in entry.fields)
    assert place.run("disclose", "4", *asked).stderr.endswith("is there already")
    assert len(place.kept()) == 1
    # What was recorded is published with the rest, and the whole still verifies.
    place.world.publish()
    assert place.run("verify").returncode == 0
    printed = invoke("log", "check-exhibit", file, "--key", place.vkey).stdout
    assert "it holds: leaf" in printed
    file.write_bytes(file.read_bytes().replace(b"index 2", b"index 3"))
    changed = invoke("log", "check-exhibit", file, "--key", place.vkey)
    assert changed.returncode == 1
    assert "FALSE: the file was changed after it was made" in changed.stdout


def test_what_is_refused_leaves_no_file_and_no_entry(place: Place, tmp_path: Path) -> None:
    law, auditor = place.official("law/finn.example"), place.official("auditor/ada.example")
    court, agency = place.paper(law), place.paper(law, "agency_subpoena")
    stranger = tmp_path / "stranger.key"
    invoke("order", "key", "law/stranger.example", "--out", stranger)
    file = tmp_path / "exhibit.txt"
    cases: tuple[tuple[Path, str, str, str, str], ...] = (
        (auditor, court, "court", "rows", "expected a key of law"),
        (stranger, court, "court", "rows", "is not among the officials' keys"),
        (law, "0123456789ab", "court", "rows", "there is no paper on file"),
        (law, agency, "agency", "text", "a court's process is needed"),
        (law, court, "court", "token", "opens the door for whoever has it"),
        (law, court, "court", "purpose", "the entry has no field `purpose`"),
        (law, court, "Judge Dredd", "rows", "`--for` is one word"),
    )
    for key, paper, receiver, field, said in cases:
        asked = ("--key", key, "--process", paper, "--for", receiver, "--field", field, "--to", file)
        done = place.run("disclose", "4", *asked)
        assert done.returncode in {1, 2}
        assert said in done.stderr
    for entry, said in (
        ("99", "there is no entry 99"),
        ("x", "is no entry"),
        (f"{WRITERS}:1", f"at most {WRITERS} writers"),
    ):
        done = place.run("disclose", entry, "--key", law, "--process", court, "--for", "court", "--to", file)
        assert said in done.stderr
    assert not file.exists()
    assert place.kept() == []


def test_a_paper_that_was_taken_back_shows_nothing(place: Place, tmp_path: Path) -> None:
    law = place.official("law/finn.example")
    paper = place.paper(law)
    why = ("--evidence", "memo 3", "--reason", "quashed")
    invoke("records", "revoke", paper, "--key", law, *why, "--data", place.folders.data)
    done = place.run(
        "disclose", "4", "--key", law, "--process", paper, "--for", "court", "--to", tmp_path / "x"
    )
    assert "the paper is not in force" in done.stderr
    assert place.kept() == []


def test_disclosures_that_do_not_open_the_leaf_make_no_exhibit(
    place: Place, owner_conninfo: str, tmp_path: Path
) -> None:
    law = place.official("law/finn.example")
    paper = place.paper(law)
    with psycopg.connect(owner_conninfo) as connection:
        connection.execute("UPDATE record.entries SET request = 9 WHERE sequence = 4")
    done = place.run(
        "disclose", "4", "--key", law, "--process", paper, "--for", "court", "--to", tmp_path / "x"
    )
    assert done.returncode == 1
    assert "the block does not hold the entry" in done.stderr
    assert place.kept() == []


def test_the_page_is_the_same_bytes_and_shows_whatever_was_recorded(page: Callable[[bytes], bytes]) -> None:
    assert page(b"SELECT 1") == page(b"SELECT 1")
    for hostile in (b"", b"\xff\x00" * 2000, b"#eval(1) $x$ \\", "\u202e\U0001f600".encode(), b"x" * 5000):
        assert page(hostile).startswith(b"%PDF")


@pytest.fixture(name="page")
def page_fixture() -> Callable[[bytes], bytes]:
    shown = check_exhibit(make(), KEY)

    def render(value: bytes) -> bytes:
        fields = tuple((name, value if name == "text" else one) for name, one in shown.fields)
        return render_exhibit(
            replace(shown, fields=fields), digest="0f" * 32, key="log.example+00000000+" + "A" * 44, receiver="court",
            process="0123456789ab", office="law", day=date(2031, 5, 6), is_sample=True,
        )  # fmt: skip

    return render


def test_a_key_that_is_none_is_usage(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"x")
    done = invoke("log", "check-exhibit", file, "--key", "nonsense")
    assert (done.returncode, "`--key`" in done.stderr) == (2, True)
    good = format_verifier(make_log_key(tmp_path / "k", origin="a.example").verifier)
    assert read_public_key(good).name == "a.example"
    assert invoke("log", "check-exhibit", tmp_path / "nowhere", "--key", good).returncode == 2
    assert invoke("log", "check-exhibit", file, "--key", good).returncode == 1


def test_with_the_released_copy_the_proof_is_to_what_witnesses_cosigned(place: Place, tmp_path: Path) -> None:
    law, public = place.official("law/finn.example"), tmp_path / "public"
    asked = ("--key", law, "--process", place.paper(law), "--for", "court", "--public", public)
    schedule, files = Schedule(3600, 6, 1_900_000_800), LogFiles(place.world.log_dir)
    release(files, LogFiles(public), place.world.signer, schedule, now=schedule.start + 3600)
    witness, cosigned = cosign((public / "checkpoint").read_bytes())
    (public / "witnessed").write_bytes(cosigned)
    release(files, LogFiles(public), place.world.signer, schedule, now=schedule.start + 7200)
    early, late = tmp_path / "early", tmp_path / "late"
    assert place.run("disclose", "4", *asked, "--to", early).stderr == ""
    assert place.run("disclose", "22", *asked, "--to", late).stderr == ""
    done = invoke("log", "check-exhibit", early, "--key", place.vkey, "--witness", witness)
    assert (done.returncode, "of 6 in the log" in done.stdout, "witness w.example: signed" in done.stdout) == (
        0, True, True,
    )  # fmt: skip
    # What came after it is proved to the newer checkpoint, which no witness cosigned yet.
    assert "of 12 in the log" in invoke("log", "check-exhibit", late, "--key", place.vkey).stdout
    assert invoke("log", "check-exhibit", late, "--key", place.vkey, "--witness", witness).returncode == 1


def cosign(checkpoint: bytes) -> tuple[str, bytes]:
    """A witness's key, and the checkpoint with its cosignature."""
    secret = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
    public = b"\x04" + secret.public_key().public_bytes_raw()
    number = sha256(b"w.example\n" + public).digest()[:4]
    text = checkpoint.partition(b"\n\n")[0] + b"\n"
    signature = secret.sign(b"cosignature/v1\ntime 1900009000\n" + text)
    line = b64encode(number + (1900009000).to_bytes(8, "big") + signature).decode()
    vkey = f"w.example+{number.hex()}+{b64encode(public).decode()}"
    return vkey, checkpoint + f"\N{EM DASH} w.example {line}\n".encode()


def test_a_file_that_could_not_be_written_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "exhibit"

    def refuse() -> None:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        raise StoreError("the record refuses")

    with pytest.raises(StoreError):
        write_new(file, b"what was asked for", before=refuse)
    assert not file.exists()
    old = os.umask(0)
    try:
        monkeypatch.setattr(Path, "chmod", lambda *_: None)
        write_new(file, b"what was asked for")
    finally:
        os.umask(old)
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"what was asked for", 0o600)
    with pytest.raises(ConfigError, match="is there already"):
        write_new(file, b"another")
    assert file.read_bytes() == b"what was asked for"
