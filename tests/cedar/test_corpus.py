"""The public corpus of Cedar on every target, through the command line, and a target that is wrong on purpose."""

import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doorward.cedar.conformance import Answer, Refusal, lines, run
from doorward.cedar.corpus import Case, read_cases
from doorward.cedar.ir import Rule
from doorward.cedar.targets import Engine, Python
from doorward.cli.main import app
from doorward.errors import ConfigError
from tests_support.corpus import some_files

CASE = {
    "policies": "corpus-tests/a.cedar",
    "entities": "corpus-tests/a.entities.json",
    "schema": "corpus-tests/a.cedarschema",
    "shouldValidate": True,
    "requests": [
        {
            "description": "one",
            "principal": {"type": "User", "id": "u"},
            "action": {"type": "Action", "id": "see"},
            "resource": {"type": "User", "id": "u"},
            "context": {"n": 1},
            "decision": "allow",
            "reason": ["policy0"],
            "errors": ["policy1"],
        }
    ],
}
FILES = {
    "corpus/a.json": json.dumps(CASE).encode(),
    "corpus/a.cedar": b"permit (principal, action, resource);"
    b"forbid (principal, action, resource) when { context.n + 9223372036854775807 > 0 };",
    "corpus/a.entities.json": b"[]",
    "corpus/a.cedarschema": b"entity User;"
    b"action see appliesTo { principal: User, resource: User, context: { n: Long } };",
}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["policy", "conformance", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.mark.shared
def test_every_target_decides_some_of_the_shared_corpus_as_the_engine(shared: Path, tmp_path: Path) -> None:
    for files in some_files(shared, every=12):
        write(tmp_path, files)
    code, output = invoke(str(tmp_path), "--json")
    tallies = {tally["target"]: tally for tally in json.loads(output)}
    assert set(tallies) == {"cedarpy", "python", "sql", "smt"}
    for tally in tallies.values():
        assert tally["requests"] == 2_682
        assert tally["differences"] == {"decision": 0, "reasons": 0, "errors": 0, "validation": 0}
        assert tally["shown"] == []
    assert tallies["cedarpy"]["refused"] == tallies["python"]["refused"] == {}
    for target in ("sql", "smt"):
        assert tallies[target]["refused"] == {}
    assert code == 0


@pytest.mark.shared
@pytest.mark.long
@pytest.mark.timeout(600)
def test_every_target_decides_the_shared_corpus_as_the_engine(shared: Path) -> None:
    code, output = invoke(str(shared / "vectors" / "cedar"), "--json")
    tallies = {tally["target"]: tally for tally in json.loads(output)}
    assert set(tallies) == {"cedarpy", "python", "sql", "smt"}
    for tally in tallies.values():
        assert tally["requests"] == 31_314
        assert tally["differences"] == {"decision": 0, "reasons": 0, "errors": 0, "validation": 0}
        assert tally["shown"] == []
    assert tallies["cedarpy"]["refused"] == tallies["python"]["refused"] == {}
    for target in ("sql", "smt"):  # 4 of 3,927 cases
        assert tallies[target]["refused"] == {
            "`decimal` of a text that is not constant": 24,
            "`ip` of a text that is not constant": 8,
        }
    assert code == 0


def test_a_folder_and_an_archive_give_the_same_report(tmp_path: Path) -> None:
    folder = write(tmp_path / "cases", FILES)
    archive = tmp_path / "cases.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in FILES:
            tar.add(folder / name, arcname=f"./{name}")
    reports = [invoke(str(path)) for path in (folder, archive)]
    assert reports[0] == reports[1]
    code, output = reports[0]
    assert code == 0
    assert output.splitlines()[-1] == "conformance: 1 requests on 4 targets, 0 differences, 0 refused"


def test_a_difference_is_shown_and_ends_with_1(tmp_path: Path) -> None:
    wrong = json.loads(json.dumps(CASE))
    wrong["requests"][0] |= {"decision": "deny", "reason": [], "errors": []}
    folder = write(tmp_path, FILES | {"corpus/a.json": json.dumps(wrong).encode()})
    code, output = invoke(str(folder), "--target", "python")
    assert code == 1
    assert "python: 1 requests, differences: 1 in decision, 1 in reasons, 1 in errors" in output
    assert "corpus/a.json, request 0: expected deny, reasons [], errors []" in output


def test_a_validation_verdict_that_differs_is_a_difference(tmp_path: Path) -> None:
    folder = write(tmp_path, FILES | {"corpus/a.json": json.dumps(CASE | {"shouldValidate": False}).encode()})
    code, output = invoke(str(folder), "--target", "cedarpy")
    assert code == 1
    assert "1 in validation" in output


class Skipping:
    """A target that forgets what failed: an erring forbid that vanishes."""

    name = "skipping"

    def decide(self, case: Case, rules: Sequence[Rule]) -> Sequence[Answer | Refusal]:
        found = []
        for given in Python().decide(case, rules):
            assert isinstance(given, Answer)
            found.append(Answer(given.decision, given.reasons, ()))
        return found


def test_a_target_that_loses_an_error_is_caught() -> None:
    (tally,) = run(read_cases(FILES), [Skipping()])
    assert (tally.decisions, tally.reasons, tally.errors) == (0, 0, 1)
    assert list(lines([tally]))[-1].endswith("1 differences, 0 refused")


def test_the_engine_agrees_with_the_case_of_this_test() -> None:
    (tally,) = run(read_cases(FILES), [Engine()], validate=Engine().validates)
    assert tally.differences == 0


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds no case"),
        ({"a.json": b"{"}, "is no JSON"),
        ({"a.json": json.dumps(CASE).encode()}, "which is not there"),
        (FILES | {"corpus/a.entities.json": b"[[["}, "is no JSON"),
        ({**FILES, "corpus/a.json": json.dumps(CASE | {"requests": [{}]}).encode()}, "is no case"),
    ],
)
def test_what_is_no_corpus_is_refused(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    folder = write(tmp_path, files)
    with pytest.raises(ConfigError, match=said):
        invoke(str(folder))


def test_a_request_outside_of_the_schema_is_refused_by_typed_targets(tmp_path: Path) -> None:
    strange = json.loads(json.dumps(CASE))
    strange["requests"][0]["resource"] = {"type": "Nothing", "id": "n"}
    folder = write(tmp_path, FILES | {"corpus/a.json": json.dumps(strange).encode()})
    code, output = invoke(str(folder), "--target", "sql", "--target", "smt", "--target", "python")
    assert code == 0
    assert output.count("the request is of no environment of the schema") == 2


def test_an_unknown_target_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`opa` is no target"):
        invoke(str(tmp_path), "--target", "opa")
    with pytest.raises(ConfigError, match="neither a folder nor an archive"):
        invoke(str(tmp_path / "gone"))
    (tmp_path / "x.tar").write_bytes(b"no archive")
    with pytest.raises(ConfigError, match="is no tar archive"):
        invoke(str(tmp_path / "x.tar"))
