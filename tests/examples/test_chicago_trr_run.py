"""The example with released rows, run as its README says."""

import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.pg, pytest.mark.shared]

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "chicago-trr"


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_counts_equal_the_files_for_the_permitted_and_nothing_is_seen_by_the_refused(shared: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="doorward-trr-") as folder:
        Path(folder).chmod(0o755)
        done = subprocess.run(
            [
                *(sys.executable, str(EXAMPLE / "run.py"), "--data", f"{folder}/data", "--port", free_port()),
                *("--city-port", free_port(), "--source", str(shared / "data" / "chicago-police")),
            ],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9338" in done.stdout
    assert "18624" in done.stdout
