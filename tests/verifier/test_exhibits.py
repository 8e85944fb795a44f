"""Exhibits and cosignatures as the rest of doorward makes them: every verifier says the same of them."""

import random
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from doorward.notes.note import Signer, append_signature, format_verifier, parse_note
from doorward.record.check_exhibit import check_exhibit
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.cosignature import Algorithm, Cosigner, format_key
from doorward.record.log_files import LogFiles
from doorward.record.openings import MemoryDisclosures
from doorward.record.publish import publish
from doorward.record.release import release
from doorward.record.schedule import first_schedule
from doorward.verifier.check import Task, check
from doorward.verifier.note import parse_key
from record.samples import World, fill
from record.test_exhibit import KEY as EXHIBIT_KEY
from record.test_exhibit import SIGNER as EXHIBIT_SIGNER
from record.test_exhibit import make, summed
from verifier.logs import log_of
from verifier.test_page import Reader, address, browser
from verifier.test_single_file import module, run_alone, single_file

__all__ = ["address", "browser", "module", "single_file"]

EXHIBIT_KEY_TEXT = format_verifier(EXHIBIT_SIGNER.verifier)


def holds_alone(module: ModuleType, raw: bytes) -> bool:
    try:
        leaf, proof, _ = module.open_exhibit(raw)
        module.check_proof(proof, leaf, module.read_key(EXHIBIT_KEY_TEXT), (), module.Report())
    except module.FalseError:
        return False
    return True


def changed(raw: bytes, source: random.Random) -> bytes:
    """The exhibit as somebody changed it; mostly with the sum that fits."""
    lines = raw.split(b"\n")
    how = source.randrange(5)
    at = source.randrange(2, len(lines))
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(at, source.choice(lines))
    elif how == 2:
        other = source.randrange(2, len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    else:
        data = bytearray(raw)
        data[source.randrange(25, len(data))] ^= 1 << source.randrange(8)
        return summed(bytes(data)) if how == 3 else bytes(data)
    return summed(b"\n".join(lines))


def compare(module: ModuleType, rounds: int, seed: int) -> int:
    source = random.Random(seed)  # noqa: S311  # places, not secrets
    exhibits = [make(at=at, of=of, leaf=leaf) for at, of, leaf in ((0, 1, 0), (2, 5, 6), (7, 8, 10))]
    false = 0
    for _ in range(rounds):
        raw = changed(source.choice(exhibits), source)
        theirs = check_exhibit(raw, EXHIBIT_KEY).faults
        assert holds_alone(module, raw) == (not theirs), (raw, theirs)
        false += bool(theirs)
    return false


@pytest.mark.parametrize("of", [1, 2, 5, 8])
def test_an_exhibit_of_any_block_holds_in_the_single_file(module: ModuleType, of: int) -> None:
    for at in range(of):
        assert holds_alone(module, make(("text", "parameters"), at=at, of=of, leaf=at))


def test_changed_exhibits_are_false_to_both(module: ModuleType) -> None:
    assert compare(module, 60, 1) > 50


@pytest.mark.long
def test_thousands_of_changed_exhibits_are_false_to_both(module: ModuleType) -> None:
    assert compare(module, 5_000, 2) > 4_500


def test_an_exhibit_holds_on_the_page(browser: object, address: str) -> None:
    reader = Reader(browser, address)
    verdict, reasons = reader.asks(make(("text", "parameters"), of=8), key=EXHIBIT_KEY_TEXT)
    assert verdict == "It holds."
    assert "The entry is leaf 6 of them" in reasons
    assert reader.page.locator("#rows tr").all_inner_texts()[0:2] == ["kind\trequest", "parameters\t"]
    for number in range(12):
        raw = changed(make(of=8), random.Random(number))  # noqa: S311  # places, not secrets
        holds = not check_exhibit(raw, EXHIBIT_KEY).faults
        assert reader.asks(raw, key=EXHIBIT_KEY_TEXT)[0] == ("It holds." if holds else "It does not hold."), (
            number
        )
    reader.context.close()
    assert reader.complaints == []


def cosigned(raw: bytes, cosigners: Sequence[Cosigner]) -> bytes:
    for number, cosigner in enumerate(cosigners):
        line = cosigner.cosign(parse_checkpoint(raw), 1_900_000_000 + number)
        raw = append_signature(parse_note(raw).text, raw, line)
    return raw


def test_cosignatures_of_several_witnesses_of_two_kinds_are_read(single_file: Path, tmp_path: Path) -> None:
    log = log_of(300)
    folder = log.write(tmp_path)
    witnesses = [Cosigner.make(f"witness.example/{number}", bytes([number]) * 32) for number in range(1, 4)]
    strange = Cosigner.make("witness.example/q", bytes(32), Algorithm.COSIGNATURE_ML_DSA_44)
    (folder / "checkpoint").write_bytes(cosigned(log.files["checkpoint"], [*witnesses, strange]))
    keys = [format_key(one.key) for one in witnesses]
    verdict = check(Task(str(folder), log.key, witnesses=tuple(map(parse_key, keys))))
    assert verdict.holds
    assert verdict.notes[1] == "cosigned by witness.example/2 at 2030-03-17 17:46:41 UTC"
    asked = [part for key in keys for part in ("--witness", key)]
    code, said = run_alone(single_file, str(folder), *asked)
    assert code == 0
    assert "cosigned by witness.example/3" in said
    absent = format_key(Cosigner.make("witness.example/1", bytes(32)).key)
    assert run_alone(single_file, str(folder), "--witness", absent)[0] == 1


def test_what_is_recorded_released_and_published_holds_for_an_outsider(
    single_file: Path, tmp_path: Path
) -> None:
    world = World(tmp_path / "data", Signer.make("doorward.example/test", bytes(32)), MemoryDisclosures())
    fill(world.spool_dir, range(150))
    world.publish()
    public, served = LogFiles(tmp_path / "public"), LogFiles(tmp_path / "served")
    schedule = first_schedule(3_600, 200, 1_900_000_000)
    key = parse_key(format_verifier(world.signer.verifier))
    kept = None
    for slot in (1, 2, 3):
        release(
            LogFiles(world.log_dir), public, world.signer, schedule, now=schedule.start + slot * 3_600 + 5
        )
        publish(public, served, {})
        verdict = check(Task(str(served.folder), key, kept))
        assert verdict.holds
        assert verdict.counts["tree size"] == slot * 200
        kept = (served.folder / "checkpoint").read_bytes()
    code, said = run_alone(single_file, str(served.folder))
    assert code == 0, said
    assert (served.folder / "schedule").exists()
