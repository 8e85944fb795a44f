"""Everything `doorward order check` finds out about a pack, as a value. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from doorward.errors import Finding, PolicyCheckError, PolicyError
from doorward.orders.assemble import assemble_pack
from doorward.orders.intake import Intake, read_intake
from doorward.orders.letters import FILE as LETTERS
from doorward.orders.letters import read_letters
from doorward.orders.lexicon import Lexicon, read_lexicon
from doorward.orders.pack import SAMPLE_OFFICE, Clause, Pack
from doorward.orders.paperwork import check_paperwork
from doorward.orders.scenarios import Cases, run_cases

OWN_CASES = "scenarios.csv"


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found.

    Args:
        pack: The order, or None where it does not load.
        findings: Faults of the pack, of a case that cannot be read, and differences; empty where all is well.
        cases: Results by file.
        scopes: How many scopes the database door has; None where it cannot be compiled.
        warnings: What is slow, and no fault.
        lexicon: What looking back reads reasons with; None where the pack has none, or a faulty one.
        intake: What a desk takes; None where the pack has none, or a faulty one.
    """

    pack: Pack | None
    findings: tuple[Finding, ...]
    cases: Mapping[str, Cases] = field(default_factory=dict)
    scopes: int | None = None
    warnings: tuple[Finding, ...] = ()
    lexicon: Lexicon | None = None
    intake: Intake | None = None

    @property
    def uncited(self) -> tuple[Clause, ...]:
        """Clauses that no policy cites: they set a duty outside of any request, or a policy is missing."""
        if self.pack is None:
            return ()
        cited = {clause for policy in self.pack.policies for clause in policy.clauses}
        return tuple(clause for clause in self.pack.clauses.values() if clause.id not in cited)

    @property
    def unshown(self) -> tuple[str, ...]:
        """Ids of the policies that decide no case: nobody would notice if one were lost."""
        if self.pack is None:
            return ()
        results = (result for cases in self.cases.values() for result in cases.decided)
        shown = {name for result in results for name in result.decision.policies}
        return tuple(policy.id for policy in self.pack.policies if policy.id not in shown)

    @property
    def adopted(self) -> tuple[Clause, ...]:
        """Clauses that decide because an office adopted them."""
        return self._with_standing("adopted")

    @property
    def needs_counsel(self) -> tuple[Clause, ...]:
        """Clauses that only refer."""
        return self._with_standing("needs-counsel")

    def _with_standing(self, standing: str) -> tuple[Clause, ...]:
        clauses = self.pack.clauses.values() if self.pack else ()
        return tuple(clause for clause in clauses if clause.standing == standing)


def check_pack(
    files: Mapping[str, bytes],
    *,
    cases: Mapping[str, str],
    now: datetime,
    production: bool = False,
    vocabularies: Mapping[str, str] | None = None,
) -> Report:
    """Return what is wrong with a pack; its own cases are always run.

    Args:
        files: Content by path inside of the pack.
        cases: Further CSV texts by file name.
        now: The time of every case's request.
        production: A pack of the office `sample` is a fault.
        vocabularies: That its lexicon may include, texts by name; without them its lexicon is not looked at.
    """
    try:
        pack = assemble_pack(files)
    except PolicyCheckError as error:
        return Report(None, error.findings)
    findings: list[Finding] = []
    if production and pack.is_sample:
        clauses = ", ".join(c.id for c in pack.clauses.values() if c.adopted_by == SAMPLE_OFFICE)
        findings.append(
            Finding(
                f"the office `{SAMPLE_OFFICE}` does not exist and adopted {clauses}",
                hint="a law department adopts each clause, or marks it `needs-counsel`",
            )
        )
    lexicon, faults = (None, ()) if vocabularies is None else read_lexicon(pack, vocabularies)
    findings += faults
    intake, faults = read_intake(pack)
    findings += faults
    if LETTERS in pack.files:
        findings += read_letters(pack, {})[1]
    findings += check_paperwork(pack)
    results: dict[str, Cases] = {}
    for file, text in {OWN_CASES: pack.files[OWN_CASES], **cases}.items():
        try:
            found = results[file] = run_cases(pack, file=file, text=text, now=now)
        except PolicyCheckError as error:
            findings += error.findings
            continue
        findings += found.findings
        findings += [difference for result in found.decided for difference in result.differences]
    if pack.model is None:
        return Report(pack, tuple(findings), results, lexicon=lexicon, intake=intake)
    try:
        book = pack.scope_book()
    except PolicyError as error:
        findings.append(Finding(str(error).removeprefix(f"{error.span}: "), error.span, error.hint))
        return Report(pack, tuple(findings), results, lexicon=lexicon, intake=intake)
    return Report(pack, tuple(findings), results, len(book.scopes), book.warnings, lexicon, intake)
