"""The units and the image of `deploy/`: no rights that are not needed, and commands that exist."""

import re
import shutil
import subprocess
from itertools import takewhile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doorward.cli.main import app

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
TIMERS = sorted(DEPLOY.glob("*.timer"))
NEEDED = (
    "User=doorward", "NoNewPrivileges=yes", "ProtectSystem=strict", "ReadWritePaths=/var/lib/doorward",
    "CapabilityBoundingSet=", "AmbientCapabilities=", "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
)  # fmt: skip


def test_there_is_a_unit_for_each_process() -> None:
    assert [unit.name for unit in UNITS] == [
        "doorward-desk.service", "doorward-doctor.service", "doorward-gateway.service", "doorward-notifier.service",
        "doorward-publisher.service", "doorward-release.service", "doorward-witness.service",
    ]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_gives_no_right_that_is_not_needed(unit: Path) -> None:
    lines = unit.read_text(encoding="utf-8").splitlines()
    own = {"doorward-witness": "doorward-witness"}.get(unit.stem, "doorward")  # a witness reads no record
    needed = [
        one.replace("User=doorward", f"User={own}").replace("/var/lib/doorward", f"/var/lib/{own}")
        for one in NEEDED
    ]
    assert [one for one in needed if one not in lines] == []
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
        started = re.findall(r"(?m)^ExecStart=\S+/doorward (.+)$", unit.read_text(encoding="utf-8"))
        assert started, unit.name
        for words in map(str.split, started):
            command = list(takewhile(lambda word: word[0] not in "/-", words))
            options = [word for word in words if word.startswith("--")]
            done = CliRunner().invoke(app, [*command, "--help"])
            assert (done.exit_code, [one for one in options if one not in done.output]) == (0, []), words


def test_a_timer_is_of_a_unit_and_the_release_runs_once_in_each_slot() -> None:
    assert [timer.stem for timer in TIMERS] == ["doorward-doctor", "doorward-release"]
    assert {timer.stem for timer in TIMERS} <= {unit.stem for unit in UNITS}
    text = (DEPLOY / "doorward-release.timer").read_text(encoding="utf-8")
    assert "OnCalendar=*-*-* *:01:00 UTC" in text
    assert "Persistent=true" in text


def test_what_the_release_writes_is_what_a_web_server_serves_and_nothing_to_the_publisher() -> None:
    text = (DEPLOY / "doorward-release.service").read_text(encoding="utf-8")
    (released,) = re.findall(r"bin/doorward log release (\S+)", text)
    ((source, served),) = re.findall(r"bin/doorward log publish (\S+) --to (\S+)", text)
    assert released == source
    assert f"ReadWritePaths={released} {served}" in text
    assert released not in (DEPLOY / "doorward-publisher.service").read_text(encoding="utf-8")
    assert f"root {served};" in (DEPLOY / "public-log/nginx.conf").read_text(encoding="utf-8")


def test_the_image_fetches_nothing_and_runs_as_nobody_in_particular() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    steps = [line for line in text.splitlines() if not line.startswith("#")]
    assert not any(word in line for line in steps for word in ("http:", "https:", "ADD ", "apt", "curl"))
    assert [line.split("=")[1].count("/") for line in steps if line.startswith("ARG BASE=")] == [0]
    assert any("--no-index" in line for line in steps)
    assert "USER 10001:10001" in steps
