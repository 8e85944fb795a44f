"""Theorems: what holds is proved, a planted hole is found and shown as a request, and nothing unclear passes."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from typer.testing import CliRunner

from doorward.cli.main import app
from doorward.errors import PolicyCheckError
from doorward.orders.assemble import assemble_pack
from doorward.orders.load import Pack, find_pack, load_pack, read_files, read_templates, shipped_orders
from doorward.orders.prove import Result, prove_pack
from doorward.orders.scaffold import make_draft
from doorward.policy import prover
from doorward.policy.decision import Outcome
from doorward.policy.evaluate import Evaluator
from doorward.policy.parse import parse_policies

Files = dict[str, bytes]
Draft = Callable[..., Files]


@pytest.fixture(name="draft")
def draft_fixture() -> Draft:
    """Returns the files of a new order with texts replaced: pairs of old and new, in the file that has the old."""

    def make(*changes: tuple[str, str], **added: str) -> Files:
        files = make_draft("draft", read_templates(), today=date(2026, 3, 1))
        for old, new in changes:
            (name,) = (name for name, text in files.items() if old in text)
            files[name] = files[name].replace(old, new, 1)
        for name, text in added.items():
            files[f"{name}.cedar"] = text
        return {name: text.encode() for name, text in files.items()}

    return make


def prove(files: Files) -> Result:
    return prove_pack(assemble_pack(files), cpu=time.process_time)


def broken(result: Result) -> dict[str, prover.Counterexample]:
    return {p.theorem.name: p.counterexample for p in result.proofs if p.counterexample is not None}


@pytest.mark.parametrize("order", shipped_orders())
def test_every_theorem_of_a_shipped_order_is_proved_and_every_policy_matters(order: str) -> None:
    pack = load_pack(order)
    result = prove_pack(pack, cpu=time.process_time)
    assert [proof.theorem.name for proof in result.proofs if not proof.holds] == []
    assert len(result.proofs) == 3 + len(pack.theorems.theorems) >= 8
    assert (result.idle, result.useless, result.unyielding) == ((), (), ())
    assert result.digest == pack.digest
    assert result.holds


PERMIT_IN_DANGER = """
@id("anything-in-danger")
@clauses("SAFE")
@says("danger to life opens everything")
permit (principal in Duty::"investigator", action == Action::"query", resource)
when { context.emergency };
"""
YIELDS_TO_COURT = (
    "unless { context.process || context.court_shown || context.papers.agency_subpoena.presented };"
)


def test_an_order_that_opens_civil_enforcement_in_an_emergency_is_not_proved() -> None:
    files = read_files(find_pack("chicago"))
    text = files["database.cedar"].decode()
    # Whoever wants it must first let the prohibitions yield to an emergency, and then permit it.
    yielding = text.replace(
        YIELDS_TO_COURT,
        YIELDS_TO_COURT.replace("context.process ||", "context.emergency || context.process ||"),
    )
    assert yielding != text
    result = prove(files | {"database.cedar": (yielding + PERMIT_IN_DANGER).encode()})
    assert not result.holds
    example = broken(result)["break-glass-opens-nothing-prohibited"]
    assert example.request.facts["context.emergency"] is True
    assert (example.outcome, example.replayed) == (Outcome.PERMIT, True)
    assert "no-civil-enforcement-without-court" in broken(result)


def test_a_draft_proves(draft: Draft) -> None:
    assert prove(draft()).holds


YIELDS = "unless { context.process || context.papers.court.presented }"
HOLES = {
    "purpose left out of the permit and the forbid": (
        ('context.purpose == "excluded-work" || context.for_agency', "context.for_agency"),
        ('context.purpose == "own-case" && context.own_case &&', "context.own_case &&"),
        "excluded-work-never-opens",
        ("context.purpose", "excluded-work"),
    ),
    "beneficiary untested": (
        (' || context.for_agency in Group::"excluded" }', " }"),
        (' && context.for_agency == Agency::"office" }', " }"),
        "excluded-beneficiary-never-opens",
        ("context.for_agency", "excluded-office"),
    ),
    "a sealed record opened in danger": (
        ("when { resource.sealed }\nunless", "when { resource.sealed && !context.emergency }\nunless"),
        ("", ""),
        "sealed-never-opens",
        ("context.emergency", True),
    ),
    "a forbid that does not yield to a court": (
        (f"when {{ resource.sealed }}\n{YIELDS}", "when { resource.sealed }"),
        ("", ""),
        "court-process-goes-through",
        ("context.papers.court.verified", True),
    ),
}  # fmt: skip


@pytest.mark.parametrize("hole", HOLES)
def test_a_planted_hole_is_found_and_replayed(draft: Draft, hole: str) -> None:
    first, second, theorem, (path, value) = HOLES[hole]
    files = draft(*(change for change in (first, second) if change[0]))
    result = prove(files)
    assert not result.holds
    found = broken(result)[theorem]
    assert found.replayed
    assert found.request.facts[path] == value
    assert assemble_pack(files).decide(found.request).outcome is found.outcome


def test_a_forbid_without_a_way_for_courts_is_listed(draft: Draft) -> None:
    result = prove(draft(("\nunless { context.process || context.papers.court.presented };", ";")))
    assert [finding.message for finding in result.unyielding] == [
        "policy `excluded-work` denies `read` although there is court process"
    ]


SUSPENDING = """
@id("open-question") @clauses("C2") @outcome("refer") @to("law") @suspends("excluded-work")
@says("a question that is open")
forbid (principal, action, resource) when {{ context.purpose == "excluded-work" }}{unless};
"""


def test_a_suspension_refers_and_never_opens(draft: Draft) -> None:
    result = prove(draft(questions=SUSPENDING.format(unless="")))
    assert result.holds


def test_a_suspension_that_permits_does_not_load(draft: Draft) -> None:
    text = (
        SUSPENDING.format(unless="").replace("forbid", "permit").replace('@outcome("refer") @to("law")', "")
    )
    with pytest.raises(PolicyCheckError, match="only a refer forbid suspends"):
        assemble_pack(draft(questions=text))


def with_policy(pack: Pack, text: str) -> Pack:
    """The pack with a policy that its checks would refuse, so that the prover meets it."""
    clauses = {clause.id: clause.decides for clause in pack.clauses.values()}
    more, _ = parse_policies({"hole.cedar": text}, clauses=clauses)
    policies = (*pack.policies, *more)
    schema = pack.files["order.cedarschema"]
    entities = json.loads(pack.files["entities/agencies.json"])
    evaluator = Evaluator(policies, schema=schema, entities=entities, model=pack.requests)
    return replace(pack, policies=policies, evaluator=evaluator)


def test_a_forbid_that_errs_is_refused_and_would_be_found_with_a_request(draft: Draft) -> None:
    schema, sealed = "own_case: Bool,", '[fact."Record.sealed"]'
    numbered = draft(
        (schema, f"{schema} tries: Long,"),
        (sealed, f'[fact."context.tries"]\nresolver = "desk"\nsays = "how often"\n{sealed}'),
    )  # fmt: skip
    text = (
        '@id("erring") @clauses("C2") @says("x") '
        "forbid (principal, action, resource) when { context.tries * 2 > 10 };"
    )
    with pytest.raises(PolicyCheckError, match="could err at `\\*`: arithmetic may overflow"):
        assemble_pack(numbered | {"hole.cedar": text.encode()})
    pack = with_policy(assemble_pack(numbered), text)
    found = broken(prove_pack(pack, cpu=time.process_time))["never-errs"]
    assert found.replayed
    assert abs(int(str(found.request.facts["context.tries"]))) >= 2**62
    decision = pack.decide(found.request)
    assert (decision.outcome, decision.errors) == (
        Outcome.DENY,
        ("policy `erring` could not be evaluated",),
    )


def test_a_theorem_that_no_request_meets_is_not_proved(draft: Draft) -> None:
    result = prove(
        draft(
            ("when = 'resource.sealed && !context.process'", "when = 'context.process && !context.process'")
        )
    )
    proof = next(proof for proof in result.proofs if proof.theorem.name == "sealed-never-opens")
    assert (proof.vacuous, proof.holds, result.holds) == (True, False, False)


def test_an_answer_that_z3_does_not_give_is_a_failure(draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prover.Prover, "find", lambda *_: "unknown")
    result = prove(draft())
    assert not result.holds
    assert all(proof.unknown for proof in result.proofs)


IDLE = """
@id("shadowed") @clauses("C1") @says("never")
permit (principal, action == Action::"read", resource) when {{ {when} }};
"""


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ('context.purpose == "excluded-work"', "can never matter: it is a permit that is always shadowed"),
        ('context.purpose == "safety" && context.purpose == "own-case"', "can never apply"),
    ],
)
def test_a_policy_that_cannot_matter_is_reported(draft: Draft, when: str, said: str) -> None:
    result = prove(draft(more=IDLE.format(when=when)))
    assert [finding.message for finding in result.idle] == [f"policy `shadowed` {said}"]


def test_a_remedy_that_never_helps_is_refused(draft: Draft) -> None:
    result = prove(
        draft(
            (
                '@says("the record is sealed")',
                '@says("the record is sealed")\n@remedy("register: x")\n@cure("context.own_case = true")',
            )
        )
    )
    assert [finding.message for finding in result.useless] == [
        "the remedy of policy `sealed` never changes an answer"
    ]
    assert not result.holds


def test_process_is_its_definition_and_no_free_fact(draft: Draft) -> None:
    """A request that claims process without a paper does not exist, so it breaks no theorem."""
    files = draft(
        (
            "when = 'context.papers.court.presented'",
            "when = 'context.process && !context.papers.court.verified'",
        )
    )
    proof = next(p for p in prove(files).proofs if p.theorem.name == "court-paper-shown-is-not-denied")
    assert proof.vacuous


def test_the_command_prints_each_theorem_and_what_it_rests_on(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = tmp_path_factory.mktemp("orders")
    runner = CliRunner()
    assert runner.invoke(app, ["order", "new", "sample-town", "--folder", str(home)]).exit_code == 0
    folder = home / "sample-town"
    done = runner.invoke(app, ["order", "prove", str(folder)])
    assert done.exit_code == 0
    assert "sample-town: 8 of 8 theorems proved" in done.stdout
    assert "what these proofs rest on:" in done.stdout
    assert "digest of its entities" in done.stdout
    file = folder / "records.cedar"
    file.write_text(
        file.read_text().replace(
            "when { resource.sealed }\n", "when { resource.sealed && !context.emergency }\n"
        )
    )
    done = runner.invoke(app, ["order", "prove", str(folder)])
    assert done.exit_code == 1
    assert "NOT PROVED  sealed-never-opens" in done.stdout
    assert "context.emergency = yes" in done.stdout
    report = json.loads(runner.invoke(app, ["order", "prove", str(folder), "--json"]).stdout)
    wrong = [theorem for theorem in report["theorems"] if not theorem["proved"]]
    assert [theorem["name"] for theorem in wrong] == ["sealed-never-opens"]
    assert wrong[0]["counterexample"]["replayed"] is True


def test_a_draft_is_whole_or_not_there(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("orders")
    runner = CliRunner()
    assert runner.invoke(app, ["order", "new", "a-b", "--folder", str(home)]).exit_code == 0
    assert [path.name for path in home.iterdir()] == ["a-b"]
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    for name in ("a-b", "Sample", "../x", "a--b", ""):
        done = runner.invoke(app, ["order", "new", name, "--folder", str(home)])
        assert done.exit_code != 0
    assert before == {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
