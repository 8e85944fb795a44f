"""The units and the image of `deploy/`: no rights that are not needed, and commands that exist."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
TIMERS = sorted(DEPLOY.glob("*.timer"))
NEEDED = (
    "User=doorward", "NoNewPrivileges=yes", "ProtectSystem=strict", "ReadWritePaths=/var/lib/doorward",
    "CapabilityBoundingSet=", "AmbientCapabilities=", "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
)  # fmt: skip


def test_there_is_a_unit_for_each_process() -> None:
    assert [unit.name for unit in UNITS] == [
        "doorward-desk.service", "doorward-doctor.service", "doorward-gateway.service", "doorward-publisher.service",
    ]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_gives_no_right_that_is_not_needed(unit: Path) -> None:
    lines = unit.read_text(encoding="utf-8").splitlines()
    assert [needed for needed in NEEDED if needed not in lines] == []
    assert any(line.startswith("MemoryMax=") for line in lines)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    copies = []
    for unit in (*UNITS, *TIMERS):
        text = unit.read_text(encoding="utf-8").replace("/opt/doorward/bin/doorward", "/bin/true")
        copies.append(tmp_path / unit.name)
        copies[-1].write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", *copies], capture_output=True, text=True, check=False, timeout=60
    )
    told = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "doorward" in line]
    assert (done.returncode, told) == (0, [])


def test_the_commands_of_the_units_exist() -> None:
    for unit in UNITS:
        (words,) = re.findall(r"(?m)^ExecStart=\S+/doorward (.+)$", unit.read_text(encoding="utf-8"))
        command, *options = [word for word in words.split() if not word.startswith("/")]
        done = subprocess.run(
            [sys.executable, "-m", "doorward", command, "--help"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert (done.returncode, [one for one in options if one not in done.stdout]) == (0, [])


def test_the_image_fetches_nothing_and_runs_as_nobody_in_particular() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    steps = [line for line in text.splitlines() if not line.startswith("#")]
    assert not any(word in line for line in steps for word in ("http:", "https:", "ADD ", "apt", "curl"))
    assert [line.split("=")[1].count("/") for line in steps if line.startswith("ARG BASE=")] == [0]
    assert any("--no-index" in line for line in steps)
    assert "USER 10001:10001" in steps
