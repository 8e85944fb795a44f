"""A hostile tar: both verifiers refuse it before they read what it holds."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from doorward.errors import ConfigError
from doorward.verifier.check import Task, check
from doorward.verifier.findings import Kind
from verifier.logs import KEY, log_of
from verifier.test_single_file import module, single_file

__all__ = ["module", "single_file"]

LOG = log_of(300)
Member = Callable[[tarfile.TarInfo], None]


def kind(value: bytes, target: str = "") -> Member:
    def change(member: tarfile.TarInfo) -> None:
        member.type, member.linkname, member.size = value, target, 0

    return change


def named(name: str) -> Member:
    def change(member: tarfile.TarInfo) -> None:
        member.name = name

    return change


def make(file: Path, change: Member | None = None) -> Path:
    """A tar of a log; the changed copy of its checkpoint stands at the end."""
    with tarfile.open(file, "w:", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in LOG.files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        if change is not None:
            member = tarfile.TarInfo("another")
            member.size = len(LOG.files["checkpoint"])
            change(member)
            tar.addfile(member, io.BytesIO(LOG.files["checkpoint"]))
    return file


ATTACKS = {
    "a path out of the folder": named("../checkpoint"),
    "a path out of the folder behind one into it": named("tile/../../checkpoint"),
    "a path from the root": named("/checkpoint"),
    "two members of one name": named("checkpoint"),
    "two spellings of one name": named("./checkpoint"),
    "a symbolic link": kind(tarfile.SYMTYPE, "/etc/passwd"),
    "a hard link": kind(tarfile.LNKTYPE, "checkpoint"),
    "a device": kind(tarfile.CHRTYPE),
    "a pipe": kind(tarfile.FIFOTYPE),
}


def test_without_any_of_these_it_holds(module: ModuleType, tmp_path: Path) -> None:
    file = make(tmp_path / "log.tar")
    assert check(Task(str(file), KEY)).holds
    tar = module.Tar(str(file))
    with tar.file:
        assert tar.read("checkpoint", 1000) == LOG.files["checkpoint"]


@pytest.mark.parametrize("change", ATTACKS.values(), ids=ATTACKS)
def test_what_no_log_has_is_false(module: ModuleType, change: Member, tmp_path: Path) -> None:
    file = make(tmp_path / "log.tar", change)
    assert [one.kind for one in check(Task(str(file), KEY)).findings] == [Kind.FILE_MALFORMED]
    with pytest.raises(module.FalseError, match="a member that no log has"):
        module.Tar(str(file))


@pytest.mark.parametrize("how", ["w:gz", "w:bz2", "w:xz"])
def test_a_compressed_one_is_refused(module: ModuleType, how: str, tmp_path: Path) -> None:
    file = tmp_path / "log.tar"
    with tarfile.open(file, how) as tar:  # type: ignore[call-overload]  # the mode is a variable here
        member = tarfile.TarInfo("checkpoint")
        member.size = 10_000_000  # of zeros: what would grow a thousandfold
        tar.addfile(member, io.BytesIO(bytes(member.size)))
    with pytest.raises(ConfigError, match="no uncompressed tar"):
        check(Task(str(file), KEY))
    with pytest.raises(module.UsageError):
        module.Tar(str(file))


def test_one_that_is_cut_anywhere_never_holds(module: ModuleType, tmp_path: Path) -> None:
    whole = make(tmp_path / "log.tar").read_bytes()
    needed = whole.rindex(b"ustar") + 256 + 512  # of the last member; behind it only padding follows
    for size in (0, 1, 511, 512, 513, 10_000, needed - 200):
        (tmp_path / "cut.tar").write_bytes(whole[:size])
        try:
            ours = check(Task(str(tmp_path / "cut.tar"), KEY)).holds
        except ConfigError:
            ours = False
        report = module.Report()
        try:
            key = (KEY.name, KEY.algorithm, KEY.public)
            tar = module.Tar(str(tmp_path / "cut.tar"))
            with tar.file:
                module.check_log(tar, key, (), None, report)
        except module.UsageError:
            report.find("usage", "", "")
        assert not ours
        assert report.code == 1


def longnames(file: Path) -> Path:
    """A header that says a name follows, behind it another one, and so on."""
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 1
    one = member.tobuf(tarfile.GNU_FORMAT) + b"x".ljust(512, b"\0")
    file.write_bytes(one * 3_000)
    return file


def sparse(file: Path) -> Path:
    member = tarfile.TarInfo("tile/0/000")
    member.pax_headers = {"GNU.sparse.map": "x"}
    file.write_bytes(member.tobuf(tarfile.PAX_FORMAT))
    return file


@pytest.mark.parametrize("make_file", [longnames, sparse])
def test_one_over_which_the_reader_falls_is_refused(
    module: ModuleType, make_file: Callable[[Path], Path], tmp_path: Path
) -> None:
    file = make_file(tmp_path / "log.tar")
    with pytest.raises(ConfigError, match="no uncompressed tar"):
        check(Task(str(file), KEY))
    with pytest.raises(module.UsageError):
        module.Tar(str(file))
