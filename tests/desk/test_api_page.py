"""The page of the interface for programs: its examples run at a served desk, its table is the code's."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from doorward.desk.api.problem import Refusal
from tests_support.ports import free_port

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs" / "reference" / "api.md"
EXAMPLES = dict(
    re.findall(r"<!-- run at a desk -->\n```(\w+)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
)
CODE = (
    "import sys\nfrom doorward.desk.configuration import current\nfrom doorward.desk.serve import prepare, serve\n"
    "prepare()\nserve(current(), addresses=[sys.argv[1]])\n"
)


@pytest.fixture(scope="module")
def served(desk: Any) -> Iterator[dict[str, str]]:
    """A served desk and a program's token, as the environment of an example."""
    from doorward.desk.api.clients import FilesAs, add_client

    assert desk
    as_what, now = FilesAs("lockup-keeper", "CPD", "city", "lock-up-1"), datetime.now(UTC)  # noqa: TID251  # a token's
    token = add_client("example", as_what, ["detainer"], days=1, by="chief.example", now=now)
    where = f"127.0.0.1:{free_port()}"
    with subprocess.Popen(
        [sys.executable, "-c", CODE, where], stdout=subprocess.PIPE, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield {**os.environ, "DESK": f"http://{where}", "TOKEN": token}
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("language", "command"), [("sh", ["bash", "-euo", "pipefail", "-c"]), ("python", [sys.executable, "-c"])]
)
def test_an_example_of_the_page_files(served: dict[str, str], language: str, command: list[str]) -> None:
    from doorward.desk.models import Matter

    count = Matter.objects.count()
    said = [
        subprocess.run(
            [*command, EXAMPLES[language]], env=served, capture_output=True, text=True, timeout=60, check=True
        ).stdout
        for _ in range(2)
    ]
    assert said[0] == said[1]
    assert "deny" in said[0]
    assert Matter.objects.count() == count + 1


def test_a_refusal_of_the_served_desk_is_a_problem_in_a_line(served: dict[str, str]) -> None:
    done = subprocess.run(
        ["curl", "--silent", "--include", "--data", "x" * 70_000, f"{served['DESK']}/api/v1/matters"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    head, _, body = done.stdout.replace("\r\n", "\n").rpartition("\n\n")
    assert "401" in head.splitlines()[0] or "401" in head
    assert json.loads(body)["type"] == "urn:doorward:problem:token"
    assert "set-cookie" not in head.lower()


def test_the_page_has_every_refusal() -> None:
    rows = re.findall(r"(?m)^\| `([a-z-]+)` \| (\d{3}) \|", PAGE.read_text(encoding="utf-8"))
    assert {(name, int(status)) for name, status in rows} == {(one.value[0], one.status) for one in Refusal}


def test_the_description_is_whole() -> None:
    text = (CHECKOUT / "docs" / "reference" / "openapi-chicago.json").read_text(encoding="utf-8")
    described = json.loads(text)
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert names <= set(described["components"]["schemas"])
    operations = [
        (path, held)
        for path, item in described["paths"].items()
        for held in item.values()
        if isinstance(held, dict)
    ]
    assert len({held["operationId"] for _, held in operations}) == len(operations) == 5
    for path, item in described["paths"].items():
        said = [one["name"] for one in item.get("parameters", ()) if one["in"] == "path"]
        assert said == re.findall(r"{(\w+)}", path)
        assert all("401" in held["responses"] for key, held in item.items() if key != "parameters")


def test_the_description_has_not_drifted() -> None:
    script = CHECKOUT / "tests" / "docs" / "api_page.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
