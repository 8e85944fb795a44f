"""The examples marked with ``<!-- run -->`` run as they stand, from the checkout, with the real shell."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLE = re.compile(r"^<!-- run(?: exit (\d))? -->\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples() -> list[Any]:
    files = [*sorted(CHECKOUT.glob("*.md")), *sorted((CHECKOUT / "docs").rglob("*.md"))]
    return [
        pytest.param(code, int(code_of_exit or 0), id=f"{file.relative_to(CHECKOUT).as_posix()}-{number}")
        for file in files
        for number, (code_of_exit, code) in enumerate(
            EXAMPLE.findall(file.read_text(encoding="utf-8")), start=1
        )
    ]


@pytest.mark.parametrize(("code", "expected"), examples())
def test_a_marked_example_ends_as_its_page_says(
    code: str, expected: int, commands: dict[str, Any], tmp_path: Path
) -> None:
    assert commands
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DOORWARD_DATA": str(tmp_path / "data"),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == expected, done.stdout + done.stderr


def test_the_readme_has_examples_that_run() -> None:
    assert EXAMPLE.search((CHECKOUT / "README.md").read_text(encoding="utf-8"))
