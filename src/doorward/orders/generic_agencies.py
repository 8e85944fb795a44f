"""The section `[agencies]` of reasons.toml: which entity of the order stands for an agency that its file does not name.

::

    [agencies]
    generic = [                                  # the first rule that is true gives the entity
      { own = true, id = "CPD" },
      { level = "federal", id = "FEDERAL" },
      { state = "IL", kind = ["PD", "CAMPUS"], id = "IL-PD" },
      { state = "IL", id = "unknown" },          # `unknown`: the order has no entity for it, so nobody can tell
      { level = ["local", "state"], declared = true, id = "OUT-OF-STATE-DECLARED" },
      { level = ["local", "state"], id = "OUT-OF-STATE" },
    ]
    [agencies.within]                            # of two that a name holds the part is meant, not the whole
    USBP = "CBP"
    [agencies.also]                              # other names of an entity
    USBP = ["office of border patrol"]

A rule is read with three values. What is not known of an agency makes a condition neither true nor false; from there on
nothing is certain, and every entity that it could still be is named.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from doorward.errors import PolicyCheckError
from doorward.orders.pack import Pack
from doorward.orders.toml import Toml
from doorward.policy.request import UNKNOWN

FILE: Final = "reasons.toml"
SECTION: Final = "agencies"
KEYS: Final = ("generic", "within", "also")
EITHER: Final = "state-or-local"
WORDS: Final = ("level", "state", "kind")
FACTS: Final = ("own", "declared")


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of an agency.

    Args:
        level: federal, state, local, tribal, or state-or-local where it is one of the two; empty where not known.
        state: Two letters; empty where not known.
        kind: PD, SO, DA ...; empty where not known.
        own: Whether it is the order's own; None where not known.
        declared: Whether a declaration was on file at the time; None where nobody has said.
    """

    level: str = ""
    state: str = ""
    kind: str = ""
    own: bool | None = None
    declared: bool | None = None


@dataclass(frozen=True, slots=True)
class GenericRule:
    """One rule: its conditions, all of which must hold, and the entity."""

    id: str
    words: Mapping[str, tuple[str, ...]]
    facts: Mapping[str, bool]

    def holds(self, traits: Traits) -> bool | None:
        """Return whether it holds, or None where that cannot be told."""
        values: list[bool | None] = []
        for name, allowed in self.words.items():
            value: str = getattr(traits, name)
            # A federal agency is of no state; a state written in its name is where its office is.
            if name == "state" and traits.level == "federal":
                values.append(False)
            elif value == EITHER:
                values.append(_all_or_none(one in allowed for one in ("state", "local")))
            else:
                values.append(value in allowed if value else None)
        for name, wanted in self.facts.items():
            fact: bool | None = getattr(traits, name)
            values.append(None if fact is None else fact is wanted)
        return False if False in values else None if None in values else True


def _all_or_none(held: Iterable[bool]) -> bool | None:
    found = set(held)
    return None if len(found) > 1 else found.pop()


@dataclass(frozen=True, slots=True)
class GenericAgencies:
    """The section, read; empty where the order has none: then only agencies that the entity file names are known."""

    rules: tuple[GenericRule, ...] = ()
    within: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, traits: Traits) -> tuple[str | None, tuple[str, ...]]:
        """Return the entity, or None, and all that it can be: empty where it can be any."""
        may_be: list[str] = []
        for rule in self.rules:
            held = rule.holds(traits)
            if held is False:
                continue
            if rule.id == UNKNOWN:
                return None, ()
            may_be.append(rule.id)
            if held:
                return (rule.id if len(may_be) == 1 else None), tuple(dict.fromkeys(may_be))
        return None, ()


def read_generic_agencies(pack: Pack) -> GenericAgencies:
    """Return the section of a pack, empty where it has none.

    Raises:
        PolicyCheckError: The section is not as above, or names an agency that the entity file does not have.
    """
    text = pack.files.get(FILE)
    if text is None:
        return GenericAgencies()
    toml = Toml(FILE, text)
    if SECTION not in toml.data:
        return GenericAgencies()
    toml.refuse_others(KEYS, SECTION)
    known = frozenset(pack.agencies)
    rules = tuple(
        rule
        for number, row in enumerate(toml.get(list, SECTION, "generic", default=[]))
        if (rule := _read_rule(toml, number, row, known)) is not None
    )
    within = {
        part: whole
        for part, whole in toml.get(dict, SECTION, "within", default={}).items()
        if _known(toml, known, part, whole)
    }
    also = {
        name: tuple(str(other) for other in others)
        for name, others in toml.get(dict, SECTION, "also", default={}).items()
        if _known(toml, known, name) and _is_texts(toml, name, others)
    }
    if toml.findings:
        raise PolicyCheckError(f"`[{SECTION}]` of {FILE} has faults", findings=toml.findings)
    return GenericAgencies(rules, within, also)


def _read_rule(toml: Toml, number: int, row: object, known: frozenset[str]) -> GenericRule | None:
    where = f"rule {number + 1} of `{SECTION}.generic`"
    if not isinstance(row, dict):
        toml.note(f"{where} must be a table", SECTION, "generic")
        return None
    for key in row:
        if key not in {"id", *WORDS, *FACTS}:
            toml.note(f"{where} has the unknown key `{key}`", SECTION, "generic")
    entity = row.get("id")
    if not isinstance(entity, str) or entity not in known:
        toml.note(f"{where} needs an `id` that the entity file has", SECTION, "generic")
        return None
    words: dict[str, tuple[str, ...]] = {}
    for key in WORDS:
        texts = _texts(row.get(key, []))
        if texts is None:
            toml.note(f"`{key}` in {where} must be a text or a list of texts", SECTION, "generic")
        elif texts:
            words[key] = texts
    facts: dict[str, bool] = {}
    for key in FACTS:
        if key in row and not isinstance(row[key], bool):
            toml.note(f"`{key}` in {where} must be true or false", SECTION, "generic")
        elif key in row:
            facts[key] = row[key]
    return GenericRule(entity, words, facts)


def _texts(value: Any) -> tuple[str, ...] | None:  # noqa: ANN401  # TOML is checked here
    values: Sequence[Any] = (
        [value] if isinstance(value, str) else value if isinstance(value, list) else [None]
    )
    return tuple(values) if all(isinstance(one, str) and one for one in values) else None


def _is_texts(toml: Toml, name: str, value: object) -> bool:
    if isinstance(value, list) and value and all(isinstance(one, str) and one for one in value):
        return True
    toml.note(f"`{name}` in `{SECTION}.also` must be a list of names", SECTION, "also")
    return False


def _known(toml: Toml, known: frozenset[str], *ids: object) -> bool:
    missing = [one for one in ids if not isinstance(one, str) or one not in known]
    for one in missing:
        toml.note(f"`{SECTION}` names `{one}`, which the entity file does not have", SECTION)
    return not missing
