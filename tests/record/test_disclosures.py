"""One contract for every implementation of `Disclosures`, and what only the PostgreSQL one must keep."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from doorward.errors import MalformedError, StoreError, VerificationError
from doorward.record import disclosures as disclosures_module
from doorward.record import openings
from doorward.record.disclosures import DATABASE, PostgresDisclosures, prepare_server, schema_statements
from doorward.record.entry import NO_SESSION, Draft, Field, Kind
from doorward.record.openings import Disclosures, MemoryDisclosures, StoredBlock, Totals, stored_block
from record.samples import NOW, blocks_of, connect, decision, fill, open_spool, query, session_id


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.pg)])
def disclosures(request: pytest.FixtureRequest) -> Iterator[Disclosures]:
    if request.param == "memory":
        yield MemoryDisclosures()
        return
    with PostgresDisclosures(request.getfixturevalue("recorder_conninfo")) as store:
        yield store


@pytest.fixture
def blocks(spool_dir: Path) -> list[StoredBlock]:
    fill(spool_dir, range(4))
    return [stored_block(block) for block in blocks_of(spool_dir)]


class TestContract:
    def test_what_was_committed_is_read_back(
        self, disclosures: Disclosures, blocks: list[StoredBlock]
    ) -> None:
        disclosures.commit(blocks)
        assert disclosures.read(0, 1_000) == blocks
        assert disclosures.read(3, 2) == blocks[3:5]
        assert disclosures.read(len(blocks), 5) == []

    def test_an_entry_that_was_read_back_is_the_one_that_was_recorded(
        self, disclosures: Disclosures, blocks: list[StoredBlock], spool_dir: Path
    ) -> None:
        disclosures.commit(blocks)
        read = [entry.decode() for block in disclosures.read(0, 1_000) for entry in block.entries]
        assert read == [entry for block in blocks_of(spool_dir) for entry in block.entries]

    def test_nothing_is_nothing(self, disclosures: Disclosures) -> None:
        disclosures.commit([])
        assert disclosures.read(0, 10) == []
        assert disclosures.totals() == Totals(0, 0, None, {})

    def test_totals_count_everything(self, disclosures: Disclosures, blocks: list[StoredBlock]) -> None:
        disclosures.commit(blocks)
        last = blocks[-1].last
        assert disclosures.totals() == Totals(len(blocks), last + 1, len(blocks) - 1, {0: (0, last)})

    def test_a_commit_may_be_repeated_and_may_overlap(
        self, disclosures: Disclosures, blocks: list[StoredBlock]
    ) -> None:
        disclosures.commit(blocks[:5])
        disclosures.commit(blocks[:5])
        disclosures.commit(blocks[3:])
        assert disclosures.read(0, 1_000) == blocks

    def test_a_block_with_other_content_is_refused_and_nothing_of_the_commit_is_kept(
        self, disclosures: Disclosures, blocks: list[StoredBlock]
    ) -> None:
        disclosures.commit(blocks[:2])
        other = replace(blocks[1], root=bytes(32))
        with pytest.raises(VerificationError, match="another block of leaf 1 than the spool"):
            disclosures.commit([other, *blocks[2:]])
        assert disclosures.read(0, 1_000) == blocks[:2]

    def test_an_entry_with_other_content_is_refused_and_nothing_of_the_commit_is_kept(
        self, disclosures: Disclosures, blocks: list[StoredBlock]
    ) -> None:
        disclosures.commit(blocks[:2])
        entry = replace(blocks[1].entries[0], body=b"")
        with pytest.raises(VerificationError, match="another entry 1 than the spool"):
            disclosures.commit([replace(blocks[1], entries=(entry,)), *blocks[2:]])
        assert disclosures.read(0, 1_000) == blocks[:2]

    def test_the_extremes_of_an_entry_are_kept(self, disclosures: Disclosures, spool_dir: Path) -> None:
        spool = open_spool(spool_dir)
        every_byte = bytes(range(256)) * 4
        fields = tuple((field, every_byte) for field in Field)
        spool.append([Draft(Kind.REQUEST, b"\xff" * 16, 2**63 - 1, fields)], now=NOW)
        spool.append([Draft(Kind.EXPORT, bytes(16), 0, ())], now=NOW)
        blocks = [stored_block(block) for block in blocks_of(spool_dir)]
        disclosures.commit(blocks)
        assert disclosures.read(0, 10) == blocks

    def test_a_read_is_bounded_by_entries_and_gives_at_least_one_block(
        self, disclosures: Disclosures, spool_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(spool_dir, range(3), statements=20)
        blocks = [stored_block(block) for block in blocks_of(spool_dir)]
        disclosures.commit(blocks)
        monkeypatch.setattr(openings, "MAX_READ_ENTRIES", 10)
        read: list[StoredBlock] = []
        while more := disclosures.read(len(read), 1_000):
            read += more
            assert len(more) == 1 or sum(len(block.entries) for block in more) <= 10
        assert read == blocks


def test_a_row_that_holds_no_entry_is_malformed_when_it_is_decoded(blocks: list[StoredBlock]) -> None:
    entry = blocks[0].entries[0]
    for broken in (replace(entry, kind=77), replace(entry, body=b"\xff"), replace(entry, salt=b"")):
        with pytest.raises(MalformedError):
            broken.decode()


@pytest.mark.pg
class TestPostgres:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE record.entries SET body = ''",
            "DELETE FROM record.entries",
            "TRUNCATE record.blocks",
            "DROP TABLE record.blocks",
            "ALTER TABLE record.blocks ADD COLUMN more int",
            "CREATE TABLE record.more (one int)",
            "CREATE TABLE public.more (one int)",
        ],
    )
    def test_the_recorder_may_add_and_read_and_nothing_else(
        self, recorder_conninfo: str, statement: str
    ) -> None:
        with (
            psycopg.connect(recorder_conninfo) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement.encode())

    def test_preparing_again_changes_nothing(
        self, owner_conninfo: str, recorder_conninfo: str, blocks: list[StoredBlock]
    ) -> None:
        with PostgresDisclosures(recorder_conninfo) as store:
            store.commit(blocks)
            prepare_server(make_conninfo(owner_conninfo, dbname="postgres"))
            assert store.read(0, 1_000) == blocks
        assert all("IF NOT EXISTS" in one or not one.startswith("CREATE") for one in schema_statements())

    def test_the_recorder_cannot_prepare(self, recorder_conninfo: str) -> None:
        with pytest.raises(StoreError, match="SQLSTATE 42501"):
            prepare_server(make_conninfo(recorder_conninfo, dbname=DATABASE))

    def test_a_lost_connection_is_said_and_the_next_call_connects_again(
        self, owner_conninfo: str, recorder_conninfo: str, blocks: list[StoredBlock]
    ) -> None:
        calls: list[Callable[[PostgresDisclosures], object]] = [
            lambda store: store.commit(blocks),
            lambda store: store.read(0, 10),
            lambda store: store.totals(),
        ]
        with PostgresDisclosures(recorder_conninfo) as store, psycopg.connect(owner_conninfo) as owner:
            for call in calls:
                call(store)
                owner.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    " WHERE usename = 'doorward_recorder'"
                )
                owner.commit()
                with pytest.raises(StoreError, match="the disclosures' server"):
                    call(store)
                call(store)

    def test_a_server_that_is_not_there_is_said(self, tmp_path: Path) -> None:
        with (
            PostgresDisclosures(f"host={tmp_path} user=nobody") as store,
            pytest.raises(StoreError, match="cannot be reached") as caught,
        ):
            store.totals()
        assert caught.value.hint is not None

    def test_an_error_never_shows_a_row(
        self, owner_conninfo: str, recorder_conninfo: str, blocks: list[StoredBlock]
    ) -> None:
        with psycopg.connect(owner_conninfo, autocommit=True) as owner:
            owner.execute("ALTER TABLE record.entries ADD CONSTRAINT none CHECK (request < 0)")
            try:
                with PostgresDisclosures(recorder_conninfo) as store, pytest.raises(StoreError) as caught:
                    store.commit(blocks)
            finally:
                owner.execute("ALTER TABLE record.entries DROP CONSTRAINT none")
        assert str(caught.value) == "the disclosures' server refused: SQLSTATE 23514"

    def test_a_block_that_claims_the_whole_store_is_read_in_bounds(
        self, owner_conninfo: str, recorder_conninfo: str, blocks: list[StoredBlock]
    ) -> None:
        with PostgresDisclosures(recorder_conninfo) as store:
            store.commit(blocks)
            with psycopg.connect(owner_conninfo) as owner:
                owner.execute("UPDATE record.blocks SET last = 9223372036854775807 WHERE leaf_index = 0")
            (first,) = store.read(0, 1_000)
            assert len(first.entries) == store.totals().entries

    def test_entries_are_selected_by_kind_and_time_in_portions_and_those_of_no_session_from_the_beginning(
        self, recorder_conninfo: str, spool_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(disclosures_module, "PORTION", 3)
        spool = open_spool(spool_dir)
        for day in range(4):
            at = NOW + timedelta(days=day)
            spool.append([Draft(Kind.DECISION, NO_SESSION, 0, ((Field.MODE, b"any"),))], now=at)
            for number in range(5):
                session = session_id(10 * day + number + 1)
                spool.append([connect(session), decision(session), query(session, 1)], now=at)
        blocks = [stored_block(block) for block in blocks_of(spool_dir)]
        every = [entry.decode() for block in blocks for entry in block.entries]
        begins, ends = (int((NOW + timedelta(days=day)).timestamp() * 1_000_000) for day in (2, 3))
        wanted = [
            entry
            for entry in every
            if entry.kind in {Kind.CONNECT, Kind.DECISION}
            and entry.time_us < ends
            and (entry.time_us >= begins or entry.session == NO_SESSION)
        ]
        with PostgresDisclosures(recorder_conninfo) as store:
            store.commit(blocks)
            chosen = list(store.select((Kind.CONNECT, Kind.DECISION), begins_us=begins, ends_us=ends))
            assert list(store.select((Kind.EXPORT,), begins_us=0, ends_us=ends)) == []
        assert chosen == wanted
        assert len(chosen) == 2 * 5 + 3

    def test_two_sessions_recorded_at_once_are_two(
        self, recorder_conninfo: str, blocks: list[StoredBlock]
    ) -> None:
        with PostgresDisclosures(recorder_conninfo) as one, PostgresDisclosures(recorder_conninfo) as other:
            one.commit(blocks)
            other.commit(blocks)
            assert one.totals() == other.totals()
            session = session_id(1)
            own = [entry for block in one.read(0, 1_000) for entry in block.entries]
            assert len([entry for entry in own if entry.session == session]) == 9
