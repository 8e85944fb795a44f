"""Sealed disclosures: the same entry gives the same bytes, what is erased is gone, and every proof stays."""

import contextlib
import os
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.errors import LogError, MalformedError, StoreError, UnsyncedError, VerificationError
from doorward.notes.note import Signer
from doorward.record.disclosures import PostgresDisclosures
from doorward.record.entry import NO_SESSION, Draft, Entry, Field, Kind, commit_entry, encode_fields
from doorward.record.erasing import Erasure, RowsGone, digest_units
from doorward.record.fsck import check_log
from doorward.record.keeping import ERASE, erasure_entry
from doorward.record.openings import StoredEntry
from doorward.record.report import Report
from doorward.record.seal_keys import SealKeys, make_master, read_master
from doorward.record.sealing import may_be_sealed_under, month_of, month_unit, open_row, seal_row, unit_of
from doorward.record.segments import list_segments
from record.samples import NOW, SECOND, World, fill, open_spool, session_id

MASTER = b"m" * 32
KEY = b"k" * 32


def row(
    *, session: bytes = bytes(16), fields: tuple[tuple[Field, bytes], ...] = ((Field.LOGIN, b"j.doe"),)
) -> StoredEntry:
    entry = Entry(Kind.MATTER, 7, 1_900_000_000_000_000, session, 0, b"s" * 16, fields)
    return StoredEntry(
        7,
        3,
        int(entry.kind),
        entry.time_us,
        session,
        0,
        entry.salt,
        encode_fields(fields),
        commit_entry(entry),
    )


@given(st.binary(max_size=300), st.binary(min_size=16, max_size=16))
def test_a_row_survives_its_seal_and_tells_nothing_of_what_it_holds(text: bytes, session: bytes) -> None:
    plain = row(session=session, fields=((Field.TEXT, b"secret-" + text),))
    sealed = seal_row(plain, lambda unit, _: (unit, KEY))
    assert sealed == seal_row(plain, lambda unit, _: (unit, KEY))
    assert open_row(sealed, lambda _: KEY) == plain
    assert b"secret-" not in sealed.body
    assert sealed.salt == bytes(16)
    assert open_row(sealed, lambda _: None) is None
    assert seal_row(sealed, lambda unit, _: (unit, b"other" * 8)) == sealed


def test_what_is_erased_together() -> None:
    matter = "0123456789abcdef0123456789abcdef"
    assert unit_of(row(session=b"S" * 16)) == b"S" * 16
    assert unit_of(row(fields=((Field.MATTER, matter.encode()),))) == bytes.fromhex(matter)
    assert unit_of(row(fields=((Field.MATTER, b"no id"),))) == month_unit("2030-03")
    assert (month_of(row()), unit_of(row())) == ("2030-03", month_unit("2030-03"))


@settings(max_examples=50)
@given(st.data())
def test_a_sealed_row_that_was_changed_or_moved_is_refused(data: st.DataObject) -> None:
    sealed = seal_row(row(session=b"S" * 16), lambda unit, _: (unit, KEY))
    body = bytearray(sealed.body)
    at = data.draw(st.integers(17, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))
    for changed in (
        replace(sealed, body=bytes(body)), replace(sealed, sequence=8), replace(sealed, time_us=1),
        replace(sealed, kind=1), replace(sealed, session=b"T" * 16), replace(sealed, leaf_index=4),
        replace(sealed, commitment=bytes(32)), replace(sealed, body=sealed.body[:20]), replace(sealed, salt=b"x" * 16),
    ):  # fmt: skip
        with pytest.raises(LogError):
            (open_row(changed, lambda _: KEY) or changed).decode()


class TestKeys:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        made = tmp_path / "seals"
        made.mkdir()
        return made

    def test_keys_are_made_once_kept_and_destroyed(self, folder: Path) -> None:
        keys = SealKeys.open(folder, MASTER)
        with keys.turn():
            first = keys.choose(b"A" * 16, "2030-03")
            assert keys.choose(b"A" * 16, "2030-04") == first
            second = keys.choose(b"B" * 16, "2030-04")
            keys.sync()
        again = SealKeys.open(folder, MASTER)
        assert (again.look_up(b"A" * 16), again.look_up(b"B" * 16)) == (first[1], second[1])
        assert again.units_of("2030-03") == {b"A" * 16}
        with again.turn():
            assert again.erase([b"A" * 16, b"Z" * 16], "2033-17") == 1
            assert again.erase([b"A" * 16], "2033-17") == 0
        assert first[1] not in b"".join(file.read_bytes() for file in folder.iterdir())
        for read in (again, SealKeys.open(folder, MASTER)):
            assert read.look_up(b"A" * 16) is None
            assert read.erased == {b"A" * 16: "2033-17"}
            assert read.look_up(b"B" * 16) == second[1]
        # The writer that was open meanwhile seals nothing more under what another process destroyed.
        with keys.turn():
            unit, key = keys.choose(b"A" * 16, "2030-05")
            keys.sync()
        assert unit == month_unit("2030-05")
        assert key != first[1]

    def test_what_is_sealed_after_its_session_was_erased_belongs_to_its_month(self, folder: Path) -> None:
        keys = SealKeys.open(folder, MASTER)
        late, unit = row(session=b"S" * 16), b""
        for _ in range(4):
            with keys.turn():
                unit, _ = keys.choose(b"S" * 16, month_of(late))
                keys.sync()
                keys.choose(b"T" * 16, month_of(late))
                keys.sync()
                assert not may_be_sealed_under(late, unit, keys.erased)
                keys.erase([unit, b"T" * 16], "2033-17")
            assert may_be_sealed_under(late, unit, keys.erased)
        assert not may_be_sealed_under(late, b"T" * 16, keys.erased)
        assert not may_be_sealed_under(replace(late, time_us=2**63 - 1), unit, keys.erased)

    def test_a_key_that_was_not_written_is_forgotten(self, folder: Path) -> None:
        keys = SealKeys.open(folder, MASTER)
        lost = []
        with contextlib.suppress(StoreError), keys.turn():
            lost.append(keys.choose(b"A" * 16, "2030-03")[1])
            raise StoreError("the disk refused")
        with keys.turn():
            _, kept = keys.choose(b"A" * 16, "2030-03")
            keys.sync()
        assert lost
        assert kept not in lost
        assert SealKeys.open(folder, MASTER).look_up(b"A" * 16) == kept

    def test_a_torn_line_is_cut_and_what_is_no_line_is_refused(self, folder: Path) -> None:
        keys = SealKeys.open(folder, MASTER)
        with keys.turn():
            _, first = keys.choose(b"A" * 16, "2030-03")
            keys.sync()
        file = folder / "2030-03.keys"
        with file.open("ab") as sink:
            sink.write(b"00112233")
        again = SealKeys.open(folder, MASTER)
        with again.turn():
            again.choose(b"B" * 16, "2030-03")
            again.sync()
        assert SealKeys.open(folder, MASTER).units_of("2030-03") == {b"A" * 16, b"B" * 16}
        assert SealKeys.open(folder, MASTER).look_up(b"A" * 16) == first
        file.write_bytes(b"nonsense\n" + file.read_bytes())
        with pytest.raises(MalformedError, match=r"2030-03\.keys:1"):
            SealKeys.open(folder, MASTER)

    def test_a_short_write_is_gone_on_with(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        keys, write = SealKeys.open(folder, MASTER), os.write
        monkeypatch.setattr(os, "write", lambda handle, raw: write(handle, raw[:7]))
        with keys.turn():
            _, kept = keys.choose(b"A" * 16, "2030-03")
            keys.sync()
        assert SealKeys.open(folder, MASTER).look_up(b"A" * 16) == kept

    @pytest.mark.parametrize("what", ["write", "fsync"])
    def test_a_key_that_the_disk_did_not_take_seals_nothing(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, what: str
    ) -> None:
        keys = SealKeys.open(folder, MASTER)
        with keys.turn():
            keys.choose(b"A" * 16, "2030-03")
            keys.sync()
        before = (folder / "2030-03.keys").read_bytes()
        refused = SealKeys.open(folder, MASTER)
        write = os.write

        def fail(handle: int, raw: bytes = b"") -> int:
            if raw:
                write(handle, raw)
            raise OSError(5, "Input/output error")

        with refused.turn(), monkeypatch.context() as patch:
            refused.choose(b"B" * 16, "2030-03")
            patch.setattr(os, what, fail)
            with pytest.raises(StoreError) as raised:
                refused.sync()
        # Another try could be confirmed for bytes that are gone: the publisher ends instead.
        assert isinstance(raised.value, UnsyncedError) == (what == "fsync")
        assert (folder / "2030-03.keys").read_bytes() == before

    def test_what_another_process_left_is_on_the_disk_before_anything_is_sealed_under_it(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        killed = SealKeys.open(folder, MASTER)
        with killed.turn(), monkeypatch.context() as patch:
            patch.setattr(os, "fsync", lambda _: None)  # killed between write and fsync
            killed.choose(b"A" * 16, "2030-03")
            killed.sync()
        synced = []
        fsync = os.fsync

        def note(handle: int) -> None:
            synced.append(Path(f"/proc/self/fd/{handle}").readlink())
            fsync(handle)

        monkeypatch.setattr(os, "fsync", note)
        keys = SealKeys.open(folder, MASTER)
        with keys.turn():
            assert synced == [folder / "2030-03.keys", folder]
            keys.choose(b"A" * 16, "2030-03")
            keys.sync()
        with keys.turn():
            pass
        assert len(synced) == 2  # nobody else wrote meanwhile

    def test_another_master_key_and_a_folder_that_is_not_there_are_refused(self, folder: Path) -> None:
        keys = SealKeys.open(folder, MASTER)
        with keys.turn():
            keys.choose(b"A" * 16, "2030-03")
            keys.sync()
        with pytest.raises(VerificationError, match="another master key"):
            SealKeys.open(folder, b"n" * 32)
        with pytest.raises(StoreError, match="are not at"):
            SealKeys.open(folder / "nowhere", MASTER)

    def test_the_master_key_is_a_file_of_its_owner(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            synced: list[Path] = []
            patch.setattr(
                os, "fsync", lambda handle: synced.append(Path(f"/proc/self/fd/{handle}").readlink())
            )
            made = make_master(tmp_path / "seal.key")
        assert (synced[-1], [file.name for file in tmp_path.iterdir()]) == (tmp_path, ["seal.key"])
        assert read_master(tmp_path / "seal.key") == made
        with pytest.raises(Exception, match="cannot be made"):
            make_master(tmp_path / "seal.key")
        (tmp_path / "seal.key").chmod(0o644)
        with pytest.raises(Exception, match="open to other users"):
            read_master(tmp_path / "seal.key")


def checked(world: World, keys: SealKeys, disclosures: PostgresDisclosures) -> Report:
    return check_log(world.log_dir, world.signer.verifier, world.spool_dir, disclosures, keys.erased)


def write_erasure(world: World, disclosures: PostgresDisclosures, session: bytes, certificate: str) -> None:
    """Put the entry of a session's erasure into the spool, as `log erase` does before keys go."""
    gone = RowsGone()
    for row in (entry for block in disclosures.read(0, 1000) for entry in block.entries):
        if row.session == session:
            gone.add(row.sequence, row.commitment)
    asked = Erasure(
        "case HX123456", "accesses", certificate, 1, digest_units([session]), gone.count, gone.digest(),
        date(2031, 5, 31),
    )  # fmt: skip
    fields = erasure_entry(asked, act=ERASE, login="finn.example", office="law")
    spool = open_spool(world.spool_dir, now=NOW + SECOND)
    spool.append([Draft(Kind.KEEPING, NO_SESSION, 0, fields)], now=NOW + SECOND)
    spool.close(now=NOW + SECOND)


def test_what_is_erased_is_gone_and_leaves_paths_and_counts_still_verify(
    tmp_path: Path, signer: Signer, recorder_conninfo: str, owner_conninfo: str
) -> None:
    (tmp_path / "seals").mkdir()
    keys = SealKeys.open(tmp_path / "seals", MASTER)
    with PostgresDisclosures(recorder_conninfo, keys) as disclosures:
        world = World(tmp_path, signer, disclosures)
        fill(world.spool_dir, range(1, 4))
        world.publish()
        with psycopg.connect(owner_conninfo) as owner:
            rows = owner.execute("SELECT salt, body FROM record.entries").fetchall()
        assert len(rows) == 27
        assert all(salt == bytes(16) and body[:1] == b"\xff" for salt, body in rows)
        assert not any(b"SELECT" in body or b"j.doe" in body for _, body in rows)
        whole = checked(world, keys, disclosures)
        assert (whole.findings, whole.counts["entries"], whole.counts["leaves opened"]) == ([], 27, 12)
        with keys.turn():
            assert keys.erase([session_id(2)], "2033-17") == 1
        (lost,) = checked(world, keys, disclosures).findings
        assert "the record has no entry of it" in str(lost)
        write_erasure(world, disclosures, session_id(2), "2033-17")  # in the spool, and not published yet
        after = checked(world, keys, disclosures)
        assert (after.findings, after.could_not_tell) == ([], [])
        assert (after.counts["leaves opened"], after.counts["entries"], after.counts["entries erased"]) == (
            12,
            19,
            9,
        )
        assert "entries were erased under certificate 2033-17; their leaves hold" in after.notes
        kept = list(disclosures.select([Kind.CONNECT], begins_us=0, ends_us=2**62))
        assert [entry.session for entry in kept] == [session_id(1), session_id(3)]
        # What was erased lawfully hides no other row: one of another session cannot have gone with it.
        with psycopg.connect(owner_conninfo) as owner:
            hidden = owner.execute(
                "SELECT sequence, body FROM record.entries WHERE session = %s AND kind = 1", (session_id(3),)
            ).fetchone()
            assert hidden is not None
            forged = b"\xff" + session_id(2) + os.urandom(60)
            owner.execute("UPDATE record.entries SET body = %s WHERE sequence = %s", (forged, hidden[0]))
        found = [str(one) for one in checked(world, keys, disclosures).findings]
        assert any(
            one.startswith(f"entry {hidden[0]}: it is sealed as part of something else") for one in found
        )
        with psycopg.connect(owner_conninfo) as owner:
            owner.execute("UPDATE record.entries SET body = %s WHERE sequence = %s", hidden[::-1])
        # A commitment that was changed since is seen: what was erased still opens its leaf, or nothing does.
        with psycopg.connect(owner_conninfo) as owner:
            owner.execute(
                "UPDATE record.entries SET commitment = %s WHERE session = %s AND kind = 1",
                (os.urandom(32), session_id(2)),
            )
        assert any("do not open it" in str(one) for one in checked(world, keys, disclosures).findings)


def test_a_row_whose_session_was_changed_too_is_one_more_than_the_erasure_counted(
    tmp_path: Path, signer: Signer, recorder_conninfo: str, owner_conninfo: str
) -> None:
    (tmp_path / "seals").mkdir()
    keys = SealKeys.open(tmp_path / "seals", MASTER)
    with PostgresDisclosures(recorder_conninfo, keys) as disclosures:
        world = World(tmp_path, signer, disclosures)
        fill(world.spool_dir, range(2, 4))
        world.publish()
        write_erasure(world, disclosures, session_id(2), "2033-17")
        with keys.turn():
            keys.erase([session_id(2)], "2033-17")
        segment = list_segments(world.spool_dir)[-1].path
        own = segment.read_bytes()
        segment.write_bytes(
            own[:60] + bytes([own[60] ^ 1]) + own[61:]
        )  # what stands behind that is not known
        torn = checked(world, keys, disclosures)
        assert [one.place for one in torn.findings] == ["spool"]
        assert "its entry may be in the spool" in torn.could_not_tell[0]
        segment.write_bytes(own)
        forged = b"\xff" + session_id(2) + os.urandom(60)
        for published in (False, True):
            if published:
                world.publish()
            with psycopg.connect(owner_conninfo) as owner:
                kept_row = owner.execute(
                    "SELECT session, body, sequence FROM record.entries WHERE session = %s AND kind = 2",
                    (session_id(3),),
                ).fetchone()
                assert kept_row is not None
                passed_off = "UPDATE record.entries SET session = %s, body = %s WHERE sequence = %s"
                owner.execute(passed_off, (session_id(2), forged, kept_row[2]))
            found = [str(one) for one in checked(world, keys, disclosures).findings]
            assert len(found) == 1
            assert found[0].startswith(
                "erasure under certificate 2033-17: other rows are erased than its entry"
            )
            assert re.search(
                r"expected 9 rows, digest [0-9a-f]{16}, got 10 rows, digest [0-9a-f]{16}$", found[0]
            )
            with psycopg.connect(owner_conninfo) as owner:
                owner.execute(passed_off, kept_row)
            assert checked(world, keys, disclosures).findings == []


def test_a_key_that_is_lost_is_not_taken_for_an_erasure(
    tmp_path: Path, signer: Signer, recorder_conninfo: str
) -> None:
    (tmp_path / "seals").mkdir()
    keys = SealKeys.open(tmp_path / "seals", MASTER)
    with PostgresDisclosures(recorder_conninfo, keys) as disclosures:
        world = World(tmp_path, signer, disclosures)
        fill(world.spool_dir, (1,))
        world.publish()
    with PostgresDisclosures(recorder_conninfo) as blind:
        report = checked(world, keys, blind)
        assert any("nobody erased it" in str(one) for one in report.findings)
        with pytest.raises(StoreError, match="is sealed, and its key is not at hand"):
            list(blind.select([Kind.CONNECT], begins_us=0, ends_us=2**62))


def test_a_sealed_row_that_was_changed_is_found_and_the_rest_still_checked(
    tmp_path: Path, signer: Signer, recorder_conninfo: str, owner_conninfo: str
) -> None:
    (tmp_path / "seals").mkdir()
    keys = SealKeys.open(tmp_path / "seals", MASTER)
    with PostgresDisclosures(recorder_conninfo, keys) as disclosures:
        world = World(tmp_path, signer, disclosures)
        fill(world.spool_dir, (1,))
        world.publish()
        with psycopg.connect(owner_conninfo) as owner:
            owner.execute(
                "UPDATE record.entries SET body = set_byte(body, 40, 255 - get_byte(body, 40)) WHERE sequence = 3"
            )
        report = checked(world, keys, disclosures)
        assert any(str(one).startswith("entry 3: it is sealed and does not open") for one in report.findings)
        assert report.counts["leaves opened"] == 4


def test_a_pass_that_is_done_again_finds_its_own_rows_sealed_or_not(
    tmp_path: Path, signer: Signer, recorder_conninfo: str
) -> None:
    (tmp_path / "seals").mkdir()
    keys = SealKeys.open(tmp_path / "seals", MASTER)
    with (
        PostgresDisclosures(recorder_conninfo) as plain,
        PostgresDisclosures(recorder_conninfo, keys) as sealing,
    ):
        world = World(tmp_path, signer, plain)
        fill(world.spool_dir, (1,))
        world.publish()
        blocks = plain.read(0, 100)
        sealing.commit(blocks)  # stored before rows were sealed
        other = replace(blocks[0].entries[0], request=5)
        with pytest.raises(VerificationError, match="another entry"):
            sealing.commit([replace(blocks[0], entries=(other,))])
