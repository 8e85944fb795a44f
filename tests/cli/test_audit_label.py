"""Labelling: over a pipe, and in a real terminal with real keys, signals and another size."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doorward.cli.main import app, exit_code
from doorward.errors import DoorwardError
from doorward.lookback.labels.file import LabelFile
from doorward.lookback.labels.labels import LabelSet
from tests_support.wordings import Phrase, label_of, make_audit, write_labels

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202eecalp ni kcul\u202c"
PHRASES = [
    Phrase("stolen auto", 30, searchers=3),
    Phrase("assist HSI", 20, "agency-named", patterns=("hsi",), evidence=("HSI",)),
    Phrase(HOSTILE, 10),
    Phrase("x" * 10_000, 5),
    Phrase("Stolen AUTO", 2),
]
WAIT_SECONDS = 90  # a busy machine takes long to start Python; nothing waits longer than it must


@pytest.fixture(name="out")
def out_fixture(tmp_path: Path) -> Path:
    make_audit(tmp_path / "out", PHRASES)
    return tmp_path / "out"


def command(out: Path, *options: str, reviewer: str = "AB") -> list[str]:
    labels = out.parent / "labels.jsonl"
    return [
        sys.executable,
        "-m",
        "doorward",
        "audit",
        "label",
        str(out),
        "--labels",
        str(labels),
        "--reviewer",
        reviewer,
        *options,
    ]


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def doorward(*arguments: str, keys: str = "") -> Done:
    """Run a command in this process, its input a pipe, and end it as `main` does."""
    found = CliRunner().invoke(app, list(arguments), input=keys)
    if isinstance(found.exception, DoorwardError):
        return Done(exit_code(found.exception), found.stdout, f"{found.exception}")
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return Done(found.exit_code, found.stdout, found.stderr)


def pipe(out: Path, keys: str, *options: str, reviewer: str = "AB") -> Done:
    return doorward(*command(out, *options, reviewer=reviewer)[3:], keys=keys)


def labelled(out: Path) -> LabelSet:
    with LabelFile(out.parent / "labels.jsonl") as file:
        return file.labels


def given(out: Path) -> list[tuple[str, str, str]]:
    found = [one for labels in labelled(out).by_wording().values() for one in labels]
    return [(one.text.reason, one.label, one.reviewer) for one in sorted(found, key=lambda one: one.n)]


def test_over_a_pipe_a_line_is_a_key_and_copies_in_another_case_come_once(out: Path) -> None:
    done = pipe(out, "o\ncivil-immigration\ns\nq\n", "--order-by", "count")
    assert (done.returncode, done.stderr) == (0, "")
    assert given(out) == [("stolen auto", "other-purpose", "AB"), ("assist HSI", "civil-immigration", "AB")]
    assert "0 of 4 labelled by AB" in done.stdout
    assert "30 accesses of 3 agencies" in done.stdout
    assert "hsi: `HSI`" in done.stdout


def test_over_a_real_pipe_it_is_the_same(out: Path) -> None:
    done = subprocess.run(
        command(out, "--order-by", "count"),
        input="o\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr, len(given(out))) == (0, "", 1)


def test_reasons_can_do_nothing_to_whoever_reads_them(out: Path) -> None:
    done = pipe(out, "s\ns\ns\ns\n", "--order-by", "count")
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout
    assert "\u202e" not in done.stdout
    assert r"\x1b[2J\x1b]0;owned\x07\u202eecalp ni kcul\u202c" in done.stdout
    assert "[cut: 2,000 of 10,000 characters]" in done.stdout
    assert "nothing is left" not in done.stdout.partition("4 labelled")[0]


def test_it_goes_on_where_it_stopped_and_says_how_far_it_is(out: Path) -> None:
    pipe(out, "o\n", "--order-by", "count")
    done = pipe(out, "u\nv\n", "--order-by", "count")
    assert done.stdout.startswith("1 of 4 labelled by AB, 0 of them now")
    assert "nothing to take back" in done.stdout
    assert [label for _, label, _ in given(out)] == ["other-purpose", "vague"]


def test_undo_takes_back_and_skip_comes_again(out: Path) -> None:
    pipe(out, "o\nu\nv\ns\nu\ni\nq\n", "--order-by", "count")
    assert [(reason, label) for reason, label, _ in given(out)] == [
        ("stolen auto", "vague"),
        ("assist HSI", "civil-immigration"),
    ]
    assert len(labelled(out).acts) == 4


def test_a_second_reviewer_sees_what_was_labelled_and_not_how(out: Path) -> None:
    pipe(out, "i\n", "--order-by", "count")
    done = pipe(out, "v\nq\n", "--order-by", "count", "--second", reviewer="CD")
    assert "0 of 1 labelled by CD" in done.stdout
    assert "AB" not in done.stdout
    assert "civil-immigration\n" not in done.stdout.replace("[i] civil-immigration", "")
    found = doorward("audit", "agreement", str(out.parent / "labels.jsonl"))
    assert "in dispute 1" in found.stdout
    assert "AB civil-immigration, CD vague" in found.stdout
    assert found.returncode == 0


def test_a_second_reviewer_gets_every_wording_that_was_labelled_also_one_of_a_form(out: Path) -> None:
    write_labels(out.parent / "labels.jsonl", label_of("Stolen AUTO", "vague", via="random"))
    done = pipe(out, "o\n", "--order-by", "count", "--second", reviewer="CD")
    assert "0 of 1 labelled by CD" in done.stdout
    assert [reason for reason, _, by in given(out) if by == "CD"] == ["Stolen AUTO"]


def test_a_third_settles_and_sees_what_was_said_but_not_by_whom(out: Path) -> None:
    pipe(out, "i\no\n", "--order-by", "count")
    pipe(out, "v\no\n", "--order-by", "count", "--second", reviewer="CD")
    assert "0 of 0 labelled" in pipe(out, "q\n", "--order-by", "count", "--settle").stdout
    done = pipe(out, "c\n", "--order-by", "count", "--settle", reviewer="EF")
    assert "0 of 1 labelled by EF" in done.stdout
    assert "civil-immigration | vague" in done.stdout
    found = json.loads(doorward("audit", "agreement", str(out.parent / "labels.jsonl"), "--json").stdout)
    assert found["wordings"] == {"one": 0, "agreed": 1, "adjudicated": 1, "conflict": 0}
    assert found["by_tier"][0]["raw"]["share"] == 0.5
    assert found["disagreements"] == []


def test_a_sample_hides_what_the_patterns_said_and_leads_to_estimates(out: Path) -> None:
    done = pipe(out, "o\n" * 9, "--sample", "67", "--seed", "a hearing in May")
    assert "pattern" not in done.stdout
    assert len(given(out)) == 5
    assert all(one.startswith("sample:") for found in labelled(out).settle().values() for one in found.via)
    ranked = doorward("audit", "rank", str(out), "--labels", str(out.parent / "labels.jsonl"))
    assert ranked.returncode == 0, ranked.stderr
    assert "67 of 67 accesses were drawn" in ranked.stdout
    estimates = json.loads((out / "estimates.json").read_text())
    assert estimates["unfinished"] is None
    assert estimates["precision"]["agency-named"] == {"share": 0.0, "low": 0.0, "high": 0.0}
    again = doorward("audit", "rank", str(out), "--labels", str(out.parent / "labels.jsonl"), "--json")
    assert json.loads(again.stdout)["estimates"] == estimates


def test_a_sample_of_other_logs_is_refused(out: Path) -> None:
    pipe(out, "q\n", "--sample", "10", "--seed", "s")
    make_audit(out, PHRASES[:-1])
    done = doorward("audit", "rank", str(out))
    assert (done.returncode, "drawn from other logs" in done.stderr) == (2, True)


def test_after_a_ranking_the_queue_is_what_no_pattern_caught(out: Path) -> None:
    assert pipe(out, "q\n").returncode == 2
    assert doorward("audit", "rank", str(out)).returncode == 0
    done = pipe(out, "s\ns\ns\nq\n")
    assert "0 of 3 labelled" in done.stdout
    assert "rank      1" in done.stdout
    assert "assist HSI" not in done.stdout


def test_purposes_of_an_order_are_labels_with_keys_of_their_own(out: Path) -> None:
    civil = "civil-immigration-enforcement"
    pipe(out, f"1\n{civil}\naudit\nq\n", "--order-by", "count", "--order", "chicago")
    assert [one.label for one in labelled(out).settle().values()][1:] == [civil, "audit"]
    assert [one.tier for one in labelled(out).settle().values()][1:] == ["explicit", "other"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--order-by", "mood"], "not known"),
        (["--second", "--settle"], "two tasks"),
        (["--sample", "5"], "--seed"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(out: Path, options: list[str], says: str) -> None:
    done = pipe(out, "", *options)
    assert (done.returncode, says in done.stderr, len(done.stderr.splitlines()) <= 2) == (2, True, True)
    assert pipe(out, "", "--order-by", "count", reviewer="a b").returncode == 2


def test_merging_is_a_command(out: Path) -> None:
    one, two, into = (out.parent / name for name in ("1.jsonl", "2.jsonl", "3.jsonl"))
    write_labels(one, label_of("a", "vague"))
    write_labels(two, label_of("a", "vague", by="CD"))
    assert (
        "2 acts in 3.jsonl"
        in doorward("audit", "merge-labels", str(one), str(two), "--into", str(into)).stdout
    )
    assert doorward("audit", "merge-labels", str(one), "--into", str(into)).returncode == 2


class Screen:
    """A process in a terminal of its own, and what it wrote there."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(80, 24)
        self.before = termios.tcgetattr(self.slave)
        self.text = ""
        self.process = subprocess.Popen(
            arguments, stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  # no thread is there
        )  # fmt: skip

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def wait_for(self, pattern: str) -> str:
        """Return what came until a pattern, and forget it."""
        end = time.monotonic() + WAIT_SECONDS
        while not (found := re.search(pattern, self.text, re.DOTALL)):
            ready, _, _ = select.select([self.master], [], [], 0.1)
            if ready:
                self.text += os.read(self.master, 65_536).decode("utf-8", "replace")
            assert time.monotonic() < end, f"`{pattern}` did not come; there is {self.text[-2_000:]!r}"
        seen, self.text = self.text[: found.end()], self.text[found.end() :]
        return seen

    def end(self) -> int:
        return self.process.wait(WAIT_SECONDS)

    def is_back(self) -> bool:
        """Whether the terminal is as it was, within the time that a guard takes."""
        end = time.monotonic() + WAIT_SECONDS
        while termios.tcgetattr(self.slave) != self.before:
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for handle in (self.master, self.slave):
            with suppress(OSError):
                os.close(handle)


@pytest.fixture(name="terminal")
def terminal_fixture(out: Path) -> Iterator[Screen]:
    found = Screen(command(out, "--order-by", "count"))
    try:
        found.wait_for("stolen auto.*what the keys mean")
        yield found
    finally:
        found.close()


def test_a_key_is_a_label_at_once_and_the_terminal_is_as_before_at_the_end(
    terminal: Screen, out: Path
) -> None:
    assert termios.tcgetattr(terminal.slave) != terminal.before
    terminal.press("o")
    terminal.wait_for("1 of 4 labelled.*assist HSI.*what the keys mean")
    terminal.press("u")
    terminal.wait_for("0 of 4 labelled.*stolen auto.*taken back")
    terminal.press("vi")
    terminal.wait_for(r"2 of 4 labelled.*\\x1b\[2J")
    terminal.press("q")
    terminal.wait_for("2 labelled now")
    assert terminal.end() == 0
    assert terminal.is_back()
    assert [label for _, label, _ in given(out)] == ["vague", "civil-immigration"]


def test_arrows_pasted_text_and_unknown_keys_are_no_labels(terminal: Screen, out: Path) -> None:
    for keys in ("\x1b[A", "\x1b[200~ooooovvvv\x1b[201~", "Z", "ö", "\x04"):
        terminal.press(keys)
        terminal.wait_for("0 of 4 labelled.*this key means nothing here.*what the keys mean")
    terminal.press("?")
    terminal.wait_for("a reader cannot tell which of these it is")
    terminal.press("o")
    terminal.wait_for("1 of 4 labelled")
    assert len(given(out)) == 1


def test_another_size_is_drawn_at_once(terminal: Screen) -> None:
    terminal.resize(30, 10)  # the kernel tells the process
    seen = terminal.wait_for(r"0 of 4 labelled by AB, 0 of th\s+em now.*stolen auto.*\[\?\] keys")
    assert seen.count("\n") < 10


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGQUIT, 131), (signal.SIGKILL, -9)],
)
def test_whatever_ends_it_the_terminal_is_put_back_and_no_label_is_lost(
    terminal: Screen, out: Path, number: signal.Signals, code: int
) -> None:
    terminal.press("o")
    terminal.wait_for("1 of 4 labelled")
    terminal.process.send_signal(number)
    assert terminal.end() == code
    assert terminal.is_back()
    terminal.wait_for(re.escape("\x1b[?1049l"))
    assert len(given(out)) == 1


def test_a_failure_in_the_middle_puts_the_terminal_back_and_says_so(terminal: Screen, out: Path) -> None:
    terminal.press("o")
    terminal.wait_for("1 of 4 labelled")
    (out.parent / "labels.jsonl").write_bytes(b"")
    terminal.press("o")
    terminal.wait_for(r"\x1b\[\?1049l.*shorter than it was")
    assert terminal.end() == 2
    assert terminal.is_back()


def test_ctrl_c_stops_it(terminal: Screen) -> None:
    terminal.press("\x03")
    terminal.wait_for("stopped")
    assert terminal.end() == 0
    assert terminal.is_back()


def test_ctrl_z_gives_the_terminal_back_and_going_on_draws_again(terminal: Screen) -> None:
    terminal.process.send_signal(signal.SIGTSTP)
    terminal.wait_for(re.escape("\x1b[?1049l"))
    assert terminal.is_back()
    terminal.process.send_signal(signal.SIGCONT)
    terminal.wait_for(r"\x1b\[\?1049h.*0 of 4 labelled")
    terminal.press("o")
    terminal.wait_for("1 of 4 labelled")


def test_a_terminal_that_goes_away_ends_it(terminal: Screen, out: Path) -> None:
    terminal.press("o")
    terminal.wait_for("1 of 4 labelled")
    os.close(terminal.master)
    assert terminal.end() in {0, 129}
    assert len(given(out)) == 1
