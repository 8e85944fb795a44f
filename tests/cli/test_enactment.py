"""What puts an order into force at an installation: two signatures over this pack, in time, after the one before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from doorward.cli.enactment import NEVER_STATED, describe, enact, load_statement
from doorward.cli.folders import Folders
from doorward.errors import ConfigError
from doorward.notes.note import Signer, cosign_note, format_verifier, sign_note
from doorward.orders.load import load_pack
from doorward.orders.statement import Statement, format_statement

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PACK = load_pack("hospital-records")
FIRST, SECOND, STRANGER = (
    Signer.make(f"law/{name}", sha256(name.encode()).digest()) for name in ("a", "b", "x")
)
STATED = Statement(PACK.name, PACK.digest, 1, NOW - timedelta(days=1), None, None, is_sample=True)


def note(statement: Statement, *signers: Signer) -> bytes:
    raw = sign_note(format_statement(statement), signers[0])
    for signer in signers[1:]:
        raw = cosign_note(raw, signer)
    return raw


@pytest.fixture(name="folders")
def folders_fixture(tmp_path: Path) -> Folders:
    folders = Folders(tmp_path)
    keys = "".join(f"{format_verifier(signer.verifier)}\n" for signer in (FIRST, SECOND))
    folders.law.write_text(keys, encoding="utf-8")
    return folders


def test_production_needs_a_statement_and_a_trial_does_not(folders: Folders) -> None:
    assert load_statement(folders, PACK, now=NOW, needed=False) is None
    assert describe(None) == NEVER_STATED
    with pytest.raises(
        ConfigError, match="no statement has put the order `hospital-records` into force here"
    ):
        load_statement(folders, PACK, now=NOW, needed=True)


def test_two_signatures_put_it_into_force_until_its_end(folders: Folders) -> None:
    ends = NOW + timedelta(days=1)
    enact(folders, PACK, note(replace(STATED, until=ends), FIRST, SECOND), now=NOW)
    found = load_statement(folders, PACK, now=NOW, needed=True)
    assert found is not None
    assert describe(found) == (
        "number 1, in force from 2026-02-28 12:00 UTC until 2026-03-02 12:00 UTC, signed by law/a, law/b"
    )
    for needed in (True, False):
        with pytest.raises(ConfigError, match="no longer in force"):
            load_statement(folders, PACK, now=ends, needed=needed)


@pytest.mark.parametrize(
    ("statement", "signers", "words"),
    [
        (STATED, (FIRST,), "expected 2 signatures"),
        (STATED, (FIRST, STRANGER), "expected 2 signatures"),
        (replace(STATED, digest=sha256(b"other").hexdigest()), (FIRST, SECOND), "is about the pack"),
        (replace(STATED, effective=NOW + timedelta(seconds=1)), (FIRST, SECOND), "not in force before"),
        (replace(STATED, until=NOW), (FIRST, SECOND), "no longer in force"),
    ],
)
def test_what_does_not_hold_changes_nothing(
    folders: Folders, statement: Statement, signers: tuple[Signer, ...], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        enact(folders, PACK, note(statement, *signers), now=NOW)
    assert not folders.statement.exists()


def test_an_old_statement_does_not_come_back(folders: Folders) -> None:
    first = note(STATED, FIRST, SECOND)
    enact(folders, PACK, first, now=NOW)
    enact(folders, PACK, note(replace(STATED, number=2, replaces=PACK.digest), FIRST, SECOND), now=NOW)
    with pytest.raises(ConfigError, match="2 was in force already"):
        enact(folders, PACK, first, now=NOW)
    found = load_statement(folders, PACK, now=NOW, needed=True)
    assert found is not None
    assert found.statement.number == 2


def test_what_is_no_statement_is_refused(folders: Folders) -> None:
    with pytest.raises(ConfigError, match="does not hold"):
        enact(folders, PACK, b"doorward order v1\n", now=NOW)
    folders.statement.write_bytes(b"\xff" * 100)
    with pytest.raises(ConfigError, match="does not hold"):
        load_statement(folders, PACK, now=NOW, needed=False)
    with pytest.raises(ConfigError, match="is no statement"):
        enact(folders, PACK, note(STATED, FIRST, SECOND), now=NOW)


def test_nobody_puts_an_order_into_force_where_no_keys_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected 2 signatures"):
        enact(Folders(tmp_path), PACK, note(STATED, FIRST, SECOND), now=NOW)
