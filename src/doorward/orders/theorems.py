"""theorems.toml: what a council may publish about the order, read strictly."""

from collections.abc import Sequence
from dataclasses import dataclass

from doorward.cedar.est import read_rules
from doorward.cedar.scan import scan
from doorward.cedar.types import BOOL
from doorward.errors import Finding, PolicySyntaxError
from doorward.orders.toml import Toml
from doorward.policy.check import validate
from doorward.policy.request import RequestModel
from doorward.policy.theorems import Kind, Theorem

PROCESS = "context.process"  # where theorems.toml names no other
KEYS = ("kind", "says", "actions", "except", "when", "obliges")


@dataclass(frozen=True, slots=True)
class Theorems:
    """What theorems.toml says.

    Args:
        compellable: The actions that a court's paper can command (law 2); a forbid on one of them that does not yield
            to process is listed.
        process: The fact that says that there is such a paper, verified and in scope.
    """

    compellable: tuple[str, ...]
    process: str
    theorems: tuple[Theorem, ...]


def read_theorems(file: Toml, model: RequestModel, schema: str) -> Theorems:
    """Return the theorems; faults are noted in the file.

    Args:
        file: theorems.toml.
        model: What can be asked.
        schema: Cedar schema text; each condition is validated against it.
    """
    file.refuse_others(("compellable", "process", "theorem"))
    process = file.get(str, "process", default=PROCESS)
    spec = model.facts.get(process)
    if spec is None or spec.type != BOOL:
        file.note(
            f"`{process}` is no fact that is true or false",
            "process",
            hint="name the one that says court process",
        )
    compellable = tuple(str(action) for action in file.get(list, "compellable", default=[]))
    _check_actions(file, compellable, model, "compellable")
    names = file.get(dict, "theorem", default={})
    read = [_read(file, name, model) for name in names]
    found = [theorem for theorem in read if theorem is not None]
    _validate(file, found, schema)
    return Theorems(compellable, process, tuple(found))


def _read(file: Toml, name: str, model: RequestModel) -> Theorem | None:
    at = ("theorem", name)
    file.refuse_others(KEYS, *at)
    raw = file.table(*at)
    kind, says = file.get(str, *at, "kind"), file.get(str, *at, "says")
    if kind not in set(Kind):
        file.note(f"`{kind}` is no kind of theorem", *at, "kind", hint=f"one of {', '.join(Kind)}")
        return None
    stated = tuple(str(action) for action in file.get(list, *at, "actions", default=[]))
    left_out = tuple(str(action) for action in file.get(list, *at, "except", default=[]))
    _check_actions(file, (*stated, *left_out), model, *at)
    obliges = raw.get("obliges")
    if (kind == Kind.PERMITS_OR_REFERS) != isinstance(obliges, str):
        file.note(f"`obliges` belongs to `{Kind.PERMITS_OR_REFERS}`, which needs it", *at)
    actions = tuple(action for action in stated or model.actions if action not in left_out)
    when = raw.get("when")
    if when is None:
        return Theorem(name, Kind(kind), says, actions, None, obliges)
    try:
        (rule,) = read_rules(scan(f"theorems.toml, {name}", _as_policy(actions, when)))
    except PolicySyntaxError as error:
        file.note(f"the condition is no Cedar: {str(error).removeprefix(f'{error.span}: ')}", *at, "when")
        return None
    return Theorem(name, Kind(kind), says, actions, rule.condition, obliges)


def _as_policy(actions: Sequence[str], when: str) -> str:
    named = ", ".join(f'Action::"{action}"' for action in actions)
    return f"forbid (principal, action in [{named}], resource) when {{\n{when}\n}};"


def _validate(file: Toml, theorems: Sequence[Theorem], schema: str) -> None:
    """Note what cedarpy's strict validation says against the conditions."""
    texts = {
        t.name: _as_policy(t.actions, file.get(str, "theorem", t.name, "when")) for t in theorems if t.when
    }
    # All at once is 15 times as fast; only where there is a fault does it matter whose it is.
    if not validate(scan("theorems.toml", "\n".join(texts.values())), schema):
        return
    for name, text in texts.items():
        for fault in validate(scan(f"theorems.toml, {name}", text), schema):
            span = file.span("theorem", name, "when")
            file.findings.append(Finding(fault.message, span, fault.hint))


def _check_actions(file: Toml, actions: tuple[str, ...], model: RequestModel, *at: str) -> None:
    for action in actions:
        if action not in model.actions:
            file.note(f"`{action}` is no action of the order", *at, hint=f"one of {', '.join(model.actions)}")
