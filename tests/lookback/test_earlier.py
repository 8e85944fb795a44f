"""A second run in the same folder takes what the first one said of the wordings, and only where nothing has changed."""

from dataclasses import replace
from pathlib import Path

import pytest

from doorward.cli.audit_agencies import load_matcher
from doorward.lookback.audit import Audit, Plan, audit, forget
from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.opening import ReadOptions
from doorward.lookback.words.earlier import digest_words, set_aside, take_phrases
from doorward.orders.load import load_lexicon, load_pack

HEADER = (
    "ID,Name,Org Name,Total Networks Searched,Time Frame,License Plate,Reason,Case #,Filters,Search Time,Search Type,"
    "Text Prompt,Moderation"
)
REASONS = ("stolen vehicle", "HSI sample", "immigration violation", "", "welfare check", "sántuary")


def write_log(path: Path, reasons: tuple[str, ...] = REASONS) -> Path:
    lines = [
        f"{number:08x}-0000-4000-8000-{number:012x},s. sample,Sample PD,5,"
        '"04/01/2026, 12:00:00 AM UTC -\n04/10/2026, 11:59:59 PM UTC",SMP1,'
        f'{reason},,,"04/{number % 28 + 1:02d}/2026, 10:00:33 AM UTC",lookup,,'
        for number, reason in enumerate(reasons)
    ]
    path.write_text("\r\n".join([HEADER, *lines, ""]), encoding="utf-8", newline="")
    return path


def run(log: Path, out: Path, *, order: str = "chicago", resume: bool = True) -> AuditFolder:
    folder = AuditFolder(out)
    plan = Plan(
        orders=[load_pack(order)], matcher=load_matcher(None, None, "", None, None, None), owner="Sample",
        reading=ReadOptions(resume=resume),
    )  # fmt: skip
    with open_engine(folder.scratch, threads=1) as connection:
        audit(Audit(connection, folder, plan, lambda *_: None), [log])
    return folder


def tables(folder: AuditFolder) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder.root)): file.read_bytes()
        for file in folder.root.rglob("*")
        if file.is_file() and file.parent != folder.rows
    }


def made(folder: AuditFolder) -> int:
    return folder.phrases.stat().st_mtime_ns


def test_the_table_of_the_same_words_and_wordings_is_taken_after_a_kill_too(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.csv")
    folder = run(log, tmp_path / "out")
    before, first = tables(folder), made(folder)
    forget(folder)  # as far as a run that is killed comes
    assert not folder.phrases.exists()
    run(log, tmp_path / "out")
    assert made(folder) == first
    assert tables(folder) == before
    assert not folder.earlier.exists()
    run(log, tmp_path / "out", resume=False)
    assert made(folder) != first
    assert tables(folder) == before


def test_where_a_wording_has_changed_all_are_classified_anew(tmp_path: Path) -> None:
    folder = run(write_log(tmp_path / "a.csv"), tmp_path / "out")
    first = made(folder)
    run(write_log(tmp_path / "a.csv", (*REASONS[:5], "detainer")), tmp_path / "out")
    assert made(folder) != first
    assert tables(folder) == tables(run(tmp_path / "a.csv", tmp_path / "fresh"))


WORDINGS = "SELECT 1 AS phrase, 'zebra' AS reason, 'value' AS reason_state, {} FROM range(1)".format(
    ", ".join(
        f"NULL::VARCHAR AS {name}, 'blank' AS {name}_state" for name in ("offense", "filters", "prompt")
    )
)
WORDS = "f" * 64


def _left_by(
    folder: AuditFolder, note: str = '{{"phrases.parquet": {{"words": "{}", "bytes": {}}}}}'
) -> bool:
    """Return whether a run takes the table that stands there, beside this note."""
    folder.phrases.parent.mkdir(parents=True)
    with open_engine(folder.scratch, threads=1) as connection:
        connection.execute(f"CREATE TABLE wordings AS {WORDINGS}")
        connection.execute(f"COPY wordings TO '{folder.phrases}' (FORMAT parquet)")
        folder.phrases_made.write_text(note.format(WORDS, folder.phrases.stat().st_size), encoding="utf-8")
        set_aside(folder)
        assert not folder.phrases_made.exists()
        return take_phrases(connection, folder, WORDS, folder.phrases)


def test_a_table_that_was_noted_is_taken(tmp_path: Path) -> None:
    assert _left_by(AuditFolder(tmp_path))


@pytest.mark.parametrize(
    "note",
    [
        "", "7", "[]", '{{"phrases.parquet": 7}}', '{{"phrases.parquet": {{"words": "{0}"}}}}',
        '{{"phrases.parquet": {{"words": "{0}", "bytes": 100}}}}',
        '{{"phrases.parquet": {{"words": "0000", "bytes": {1}}}}}',
        '{{"phrases.parquet": {{"words": "../{0}", "bytes": {1}}}}}',
        '{{"other.parquet": {{"words": "{0}", "bytes": {1}}}}}',
    ],
)  # fmt: skip
def test_a_table_without_a_true_note_is_not(note: str, tmp_path: Path) -> None:
    folder = AuditFolder(tmp_path)
    assert not _left_by(folder, note)
    assert {file.parent for file in tmp_path.rglob("*.parquet")} <= {folder.phrases.parent, folder.earlier}


def test_other_words_have_another_digest() -> None:
    lexicon = load_lexicon(load_pack("chicago"))
    changed = (
        replace(lexicon, vague="zebra"),
        replace(lexicon, case_number="zebra"),
        replace(lexicon, patterns=lexicon.patterns[1:]),
        replace(lexicon, patterns=(replace(lexicon.patterns[0], unless="zebra"), *lexicon.patterns[1:])),
    )
    assert len({digest_words(one) for one in (lexicon, *changed)}) == 5
    assert digest_words(replace(lexicon)) == digest_words(lexicon)
