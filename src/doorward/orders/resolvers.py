"""resolvers.toml: where each fact of a request comes from, and what it can be at the database door."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from doorward.orders.pack import Agency
from doorward.orders.toml import Toml
from doorward.policy.facts import ENTITY_FACTS, FACT_TYPES, GRANT_PARAMETERS, Fact
from doorward.policy.vocabulary import Vocabulary

CLOCK = "context.now"  # a fact that no finite vocabulary holds; it needs its resolver like the others
COMPUTED = "context.process"
# Law 6: what anybody may state. A paper, a standing, a declaration, an emergency are never a claim.
CLAIMABLE = frozenset(
    (
        "context.purpose",
        "context.for_agency",
        "context.exigency_claimed",
        "context.initiative",
        "context.grant.place",
    )
)
_NAMED_WORDS = ("roles", "agencies", "purposes")


@dataclass(frozen=True, slots=True)
class Resolver:
    """Who sets a fact, in a sentence."""

    fact: str
    name: str
    says: str


def read_resolvers(
    file: Toml, *, roles: tuple[str, ...], agencies: Mapping[str, Agency], purposes: tuple[str, ...]
) -> tuple[dict[str, Resolver], Vocabulary]:
    """Return the resolver of each fact and the vocabulary of the database door; faults are noted in the file.

    Args:
        file: resolvers.toml.
        roles: Of the entity file.
        agencies: Of the entity file.
        purposes: The order's words.
    """
    named = {"roles": roles, "agencies": tuple(agencies), "purposes": purposes}
    file.refuse_others(("fact",))
    reader = _Reader(file, named, agencies)
    for key in file.table("fact"):
        reader.read(key)
    for path in (*FACT_TYPES, CLOCK):
        if path not in reader.resolvers:
            file.note(
                f"`{path}` has no resolver: a fact without one does not load",
                "fact",
                hint=f'[fact."{path}"] with `resolver`, `says` and `at_database`',
            )
    return reader.resolvers, Vocabulary(reader.words, reader.constants, reader.derived)


class _Reader:
    def __init__(
        self, file: Toml, named: Mapping[str, tuple[str, ...]], agencies: Mapping[str, Agency]
    ) -> None:
        self._file = file
        self._named = named
        self._agencies = agencies
        self.resolvers: dict[str, Resolver] = {}
        self.words: dict[str, tuple[Fact, ...]] = {}
        self.constants: dict[str, Fact] = {}
        self.derived: dict[str, tuple[str, Mapping[str, str]]] = {}

    def read(self, key: str) -> None:
        at = ("fact", key)
        self._file.refuse_others(("resolver", "says", "at_database"), *at)
        name, says = self._file.get(str, *at, "resolver"), self._file.get(str, *at, "says")
        covered = [path for path in (*FACT_TYPES, CLOCK) if path == key or path.startswith(f"{key}.")]
        if not covered:
            self._file.note(f"`{key}` is no fact of a request", *at)
        for path in covered:
            if path in self.resolvers:
                self._file.note(f"`{path}` has two resolvers; a fact has one", *at)
            if name == "claim" and path not in CLAIMABLE:
                self._file.note(f"`{path}` is nothing that anybody may state", *at, "resolver")
            if (name == "computed") != (path == COMPUTED):
                self._file.note(f"`{COMPUTED}`, and nothing else, is computed", *at, "resolver")
            self.resolvers[path] = Resolver(path, name, says)
            self._at_database(path, self._file.get(dict, *at, "at_database"), at)

    def _at_database(self, path: str, raw: Mapping[str, Any], at: tuple[str, ...]) -> None:
        match dict(raw):
            case {"words": words, **rest} if not rest:
                self._words(path, words, at)
            case {"value": value, **rest} if not rest and _is_of(path, value):
                self.constants[path] = value
            case {"absent": True, **rest} if not rest and path.startswith("context.papers."):
                self.constants[path] = "unknown" if path.endswith(".scope") else False
            case {"any": True, **rest} if not rest:
                pass
            case {"parameter": True, **rest} if not rest and path in GRANT_PARAMETERS:
                pass
            case {"follows": str(source), **rest} if rest.keys() <= {"by"}:
                self._follows(path, source, rest.get("by"), at)
            case _:
                self._file.note(f"`at_database` says nothing usable of `{path}`", *at, "at_database")

    def _words(self, path: str, words: object, at: tuple[str, ...]) -> None:
        if isinstance(words, str) and words in _NAMED_WORDS:
            found: tuple[Fact, ...] = self._named[words]
        elif isinstance(words, list) and words and all(_is_of(path, word) for word in words):
            found = tuple(words)
        else:
            self._file.note(
                f"the words of `{path}` must be {', '.join(_NAMED_WORDS)} or a list of its type",
                *at,
                "at_database",
            )
            return
        self.words[path] = found

    def _follows(self, path: str, source: str, by: object, at: tuple[str, ...]) -> None:
        kind = ENTITY_FACTS.get(source)
        if kind is None or source not in self.words or by not in {None, "party", "component"}:
            self._file.note(
                f"`{path}` must follow a role or an agency that stands above it", *at, "at_database"
            )
            return
        by_value = {str(value): str(value) for value in self.words[source]}
        if by is not None:
            by_value = {name: str(getattr(agency, str(by))) for name, agency in self._agencies.items()}
        self.derived[path] = (source, by_value)


def _is_of(path: str, value: object) -> bool:
    wanted = "bool" if FACT_TYPES.get(path) == "bool" else "str"
    return type(value).__name__ == wanted
