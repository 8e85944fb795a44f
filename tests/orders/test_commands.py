"""`doorward decide` and `doorward order check`, run as a person runs them."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from doorward.cli.main import main
from doorward.orders.load import Pack

Files = dict[str, bytes]
Run = Callable[..., subprocess.CompletedProcess[str]]
DETECTIVE = ("--principal-role", "detective", "--agency", "CPD")
OWN_CASE = (*DETECTIVE, "--for", "CPD", "--purpose", "criminal-investigation", "--standing", "verified")


@pytest.fixture(scope="module")
def doorward() -> Run:
    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from doorward.cli.main import main; main()", *arguments]
        return subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"COLUMNS": "200"},
        )

    return run


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The same in this process: of each command one test, or one for each way to give it its input, starts Python."""

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["doorward", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return subprocess.CompletedProcess(arguments, code, written.out, written.err)

    return run


def test_a_permitted_request_is_printed_with_its_clause_and_exits_0(doorward: Run) -> None:
    done = doorward("decide", *OWN_CASE)
    assert (done.returncode, done.stderr) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert lines["outcome"] == "permit"
    assert lines["posture"] == "perform-in-scope"
    assert lines["clauses"].startswith("B1: base access, investigators: A detective")
    assert lines["sentence"] == "a criminal case that the register has found open and assigned to this login"


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        (("--for", "ICE-ERO"), "deny"),
        (("--standing", "unverified"), "refer"),
        (("--task-force", "member"), "refer"),
        (("--requester", "HSI"), "refer"),
        (("--action", "open-account"), "refer"),
        (("--resource", "clear.persons.status"), "deny"),
        (("--fact", "context.papers.court_civil.presented=true"), "refer"),
    ],
)
def test_a_closed_request_exits_1(here: Run, changed: tuple[str, str], outcome: str) -> None:
    done = here("decide", *OWN_CASE, *changed)
    assert done.returncode == 1
    assert done.stdout.startswith(f"outcome      {outcome}\n")


def test_the_remedy_is_printed(here: Run) -> None:
    done = here("decide", *OWN_CASE, "--standing", "unverified")
    assert "remedy       the case is open in the register of cases and assigned to this login" in done.stdout


def test_why_it_is_closed_is_printed_and_no_claim_is_coached(here: Run) -> None:
    clerk = ("--principal-role", "records-clerk", "--agency", "CPD", "--for", "CPD")
    done = here("decide", *clerk, "--purpose", "criminal-investigation")
    assert (
        "not met      records-clerk (B2)\n               context.purpose is criminal-investigation"
        in done.stdout
    )
    assert "records-service" not in done.stdout
    done = here("decide", *OWN_CASE, "--for", "ICE-ERO")
    assert "because      side-door-login (C20a0): context.for_agency is ICE-ERO" in done.stdout
    assert "remedy       -" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            (*DETECTIVE, "--purpose", "curiosity"),
            "`curiosity` is no word for `context.purpose`",
        ),
        ((*DETECTIVE, "--for", "MI5"), "`MI5` is no word for `context.for_agency`"),
        (("--principal-role", "wizard", "--agency", "CPD"), "`wizard` is no word for `principal.role`"),
        (("--agency", "CPD"), "`--principal-role` is missing"),
        ((*DETECTIVE, "--standing", "sure"), "`sure` is no word for `context.register.standing`"),
        ((*DETECTIVE, "--resource", "attic"), "`attic` is no collection of the order"),
        ((*DETECTIVE, "--action", "steal"), "`steal` is no action of the order"),
        ((*DETECTIVE, "--fact", "context.process=true"), "`context.process` is computed from other facts"),
        ((*DETECTIVE, "--fact", "context.nothing=x"), "`context.nothing` is no fact of this request"),
        ((*DETECTIVE, "--fact", "context.emergency=maybe"), "`context.emergency` takes true or false"),
        ((*DETECTIVE, "--fact", "purpose"), "must be path=value"),
        ((*DETECTIVE, "--task-force", "perhaps"), "must be none, member or attested"),
        ((*DETECTIVE, "--order", "atlantis"), "`atlantis` is neither a shipped order nor a folder"),
        (("--json", "/nowhere.jsonl"), "cannot read `/nowhere.jsonl`"),
    ],
)
def test_a_word_that_nobody_knows_is_refused_in_one_line_and_exits_2(
    here: Run, arguments: tuple[str, ...], said: str
) -> None:
    done = here("decide", *arguments)
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[0]
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def line(**changed: Any) -> str:
    request = {
        "id": 7,
        "principal": {"id": "ann", "role": "detective", "agency": "CPD"},
        "context": {
            "requester": {"agency": "CPD"}, "for_agency": "CPD", "purpose": "criminal-investigation",
            "task_force": {"member": False}, "register": {"standing": "verified", "kind": "criminal"},
        },
    }  # fmt: skip
    return json.dumps(request | changed)


def test_many_requests_are_answered_line_by_line(doorward: Run, tmp_path: Path) -> None:
    row = {"table": "clear.persons", "kind": "person", "holder": "CPD", "public_source": False}
    sealed = row | {"sealed": True, "juvenile": False, "case_no": "", "unit": ""}
    lines = [
        line(),
        line(resource=sealed),
        "",
        line(principal={"role": "detective", "agency": "CPD"}, context={}),
    ]
    done = doorward("decide", "--json", "-", stdin="\n".join(lines))
    answers = [json.loads(text) for text in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [answer["outcome"] for answer in answers] == ["permit", "deny", "refer"]
    assert answers[0]["id"] == 7
    assert answers[1]["clauses"] == [{"id": "B3", "cite": "base access, sealed rows"}]
    file = tmp_path / "one.jsonl"
    file.write_text(line() + "\n", encoding="utf-8")
    assert doorward("decide", "--json", str(file)).returncode == 0


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"x": 1}', '{"principal": 3}', '{"principal": {"role": "detective"}}', line(resource=3),
     line(resource={"table": "clear.persons"}), line(resource={"type": "Attic"}), line(action=3),
     line(context={"purpose": 3}), line(context={"purpose": "zebra"}), "[" * 100_000],
)  # fmt: skip
def test_a_line_that_is_no_request_is_answered_with_its_error_and_exits_2(here: Run, text: str) -> None:
    done = here("decide", "--json", "-", stdin=f"{text}\n{line()}\n")
    first, second = (json.loads(answer) for answer in done.stdout.splitlines())
    assert done.returncode == 2
    assert first["line"] == 1
    assert first["error"]
    assert second["outcome"] == "permit"


def test_the_shipped_order_checks(doorward: Run, pack: Pack) -> None:
    done = doorward("order", "check", "chicago")
    assert (done.returncode, done.stderr) == (0, "")
    assert "order chicago, a sample that no office adopted" in done.stdout
    assert f"digest {pack.digest}" in done.stdout
    assert "adopted by sample: C20b, T15h1, T15h2" in done.stdout
    assert "needs counsel, refers only: T15h7, FERPA" in done.stdout
    assert "scopes of the database door: 4" in done.stdout
    assert done.stdout.endswith("chicago: no fault\n")


@pytest.mark.shared
def test_the_worked_cases_check(here: Run, shared: Path) -> None:
    done = here("order", "check", "chicago", "--scenarios", str(shared / "scenarios" / "chicago.csv"))
    assert done.returncode == 0
    assert (
        "57 cases decided, by compiled Python and by Cedar's engine, 0 differ or cannot be read"
        in done.stdout
    )


@pytest.mark.shared
def test_each_refusal_is_a_sentence_with_its_citation(here: Run, shared: Path, pack: Pack) -> None:
    file = str(shared / "scenarios" / "chicago.csv")
    done = here("order", "check", "chicago", "--scenarios", file, "--explain")
    told = done.stdout.split(f"== {file}\n")[1]
    for case in re.split(r"(?m)^(?=\S)", told)[1:]:
        first, *cited = case.splitlines()[1:]
        assert re.match(r"  (permit|refer|deny|outside), [a-z-]+(, to [a-z-]+)?: \S", first)
        if first.startswith("  deny"):
            assert any(f"    {c.id}, {c.cite}" in cited for c in pack.clauses.values())


def test_production_refuses_the_sample(here: Run) -> None:
    done = here("order", "check", "chicago", "--production")
    assert done.returncode == 1
    assert "the office `sample` does not exist and adopted C20b, T15h1" in done.stdout


def test_a_fault_is_printed_with_its_place_and_exits_1(
    here: Run, changed: Callable[..., Files], written: Callable[[Files], Path]
) -> None:
    folder = written(changed("database.cedar", "resource.sealed &&", "resource.seald &&"))
    done = here("order", "check", str(folder))
    assert done.returncode == 1
    assert "database.cedar:" in done.stdout
    assert "attribute `seald` on entity type `Record` not found" in done.stdout
    as_json = here("order", "check", str(folder), "--json")
    finding = json.loads(as_json.stdout)["findings"][0]
    assert (finding["file"], finding["column"]) == ("database.cedar", 12)


def test_a_difference_from_a_case_exits_1(
    here: Run, changed: Callable[..., Files], written: Callable[[Files], Path]
) -> None:
    folder = written(changed("scenarios.csv", "permit,perform-in-scope,,,B1", "deny,perform-in-scope,,,B1"))
    done = here("order", "check", str(folder))
    assert done.returncode == 1
    assert "scenarios.csv:2:1: case d1: expected outcome deny, got permit" in done.stdout


def test_what_the_database_door_cannot_express_is_a_fault_of_the_order(
    here: Run, changed: Callable[..., Files], written: Callable[[Files], Path]
) -> None:
    folder = written(
        changed("database.cedar", "resource.sealed &&", 'resource.sealed && context.initiative != "asked" &&')
    )
    done = here("order", "check", str(folder))
    assert done.returncode == 1
    assert "policy `sealed-rows` cannot be compiled for the database door" in done.stdout
    assert "it reads `context.initiative`, which has no finite words at this door" in done.stdout
    assert "scopes of the database door: none" in done.stdout


def test_a_predicate_that_slows_every_search_is_told(
    here: Run, changed: Callable[..., Files], written: Callable[[Files], Path]
) -> None:
    folder = written(
        changed("database.cedar", "resource.sealed &&", 'resource.sealed && resource.unit like "a*" &&')
    )
    done = here("order", "check", str(folder))
    assert done.returncode == 0
    assert "`unit` is read by an operator that is not leakproof (like)" in done.stdout


def test_the_check_as_json(here: Run, pack: Pack) -> None:
    report = json.loads(here("order", "check", "chicago", "--json").stdout)
    assert (report["digest"], report["findings"], report["scopes"]) == (pack.digest, [], 4)
    assert {entry["clause"] for entry in report["needs_counsel"]} == {
        "T15h7",
        "FERPA",
        "F1644",
        "I9",
        "FUND2",
    }
    assert len(report["cases"]["scenarios.csv"]["decided"]) >= 15


@pytest.mark.parametrize("arguments", [("atlantis",), ("chicago", "--scenarios", "/nowhere.csv")])
def test_what_is_not_there_exits_2(here: Run, arguments: tuple[str, ...]) -> None:
    done = here("order", "check", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
