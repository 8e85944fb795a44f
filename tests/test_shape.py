"""The hard budget for size and shape, counted by machine (CONTRIBUTING "Shape")."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from doorward import errors

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = CHECKOUT / "src" / "doorward"
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60
MAX_FOLDERS_BELOW_PACKAGE = 2
DRAWERS = {
    "base",
    "common",
    "core",
    "helper",
    "helpers",
    "manager",
    "managers",
    "misc",
    "services",
    "util",
    "utils",
}


def sources() -> list[Path]:
    """Return the hand-written source files; the packs' data is not code."""
    return sorted(file for kind in ("*.py", "*.sql") for file in PACKAGE.rglob(kind))


def shown(file: Path) -> str:
    return file.relative_to(CHECKOUT).as_posix()


def functions(file: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{shown(file)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_there_are_sources_to_count() -> None:
    assert PACKAGE / "errors.py" in sources()


def test_no_source_file_is_too_long() -> None:
    lengths = {shown(file): len(file.read_text(encoding="utf-8").splitlines()) for file in sources()}
    assert {file: lines for file, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_no_function_is_too_long() -> None:
    lengths = dict(pair for file in sources() if file.suffix == ".py" for pair in functions(file))
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}


def test_no_source_file_lies_too_deep() -> None:
    deep = [
        file for file in sources() if len(file.relative_to(PACKAGE).parent.parts) > MAX_FOLDERS_BELOW_PACKAGE
    ]
    assert [shown(file) for file in deep] == []


def test_no_module_is_a_drawer() -> None:
    names = {
        shown(path): re.split(r"_+", path.stem.strip("_")) for path in (*sources(), *PACKAGE.rglob("*/"))
    }
    assert [path for path, words in names.items() if DRAWERS & set(words)] == []


def error_classes() -> list[type[errors.DoorwardError]]:
    members = inspect.getmembers(errors, inspect.isclass)
    return [member for _, member in members if issubclass(member, errors.DoorwardError)]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [vars(kind).get("code") for kind in error_classes()]
    assert None not in codes
    assert len(codes) == len(set(codes))


def test_the_error_tree_at_the_head_of_its_module_is_complete() -> None:
    drawn = set(re.findall(r"\b\w+Error\b", errors.__doc__ or ""))
    assert drawn == {kind.__name__ for kind in error_classes()}


def test_every_error_code_is_a_heading_of_the_reference_and_the_reverse() -> None:
    page = (CHECKOUT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ `(DW-[A-Z0-9-]+)`", page, flags=re.MULTILINE)
    assert sorted(headings) == sorted(kind.code for kind in error_classes())
