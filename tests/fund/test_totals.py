"""The fund's totals from the record alone: what is counted, what is not, and what a signature is about."""

import uuid
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.errors import MalformedError, VerificationError
from doorward.fund.entries import POSTED, WITHDRAWN, Proof, end_entry, post_entry
from doorward.fund.ledger.decide import Posted, decide
from doorward.fund.ledger.export import make_statement
from doorward.fund.ledger.operations import Submission, format_transaction
from doorward.fund.ledger.state import State
from doorward.fund.opening import format_opening, need_digest, verify_opening
from doorward.fund.totals import (
    HEAD,
    TOTALS,
    check_table,
    differences,
    digest_totals,
    format_table,
    format_totals,
    recompute,
    rows_of,
    totals_entry,
)
from doorward.notes.note import Signer
from doorward.record.checkpoint import Checkpoint, format_checkpoint
from doorward.record.entry import NO_SESSION, Entry, Field, Fields, Kind
from doorward.record.hashes import hash_leaf
from doorward.record.openings import StoredBlock, stored_block
from doorward.record.proof import format_proof, make_inclusion
from doorward.record.replay import Block, leaf_of
from doorward.record.tree import root_of
from fund.test_export import whole_life
from tests_support.fund import DAYS, OPERATIONS, PEOPLE, RULES, open_year, submission

LOG = Signer.make("log.test.invalid", b"\x07" * 32)


def recorded(submissions: list[Submission]) -> tuple[State, list[Entry]]:
    """Return a fund, and the record of it as `Store` writes it."""
    state, entries = State(RULES), list[Entry]()

    def add(fields: Fields) -> int:
        entries.append(Entry(Kind.FUND, len(entries), 0, NO_SESSION, 0, bytes(16), fields))
        return len(entries) - 1

    for one in submissions:
        answer = decide(state, one)
        if isinstance(answer, Posted):
            state = answer.state
            at = add(post_entry(one, format_transaction(one, answer.postings), Proof()))
            add(end_entry(one.key, at, POSTED))
    return state, entries


def test_the_table_of_a_life_is_hand_counted_and_is_the_statements() -> None:
    state, entries = recorded(whole_life())
    found = recompute(entries)
    assert (len(found.written), found.wrong, found.unended) == (11, (), ())
    assert differences(found, state.balances, "the ledger") == ()
    told = {row[:5]: row[5] for row in rows_of(found)}
    north = (2026, "general", "grantee-of-north", "north")
    assert told[2026, "general", "", "", "appropriated"] == 1_000_00
    assert (told[*north, "spent"], told[*north, "paid"]) == (500_05, 500_05)
    assert told[2026, "general", "", "", "lapsed"] == 400_00
    assert (
        told[2026, "general", "", "", "carried out"] == told[2027, "general", "", "", "carried in"] == 99_95
    )
    for line in make_statement(state, found.written, 2026):
        assert told[2026, line.line, "", "", "paid"] == line.paid
        assert told[2026, line.line, "", "", "carried out"] == line.carried_out
    assert format_table(rows_of(found)).decode().splitlines()[0] == ",".join(HEAD)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.builds(submission, OPERATIONS, PEOPLE, DAYS), min_size=20, max_size=80))
def test_whatever_was_posted_the_record_gives_the_ledgers_balances(submissions: list[Submission]) -> None:
    state, entries = recorded(submissions)
    found = recompute(entries)
    assert found.wrong == differences(found, state.balances, "the ledger") == ()
    rows = rows_of(found)
    for year, line in {(row[0], row[1]) for row in rows}:
        of = {row[3:5]: row[5] for row in rows if row[:2] == (year, line)}
        paid = sum(cents for (agreement, measure), cents in of.items() if agreement and measure == "paid")
        assert of.get(("", "paid"), 0) == paid + of.get(("", "advances moved between years"), 0)


def test_what_has_no_end_or_was_withdrawn_is_not_counted_and_is_said() -> None:
    _, entries = recorded(whole_life())
    assert recompute(entries[:-1]).unended == (len(entries) - 2,)
    assert len(recompute(entries[:-1]).written) == 10
    last = whole_life()[0]
    entries[-1] = replace(entries[-1], fields=end_entry(last.key, len(entries) - 2, WITHDRAWN))
    found = recompute(entries)
    assert (found.withdrawn, len(found.written), found.unended) == (1, 10, ())
    one = submission(open_year(2026))
    answer = decide(State(RULES), one)
    assert isinstance(answer, Posted)
    text = format_transaction(one, answer.postings)
    both = [Entry(Kind.FUND, at, 0, NO_SESSION, 0, bytes(16), fields) for at, fields in enumerate(
        (post_entry(one, text, Proof()), post_entry(one, text, Proof()), end_entry(one.key, 1, POSTED)))]  # fmt: skip
    assert recompute(both).unended == ()  # the same key came again, and was posted


def test_a_record_that_contradicts_itself_is_said() -> None:
    _, entries = recorded(whole_life())
    first = entries[0]
    other = post_entry(
        replace(submission(open_year(2027)), key=uuid.UUID(int=5)),
        (first.get(Field.TEXT) or b"").decode(),
        Proof(),
    )
    false = [*entries, replace(first, sequence=len(entries), fields=other)]
    false.append(
        replace(first, sequence=len(entries) + 1, fields=end_entry(whole_life()[0].key, len(entries), POSTED))
    )
    assert any("its key was posted before" in line for line in recompute(false).wrong)
    broken = replace(
        first, fields=tuple((name, b"{}" if name == 13 else value) for name, value in first.fields)
    )
    assert recompute([broken, *entries[1:]]).wrong == ("entry 0: its text is none of a transaction",)
    assert "by the ledger, and" in differences(recompute(entries), {}, "the ledger")[0]
    assert recompute([]) == recompute([replace(first, kind=Kind.ACT)])


def test_a_table_is_of_its_totals_and_of_no_others() -> None:
    found = recompute(recorded(whole_life())[1])
    table = format_table(rows_of(found))
    first = format_totals(found, table, None)
    second = format_totals(found, table, first)
    assert check_table(first, table)["previous"] == "none"
    assert check_table(second, table, first)["posted"] == "11"
    with pytest.raises(VerificationError):
        check_table(first, table.replace(b"40000", b"40001"))
    with pytest.raises(VerificationError):
        check_table(second, table, second)
    with pytest.raises(MalformedError):
        check_table(b"else\n", table)


def opened(fields: Fields, *, more: int = 4) -> tuple[StoredBlock, bytes]:
    """Return the block of an entry in a log of some leaves, and its opening."""
    entry = Entry(Kind.FUND, 9, 1_700_000_000_000_000, NO_SESSION, 0, b"\x05" * 16, fields)
    block = stored_block(Block(2, b"\x06" * 16, (entry,)))
    leaves = [hash_leaf(bytes([at])) for at in range(more)]
    leaves.insert(2, hash_leaf(leaf_of(block.salt, block.root)))
    proof = make_inclusion(
        lambda level, index: root_of(leaves[index << level : (index + 1) << level]), 2, len(leaves)
    )
    signed = format_checkpoint(Checkpoint(LOG.name, len(leaves), root_of(leaves)), LOG)
    return block, format_opening(block, format_proof(leaf_index=2, proof=proof, signed_checkpoint=signed))


def test_an_opened_entry_is_in_the_log_for_whoever_has_its_public_key() -> None:
    text = b"some totals\n"
    _, raw = opened(totals_entry(text, "auditor.test.invalid/one", "auditor"))
    found = verify_opening(raw, LOG.verifier)
    need_digest(found, TOTALS, digest_totals(text))
    assert (found.leaf_index, found.checkpoint.tree_size) == (2, 5)
    with pytest.raises(VerificationError):
        need_digest(found, TOTALS, digest_totals(b"other totals\n"))
    with pytest.raises(VerificationError):
        need_digest(found, b"post", digest_totals(text))
    with pytest.raises(VerificationError):
        verify_opening(raw, Signer.make("log.test.invalid", b"\x08" * 32).verifier)


def test_an_opening_with_any_byte_changed_is_refused() -> None:
    _, raw = opened(totals_entry(b"some totals\n", "auditor.test.invalid/one", "auditor"))
    good = verify_opening(raw, LOG.verifier)
    for at in range(len(raw)):
        bad = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        try:
            assert verify_opening(bad, LOG.verifier) == good  # white space of JSON
        except (MalformedError, VerificationError):
            continue


@given(st.binary(max_size=200), st.text(max_size=100))
def test_no_bytes_raise_anything_else(raw: bytes, text: str) -> None:
    for one in (raw, text.encode("utf-8", "replace"), b"{}", b'{"version": 1}'):
        with pytest.raises((MalformedError, VerificationError)):
            verify_opening(one, LOG.verifier)


def test_a_block_of_several_entries_is_not_opened() -> None:
    block, _ = opened(totals_entry(b"x\n", "a.test.invalid/one", "auditor"))
    with pytest.raises(MalformedError):
        format_opening(replace(block, entries=block.entries * 2), b"")
