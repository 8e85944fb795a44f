"""A public copy: it holds at every moment, goes on where it stopped, and its archives are the same each time."""

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doorward.cli.log import app
from doorward.errors import ConfigError, StoreError, VerificationError
from doorward.record.log_files import LogFiles
from doorward.record.publish import DIGESTS, LOCK, SCHEDULE, Published, publish
from doorward.verifier.check import Task, check
from record.samples import log_files
from verifier.logs import KEY, OTHER, leaf, log_of, make_log

SLOT = 1_900_000_000


def run(source: Path, target: Path) -> Published:
    if source.exists():
        (source / SCHEDULE).write_bytes(b"a schedule\n")
        os.utime(source / "checkpoint", (SLOT, SLOT))
    return publish(LogFiles(source), LogFiles(target), {"verify.html": b"a page"})


def test_a_log_without_a_schedule_is_not_published(tmp_path: Path) -> None:
    source = log_of(300).write(tmp_path / "log")
    with pytest.raises(ConfigError, match="its growth would tell"):
        publish(LogFiles(source), LogFiles(tmp_path / "public"), {})
    assert not (tmp_path / "public").exists()


def test_the_times_of_files_tell_nothing_of_when_they_were_written(tmp_path: Path) -> None:
    for size in (300, 700):
        run(log_of(size).write(tmp_path / str(size)), tmp_path / "public")
    paths = [path for path in (tmp_path / "public").rglob("*") if path.name != LOCK]
    assert {path.stat().st_mtime for path in (*paths, tmp_path / "public")} == {SLOT}


@pytest.mark.parametrize("writes", [1, 4, 7, 9])
def test_a_run_that_dies_leaves_no_time_but_the_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    source, target, whole, calls = log_of(300).write(tmp_path / "log"), tmp_path / "public", os.rename, []

    def dies(self: Path, to: Path) -> None:
        calls.append(to)
        whole(self, to)
        if len(calls) == writes:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", dies)
        with pytest.raises(KeyboardInterrupt):
            run(source, target)
    files = [path for path in target.rglob("*") if path.is_file() and path.name != LOCK]
    assert {path.stat().st_mtime for path in files} == {SLOT}
    run(source, target)
    paths = [path for path in target.rglob("*") if path.name != LOCK]
    assert {path.stat().st_mtime for path in (*paths, target)} == {SLOT}


def test_a_copy_grows_with_its_log_and_holds_each_time(tmp_path: Path) -> None:
    target = tmp_path / "public"
    for size in (0, 5, 300, 300, 700):
        source = log_of(size).write(tmp_path / str(size))
        kept = (target / "checkpoint").read_bytes() if size > 5 else None
        run(source, target)
        verdict = check(Task(str(target), KEY, kept))
        assert verdict.holds
        assert verdict.counts.get("leaves", 0) == size
    assert (target / "verify.html").read_bytes() == b"a page"
    assert not (target / "tile/0/000.p").exists()  # the full one has replaced it


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    source = log_of(300).write(tmp_path / "log")
    assert run(source, tmp_path / "public") == Published(300, 5, 0)
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "public").rglob("*")}
    assert run(source, tmp_path / "public") == Published(300, 0, 0)
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "public").rglob("*")} == before


def test_what_is_there_with_other_bytes_stays(tmp_path: Path) -> None:
    target = tmp_path / "public"
    run(log_of(300).write(tmp_path / "log"), target)
    before = log_files(target)
    for name, log in {
        "fork": log_of(300, salt=b"x"),
        "longer fork": log_of(600, salt=b"x"),
        "shorter": log_of(299),
        "another key": make_log(map(leaf, range(600)), OTHER),
    }.items():
        with pytest.raises(VerificationError):
            run(log.write(tmp_path / name), target)
        assert {path: log_files(target)[path] for path in before} == before
        assert check(Task(str(target), KEY)).holds


@pytest.mark.parametrize("stop", [0, 1, 4, 7])
def test_stopped_anywhere_the_copy_still_holds_and_the_next_run_ends_it(
    tmp_path: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "public"
    run(log_of(300).write(tmp_path / "old"), target)
    source = log_of(900).write(tmp_path / "new")
    real, written = LogFiles.replace, 0

    def refuse(files: LogFiles, path: str, data: bytes, *, moment: int | None = None) -> None:
        nonlocal written
        if written == stop:
            raise StoreError("no room")
        written += 1
        real(files, path, data, moment=moment)

    with monkeypatch.context() as patched:
        patched.setattr(LogFiles, "replace", refuse)
        with pytest.raises(StoreError):
            run(source, target)
    verdict = check(Task(str(target), KEY))
    assert verdict.holds
    assert verdict.counts["tree size"] == 300
    run(source, target)
    assert check(Task(str(target), KEY)).counts["tree size"] == 900


def test_where_a_file_of_the_log_is_missing_nothing_is_signed_off(tmp_path: Path) -> None:
    source = log_of(700).write(tmp_path / "log")
    (source / "tile/entries/001").unlink()
    with pytest.raises(VerificationError, match="`tile/entries/001` of the log is missing"):
        run(source, tmp_path / "public")
    assert not (tmp_path / "public/checkpoint").exists()


def swapped(folder: Path, path: str, raw: bytes) -> Path:
    """Put another file's bytes into a file that is there."""
    assert (folder / path).read_bytes() != raw
    (folder / path).write_bytes(raw)
    return folder


def test_what_does_not_hash_to_what_stands_above_it_is_copied_to_nobody(tmp_path: Path) -> None:
    source, target, other = log_of(700), tmp_path / "public", log_of(700, salt=b"x")
    run(log_of(300).write(tmp_path / "old"), target)
    before = log_files(target)
    for path in (
        "tile/0/001",  # whole, below what the roots are made of
        "tile/0/002.p/188",
        "tile/1/000.p/2",
        "tile/entries/001",
        "tile/entries/002.p/188",
    ):
        folder = swapped(source.write(tmp_path / "log"), path, other.files[path])
        with pytest.raises(VerificationError, match="of the log"):
            run(folder, target)
        assert {name: log_files(target)[name] for name in before} == before, path
        assert check(Task(str(target), KEY)).holds


def test_old_tiles_below_new_ones_do_not_make_a_fork_a_beginning(tmp_path: Path) -> None:
    target = tmp_path / "public"
    fork = make_log([leaf(at, b"x" if at > 255 else b"") for at in range(600)])
    run(make_log([leaf(at, b"x" if at > 255 else b"") for at in range(300)]).write(tmp_path / "fork"), target)
    before = log_files(target)
    folder = swapped(log_of(600).write(tmp_path / "log"), "tile/0/001", fork.files["tile/0/001"])
    with pytest.raises(VerificationError):
        run(folder, target)
    assert {name: log_files(target)[name] for name in before} == before


def test_one_at_a_time_and_only_of_a_log(tmp_path: Path) -> None:
    import fcntl

    source = log_of(3).write(tmp_path / "log")
    run(source, tmp_path / "public")
    with (tmp_path / "public" / LOCK).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="another `publish` runs"):
            run(source, tmp_path / "public")
    with pytest.raises(ConfigError, match="there is no log"):
        run(tmp_path / "nowhere", tmp_path / "public")


def test_the_command_puts_two_verifiers_beside_the_log(tmp_path: Path) -> None:
    source = log_of(300).write(tmp_path / "log")
    done = CliRunner().invoke(
        app, ["publish", str(source), "--to", str(tmp_path / "public"), "--unscheduled"]
    )
    assert done.output == "published 300 leaves: 5 files and 0 archives are new\n"
    said = subprocess.run(
        ["python3", "-I", "verify_log.py", "."],
        cwd=tmp_path / "public",
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.endswith("everything that was checked holds\n")
    assert "Check a proof" in (tmp_path / "public/verify.html").read_text()


def test_archives_are_listed_complete_and_the_same_each_time(tmp_path: Path) -> None:
    source = log_of(65_800).write(tmp_path / "log")
    first = tmp_path / "first"
    assert run(source, first).archives == 1
    archive = (first / "archive/000.tar").read_bytes()
    assert (first / DIGESTS).read_text() == f"{sha256(archive).hexdigest()}  archive/000.tar\n"
    subprocess.run(["sha256sum", "--check", "--quiet", DIGESTS], cwd=first, check=True)
    # Whoever has the archives needs few other files: the checkpoint, and what stands at the right edge.
    copy = tmp_path / "copy"
    shutil.copytree(first, copy, ignore=shutil.ignore_patterns("archive", LOCK))
    for index in range(256):
        for level in ("0", "entries"):
            (copy / f"tile/{level}/{index:03}").unlink()
    subprocess.run(["tar", "-xf", first / "archive/000.tar", "-C", copy], check=True)
    assert check(Task(str(copy), KEY)).holds
    (first / "archive/000.tar").unlink()
    own = (first / "tile/entries/007").read_bytes()
    swapped(first, "tile/entries/007", (first / "tile/entries/008").read_bytes())
    with pytest.raises(VerificationError, match="`tile/entries/007` of the copy does not hash"):
        run(source, first)
    assert not (first / "archive/000.tar").exists()
    (first / "tile/entries/007").write_bytes(own)
    assert run(source, first).archives == 1
    assert (first / "archive/000.tar").read_bytes() == archive


def test_the_last_checkpoint_that_witnesses_cosigned_goes_with_it_and_no_other_history_does(
    tmp_path: Path,
) -> None:
    source, target = log_of(300).write(tmp_path / "log"), tmp_path / "public"
    cosigned = log_of(200).write(tmp_path / "earlier") / "checkpoint"
    shutil.copy(cosigned, source / "witnessed")
    run(source, target)
    assert (target / "witnessed").read_bytes() == cosigned.read_bytes()
    for other in (log_of(200, salt=b"x"), log_of(301)):
        shutil.copy(other.write(tmp_path / "other") / "checkpoint", source / "witnessed")
        with pytest.raises(VerificationError, match="do not come to its `witnessed`"):
            run(source, target)
        assert (target / "witnessed").read_bytes() == cosigned.read_bytes()
        shutil.rmtree(tmp_path / "other")


def test_a_log_that_grows_and_is_cosigned_meanwhile_is_published_as_it_was(tmp_path: Path) -> None:
    folder = log_of(300).write(tmp_path / "log")
    later = log_of(600)

    class Growing(LogFiles):
        def read(self, path: str, *bounds: int) -> bytes | None:
            raw = super().read(path, *bounds)
            if path == "checkpoint":
                later.write(folder)
                (folder / "witnessed").write_bytes(later.files["checkpoint"])
            return raw

    done = publish(Growing(folder), LogFiles(tmp_path / "public"), {}, needs_schedule=False)
    assert done.tree_size == 300
    assert check(Task(str(tmp_path / "public"), KEY)).holds
    assert run(folder, tmp_path / "public").tree_size == 600
    assert (tmp_path / "public/witnessed").read_bytes() == later.files["checkpoint"]
