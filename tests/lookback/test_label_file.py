"""The label file: torn, edited, full, shared by many writers, resumed."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError, StoreError
from doorward.lookback.labels.file import LabelFile, load_labels, save_labels
from doorward.lookback.labels.labels import Label, LabelSet
from tests_support.wordings import label_of, write_labels

CHILD = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}  # where `tests_support` is
WRITER = """
    import sys
    from pathlib import Path
    from tests_support.wordings import label_of, write_labels
    for number in range(40):
        write_labels(Path(sys.argv[1]), label_of(f"{sys.argv[2]} {number}", "vague", by=sys.argv[2]))
"""


def reasons(path: Path) -> list[str]:
    with LabelFile(path) as file:
        return [one.text.reason for one in file.labels.settle().values()]


def test_what_was_added_is_there_after_opening_it_again(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    write_labels(path, label_of("a\nb", "vague"), label_of("c", "vague"))
    assert reasons(path) == ["a\nb", "c"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_torn_last_line_is_left_out_and_cut_off_by_the_next_writer(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    write_labels(path, label_of("a", "vague"), label_of("b", "vague"))
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole)):
        path.write_bytes(whole[:cut])
        assert reasons(path) == ["a"]
    write_labels(path, label_of("c", "vague"))
    assert reasons(path) == ["a", "c"]
    assert path.read_bytes().count(b"\n") == 2


@pytest.mark.parametrize("line", [b"", b"{}", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_another_bad_line_stops_the_reading_and_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "labels.jsonl"
    write_labels(path, label_of("secret reason", "vague"))
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(ConfigError, match=r"line 2 of `labels\.jsonl`") as raised:
        reasons(path)
    assert "secret" not in str(raised.value)


def test_an_edited_line_is_found(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    write_labels(path, label_of("a", "vague"))
    path.write_bytes(path.read_bytes().replace(b'"AB"', b'"CD"'))
    with pytest.raises(ConfigError, match="it was changed"):
        reasons(path)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_file_or_a_config_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(raw)
    if b"\n" in raw:
        with pytest.raises(ConfigError):
            LabelFile(path)
    else:
        LabelFile(path).close()


def test_a_folder_or_a_pipe_is_no_label_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="no regular file"):
        LabelFile(tmp_path / "pipe")
    with pytest.raises(StoreError):
        LabelFile(tmp_path)


def test_many_writers_lose_nothing_and_number_their_acts_in_one_order(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    writers = [
        subprocess.Popen([sys.executable, "-c", dedent(WRITER), str(path), name], env=CHILD)
        for name in ("AB", "CD", "EF")
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    with LabelFile(path) as file:
        assert sorted(act.n for act in file.labels.acts.values()) == list(range(1, 121))


def test_what_another_writer_added_is_seen_before_the_next_act_is_made(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    with LabelFile(path) as one:
        write_labels(path, label_of("a", "vague"))
        seen: list[int] = []

        def make(labels: LabelSet, n: int) -> Label:
            seen.append(n + 10 * len(labels.acts))
            return label_of("b", "vague", n=n)

        one.append(make)
    assert seen == [12]


@pytest.mark.parametrize("fails", ["write", "fsync", "short"])
def test_a_full_disk_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    path = tmp_path / "labels.jsonl"
    write_labels(path, label_of("a", "vague"))
    before = path.read_bytes()
    real = os.write

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def short(handle: int, raw: bytes) -> int:
        return real(handle, raw[:10])

    with LabelFile(path) as file:
        with monkeypatch.context() as patched:
            patched.setattr(os, "write" if fails == "short" else fails, short if fails == "short" else refuse)
            with pytest.raises(StoreError) as raised:
                file.append(lambda _, n: label_of("b", "vague", n=n))
        assert raised.value.may_have_been_stored is False
        assert path.read_bytes() == before
        file.append(lambda _, n: label_of("c", "vague", n=n))
    assert reasons(path) == ["a", "c"]


def test_a_file_that_somebody_cut_is_not_written_on(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    with LabelFile(path) as file:
        file.append(lambda _, n: label_of("a", "vague", n=n))
        path.write_bytes(b"")
        with pytest.raises(ConfigError, match="shorter than it was"):
            file.append(lambda _, n: label_of("b", "vague", n=n))


def test_a_merge_is_the_same_bytes_whatever_the_order_and_writes_over_nothing(tmp_path: Path) -> None:
    one, two = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    write_labels(one, label_of("a", "vague"))
    write_labels(two, label_of("a", "vague", by="CD"), label_of("b", "vague", by="CD"))
    for name, files in (("x", [one, two]), ("y", [two, one, two])):
        save_labels(load_labels(files)[0], tmp_path / name)
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()
    assert len(load_labels([tmp_path / "x"])[0].acts) == 3
    with pytest.raises(ConfigError, match="there already"):
        save_labels(load_labels([one])[0], two)


def test_a_file_that_is_not_there_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no label file"):
        load_labels([tmp_path / "none.jsonl"])
    assert list(tmp_path.iterdir()) == []
