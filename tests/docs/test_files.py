"""No file of the project carries a package registry's host or a path of the machine it was written on."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

CHECKOUT = Path(__file__).resolve().parents[2]
# In two parts each, so that this file passes its own test.
REGISTRIES = [
    ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("registry.npmjs", "org"))
]
LOCK_OPTIONS = re.compile(
    r"^\s*(?:--(?:index-url|extra-index-url|find-links|trusted-host)|-[if] )|://", re.MULTILINE
)


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """The text of every file that is, or would be, under version control."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(listed, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        pytest.skip("this is no git checkout, so nobody can tell which files belong to the project")
    files = {name: CHECKOUT / name for name in done.stdout.split("\0") if name}
    return {
        name: file.read_bytes().decode("utf-8", "replace") for name, file in files.items() if file.is_file()
    }


def test_no_file_names_a_package_registry(texts: dict[str, str]) -> None:
    assert [(name, host) for name, text in texts.items() for host in REGISTRIES if host in text] == []


def test_no_file_names_the_folder_of_this_checkout(texts: dict[str, str]) -> None:
    here = re.compile(rf"(?<![\w.-]){re.escape(str(CHECKOUT))}(?![\w-])")
    assert [name for name, text in texts.items() if here.search(text)] == []


def test_every_lock_has_hashes_and_names_no_place() -> None:
    locks = sorted((CHECKOUT / "requirements").glob("*.txt"))
    assert [lock.name for lock in locks] == [
        "build.txt",
        "dev.txt",
        "engines.txt",
        "runtime.txt",
        "servers.txt",
    ]
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert not LOCK_OPTIONS.search(text), lock.name
        pins = re.findall(r"^[a-z0-9-]+==.*(?:\n .*)*", text, flags=re.MULTILINE)
        assert pins
        assert [pin.split(" ")[0] for pin in pins if "--hash=sha256:" not in pin] == []


def pins_of(lock: str) -> dict[str, str]:
    text = (CHECKOUT / "requirements" / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", text))


def test_the_locks_agree_with_one_another() -> None:
    locks = [pins_of(name) for name in ("build.txt", "runtime.txt", "dev.txt")]
    everything = {name: {lock[name] for lock in locks if name in lock} for lock in locks for name in lock}
    assert {name: versions for name, versions in everything.items() if len(versions) > 1} == {}


def test_the_locks_hold_what_the_project_asks_for() -> None:
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    project = settings["project"]
    # Spark is larger than all the rest together: `make engines` installs it beside, and for the tests alone.
    spark = project["optional-dependencies"].pop("spark")
    runtime = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    asked = {
        "engines.txt": [name for name in spark if name.startswith("pyspark")],
        "build.txt": settings["build-system"]["requires"],
        "runtime.txt": runtime,
        "dev.txt": [
            *runtime,
            *settings["dependency-groups"]["dev"],
            *(n for n in spark if n.startswith("sqlglot")),
        ],
    }
    wrong = [
        (lock, text)
        for lock, texts in asked.items()
        for text in texts
        for wanted in [Requirement(text)]
        if wanted.name not in pins_of(lock) or pins_of(lock)[wanted.name] not in wanted.specifier
    ]
    assert wrong == [], "run `make lock`"
