"""Which policies apply to a request, by compiled Python: what every door asks.

One function for each action and type of resource, made when it is first asked; policies whose head does not take the
action are not in it. `doorward.policy.evaluate` asks Cedar's own engine the same question and is the oracle.

INVARIANT (errors are never lost): a policy that failed stands in ``Applied.errors``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from doorward.cedar.flat import FlatRules, compile_flat
from doorward.cedar.ir import Expr
from doorward.cedar.python import bits, compile_rules
from doorward.cedar.resolve import is_false
from doorward.cedar.shapes import Untranslatable
from doorward.policy.decision import Decision
from doorward.policy.objects import Objects, make_objects
from doorward.policy.parse import Policy
from doorward.policy.request import Fact, Request, RequestModel, Resource

MAX_ANSWERS = 4096  # sets of policies that are kept with their answers, for one action and resource


@dataclass(frozen=True, slots=True)
class Applied:
    """The policies whose conditions hold, in the order of the pack's text, and what could not be evaluated."""

    policies: tuple[Policy, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """The policies that can apply to one action and type of resource, and the function that asks them.

    Args:
        policies: In the order of the text; bit n of an answer is the n-th.
        conditions: Resolved, as many.
        ask: From facts to two bit sets: which apply, which failed.
        answers: What was answered before, by those; an answer follows from which policies apply and from nothing else.
    """

    policies: tuple[Policy, ...]
    conditions: tuple[Expr, ...]
    ask: FlatRules
    answers: dict[tuple[int, int], Decision] = field(default_factory=dict)

    def applied(self, found: tuple[int, int]) -> Applied:
        """Return what two bit sets stand for."""
        applies, failed = found
        return Applied(
            tuple(self.policies[number] for number in bits(applies)),
            tuple(f"policy `{self.policies[number].id}` could not be evaluated" for number in bits(failed)),
        )


@dataclass
class Decider:
    """One set of policies over one model of requests.

    Args:
        policies: With unique ids, in the order of the text.
        model: What can be asked.
    """

    policies: Sequence[Policy]
    model: RequestModel
    _questions: dict[tuple[str, str, str], Question] = field(default_factory=dict)

    def apply(self, request: Request) -> Applied:
        """Return what applies to a request; total: a request that cannot be evaluated gives errors."""
        faults = self.model.find_faults(request)
        if faults:
            return Applied((), faults)
        question = self.question(request.action, request.resource)
        return question.applied(question.ask(request.facts, request.login, request.resource.id))

    def decide(self, request: Request, answer: Callable[[Applied], Decision]) -> Decision:
        """Return the answer to what applies to a request; total.

        Args:
            request: Anything.
            answer: Always the same function for one decider: what it gives for the same policies is kept.
        """
        faults = self.model.find_faults(request)
        if faults:
            return answer(Applied((), faults))
        question = self.question(request.action, request.resource)
        found = question.ask(request.facts, request.login, request.resource.id)
        kept = question.answers.get(found)
        if kept is None:
            if len(question.answers) >= MAX_ANSWERS:
                question.answers.clear()
            kept = question.answers[found] = answer(question.applied(found))
        return kept

    def question(self, action: str, resource: Resource) -> Question:
        """Return the question of an action and a resource; of one in the file, for that very resource."""
        in_file = self.model.resources[resource.type].in_file
        # An entity of the file is a constant of the compiled function, so its memberships cost nothing.
        key = (action, resource.type, resource.id if in_file else "")
        if key not in self._questions:
            self._questions[key] = self._compile(action, resource)
        return self._questions[key]

    def _compile(self, action: str, resource: Resource) -> Question:
        resolved = [
            (policy, self.model.condition(policy.rule, action, resource.type)) for policy in self.policies
        ]
        kept = [(policy, condition) for policy, condition in resolved if not is_false(condition)]
        conditions = tuple(condition for _, condition in kept)
        ask = self.compile_conditions(conditions, action, resource)
        return Question(tuple(policy for policy, _ in kept), conditions, ask)

    def compile_conditions(self, conditions: Sequence[Expr], action: str, resource: Resource) -> FlatRules:
        """Return a function that asks resolved conditions of a request about an action and a resource."""
        subjects = self.model.subjects(resource)
        try:
            return compile_flat(conditions, self.model.schema, self.model.entities, subjects)
        except Untranslatable:
            return self._general(conditions, action, resource)

    def _general(self, conditions: Sequence[Expr], action: str, resource: Resource) -> FlatRules:
        """Return the question over objects, for a condition that has no flat form."""
        rules = compile_rules(conditions)
        model = self.model

        def ask(facts: Mapping[str, Fact], login: str, asked: str) -> tuple[int, int]:
            made: Objects = make_objects(model, Request(action, replace(resource, id=asked), facts, login))
            return rules(made.principal, made.action, made.resource, made.context, made.entities())

        return ask
