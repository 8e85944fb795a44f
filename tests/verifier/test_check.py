"""The outsider's check: what holds is said to hold, and one changed byte is named with its file."""

import random
import tarfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Never

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError, MalformedError
from doorward.record.checkpoint import Checkpoint, format_checkpoint
from doorward.record.fsck import check_log
from doorward.verifier.check import Task, check, find_key, open_source
from doorward.verifier.findings import Kind, Verdict
from doorward.verifier.layout import parse_entries
from doorward.verifier.sources import FolderSource
from verifier.logs import KEY, SIGNER, Log, log_of


def run(folder: Path, since: bytes | None = None, processes: int = 1) -> Verdict:
    return check(Task(str(folder), KEY, since, processes=processes))


def kinds(verdict: Verdict) -> list[str]:
    return [finding.kind.value for finding in verdict.findings]


def test_a_log_of_three_levels_holds_and_everything_is_counted(three_levels_dir: Path) -> None:
    verdict = run(three_levels_dir)
    assert verdict.holds
    assert verdict.not_checked == verdict.could_not_tell == []
    assert verdict.counts == {
        "checkpoints": 1,
        "tree size": 66_100,
        "tiles": 259 + 2 + 1,
        "bundles": 259,
        "leaves": 66_100,
        "partial tiles of earlier sizes": 5,
    }


def test_several_processes_come_to_the_same(three_levels_dir: Path) -> None:
    assert run(three_levels_dir, processes=2) == run(three_levels_dir)


def test_a_process_that_is_killed_is_could_not_tell(
    three_levels_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(ProcessPoolExecutor):
        def submit(self, *_: object, **__: object) -> Never:
            raise BrokenProcessPool

    monkeypatch.setattr("doorward.verifier.check.ProcessPoolExecutor", Killed)
    verdict = run(three_levels_dir, processes=2)
    assert verdict.could_not_tell == ["a process of the check ended before it was done"]


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 700])
def test_logs_of_every_shape_hold(size: int, tmp_path: Path) -> None:
    verdict = run(log_of(size).write(tmp_path))
    assert verdict.holds
    assert verdict.counts.get("leaves", 0) == size


def test_whoever_is_told_of_progress_hears_of_every_leaf(three_levels_dir: Path) -> None:
    heard: list[tuple[int, int]] = []
    check(Task(str(three_levels_dir), KEY), lambda done, whole: heard.append((done, whole)))
    assert heard[-1] == (66_100, 66_100)
    assert heard == sorted(heard)


def places_to_flip(log: Log, source: random.Random, count: int) -> Sequence[tuple[str, int]]:
    names = [name for name in log.files if name != "vkey"]
    special = [
        name for name in names if name.count("/") < 3 and not name.startswith(("tile/0/", "tile/entries"))
    ]
    chosen = special + source.sample(names, count) + [name for name in names if ".p/" in name]
    return [(name, source.randrange(len(log.files[name]))) for name in chosen]


def test_a_flipped_byte_is_found_and_its_file_alone_is_named(three_levels: Log, tmp_path: Path) -> None:
    folder = three_levels.write(tmp_path)
    source = random.Random(5)  # noqa: S311  # places, not secrets
    for name, at in places_to_flip(three_levels, source, 2):
        data = bytearray(three_levels.files[name])
        data[at] ^= 1 << source.randrange(8)
        (folder / name).write_bytes(data)
        found = run(folder).findings
        assert [finding.place.split(",")[0] for finding in found] == [name], (name, at, found)
        (folder / name).write_bytes(three_levels.files[name])


def test_a_missing_file_is_found_and_named_where_a_reader_needs_it(three_levels: Log, tmp_path: Path) -> None:
    folder = three_levels.write(tmp_path)
    for name in (
        "tile/2/000.p/1",
        "tile/1/000",
        "tile/1/001.p/2",
        "tile/0/257",
        "tile/0/258.p/52",
        "tile/entries/003",
    ):
        (folder / name).unlink()
        verdict = run(folder)
        assert [(one.kind, one.place) for one in verdict.findings] == [(Kind.FILE_MISSING, name)]
        (folder / name).write_bytes(three_levels.files[name])
    (folder / "tile/0/000.p/7").unlink()  # of an earlier size: a log may drop it
    assert run(folder).holds


def test_a_partial_tile_may_be_cut_from_the_full_one(tmp_path: Path) -> None:
    small, large = log_of(300), log_of(600, stops=(300,))
    folder = large.write(tmp_path)
    for name in ("tile/entries/001.p/44", "tile/0/001.p/44"):
        (folder / name).unlink()
    (folder / "checkpoint").write_bytes(small.files["checkpoint"])
    verdict = run(folder)
    assert verdict.holds
    assert verdict.counts["leaves"] == 300
    assert verdict.notes == ["5 files hold leaves beyond the checkpoint; they were not signed"]


class TestSince:
    @pytest.mark.parametrize("old", [0, 1, 256, 299, 300])
    def test_a_log_that_grew_is_the_one_that_was_kept(self, old: int, tmp_path: Path) -> None:
        verdict = run(log_of(300).write(tmp_path), log_of(old).files["checkpoint"])
        assert verdict.holds
        assert verdict.notes == [f"the log is the one that was kept, with {300 - old} leaves more"]

    def test_over_three_levels(self, three_levels_dir: Path) -> None:
        kept = log_of(65_900).files["checkpoint"]
        assert run(three_levels_dir, kept).notes == ["the log is the one that was kept, with 200 leaves more"]

    def test_a_shorter_one_is_a_rollback(self, tmp_path: Path) -> None:
        verdict = run(log_of(300).write(tmp_path), log_of(301).files["checkpoint"])
        assert kinds(verdict) == ["rollback"]
        assert "had 301 leaves when it was kept and shows 300 now" in str(verdict.findings[0])

    @pytest.mark.parametrize("old", [1, 255, 256, 300])
    def test_another_history_is_a_fork(self, old: int, tmp_path: Path) -> None:
        verdict = run(log_of(300).write(tmp_path), log_of(old, salt=b"x").files["checkpoint"])
        assert kinds(verdict) == ["fork"]

    @pytest.mark.parametrize("old", [1, 256, 300, 512])
    def test_files_that_are_others_the_second_time_show_nothing(
        self, old: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shown, kept = log_of(600, salt=b"x"), log_of(600)
        folder, asked, real = shown.write(tmp_path), set[str](), FolderSource.read

        def read(source: FolderSource, path: str, max_bytes: int) -> bytes | None:
            again = path in asked
            asked.add(path)
            return kept.files[path] if again and path in kept.files else real(source, path, max_bytes)

        monkeypatch.setattr(FolderSource, "read", read)
        verdict = run(folder, log_of(old).files["checkpoint"])
        assert verdict.holds
        assert verdict.notes == []
        assert verdict.could_not_tell == [
            "whether the log goes on from the kept checkpoint: read again, its files do not come to the signed root"
        ]

    @pytest.mark.parametrize("old", [1, 256, 300])
    def test_a_file_that_goes_meanwhile_is_no_fork(
        self, old: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder, asked, real = log_of(600).write(tmp_path), set[str](), FolderSource.read

        def read(source: FolderSource, path: str, max_bytes: int) -> bytes | None:
            again = path in asked
            asked.add(path)
            return None if again else real(source, path, max_bytes)

        monkeypatch.setattr(FolderSource, "read", read)
        verdict = run(folder, log_of(old).files["checkpoint"])
        assert kinds(verdict) == []
        assert "could not be had again" in verdict.could_not_tell[0]

    def test_a_checkpoint_of_nobody_is_usage(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="no checkpoint that"):
            run(log_of(3).write(tmp_path), b"nonsense")

    def test_where_the_log_is_false_nothing_is_said_of_a_fork(self, tmp_path: Path) -> None:
        folder = log_of(300).write(tmp_path)
        (folder / "tile/entries/000").unlink()
        verdict = run(folder, log_of(10, salt=b"x").files["checkpoint"])
        assert kinds(verdict) == ["file-missing"]
        assert "whether the log goes on" in verdict.not_checked[0]


class TestTar:
    def make(self, folder: Path, tar: Path, mode: str = "w:") -> Path:
        with tarfile.open(tar, mode) as target:  # type: ignore[call-overload]  # the mode is a variable here
            target.add(folder, arcname=".")
        return tar

    def test_a_tar_of_a_log_holds_as_the_folder_does(self, tmp_path: Path) -> None:
        folder = log_of(600).write(tmp_path / "log")
        assert run(self.make(folder, tmp_path / "log.tar")) == run(folder)

    def test_a_compressed_one_is_refused_before_it_is_read(self, tmp_path: Path) -> None:
        folder = log_of(600).write(tmp_path / "log")
        with pytest.raises(ConfigError, match="no uncompressed tar"):
            run(self.make(folder, tmp_path / "log.tar.gz", "w:gz"))


def test_more_findings_than_are_listed_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doorward.verifier.findings.MAX_FINDINGS", 2)
    folder = log_of(1500).write(tmp_path)
    for file in (folder / "tile/entries").glob("0*"):
        if file.is_file():
            file.unlink()
    verdict = run(folder)
    assert len(verdict.findings) == 2
    assert verdict.is_full


@given(st.lists(st.binary(max_size=5), min_size=1, max_size=6), st.integers(0, 40), st.binary(max_size=3))
def test_a_bundle_is_cut_as_its_lengths_say_or_refused(entries: list[bytes], at: int, other: bytes) -> None:
    raw = b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
    assert parse_entries(raw, len(entries)) == entries
    changed = raw[:at] + other + raw[at + len(other) :]
    for width in (len(entries), len(entries) + 1):
        try:
            found = parse_entries(changed, width)
        except MalformedError:
            continue
        assert b"".join(len(entry).to_bytes(2, "big") + entry for entry in found) == changed
        assert len(found) == width


def test_a_place_that_is_none_is_usage(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no log"):
        run(tmp_path / "nowhere")


def test_the_key_beside_a_log_is_found(three_levels_dir: Path) -> None:
    assert find_key(open_source(str(three_levels_dir))) == KEY


def test_fsck_and_the_outsiders_check_say_the_same_of_damaged_logs(tmp_path: Path) -> None:
    log = log_of(700, stops=(5, 300))
    folder = log.write(tmp_path)
    source = random.Random(9)  # noqa: S311  # places, not secrets
    names = [name for name in log.files if name != "vkey"]
    for _ in range(120):
        name = source.choice(names)
        data = bytearray(log.files[name])
        how = source.randrange(4)
        if how == 0:
            data[source.randrange(len(data))] ^= 1 << source.randrange(8)
        elif how == 1:
            del data[source.randrange(len(data)) :]
        elif how == 2:
            data += data[: source.randrange(1, 40)]
        else:
            data = bytearray(log.files[source.choice(names)])
        (folder / name).write_bytes(data)
        assert run(folder).holds == check_log(folder, SIGNER.verifier).holds, (name, how)
        (folder / name).write_bytes(log.files[name])


def test_a_checkpoint_that_was_signed_over_nothing_of_the_kind(tmp_path: Path) -> None:
    folder = log_of(300).write(tmp_path)
    for size, root in ((0, bytes(32)), (300, bytes(32)), (2**63 - 1, bytes(32))):
        (folder / "checkpoint").write_bytes(format_checkpoint(Checkpoint(SIGNER.name, size, root), SIGNER))
        assert "checkpoint-root" in kinds(run(folder))
