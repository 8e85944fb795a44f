"""Random cases of Cedar: sets of policies over one of three schemas, entities with holes, requests.

Policies are written by type, so that most validate; now and then a part of another type is put in, an optional
attribute is read unguarded, an entity is not there, a number is at the edge of 64 bits. Texts hold what SQL and
patterns treat apart.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from doorward.cedar.conformance import Answer
from doorward.cedar.corpus import Case, Question
from doorward.cedar.est import read_rules
from doorward.cedar.scan import scan
from doorward.cedar.targets import Engine

Draw = Callable[[st.SearchStrategy[Any]], Any]
TEXTS = ("", "a", "b%", "b_", "B", "ä", "a'b", 'q"q', "\\", "😀", "a*b", "a\nb", "public")
NUMBERS = (0, 1, -1, 5, 7, 2**63 - 1, -(2**63), 2**62, 10**9)
IPS = ("10.0.0.1", "10.0.0.0/8", "127.0.0.1", "::1", "ff02::1/16", "192.168.1.7/24", "224.1.2.3")
MOMENTS = ("1970-01-01", "1969-12-31T23:59:59.999Z", "2026-03-01T12:00:00Z", "2026-03-01T00:30:00+0100")
LENGTHS = ("0ms", "1d", "-1h30m", "86400000ms", "9223372036854775807ms")
DECIMALS = ("0.0", "1.5", "-1.5", "922337203685477.5807", "0.0001")


@dataclass(frozen=True)
class World:
    """A schema and what may be written over it.

    Args:
        paths: Expressions by the type that they have: (text, guard or None).
        entities: Ids by entity type.
        literals: Further expressions by type.
    """

    schema: str
    principal: str
    action: str
    resource: str
    paths: Mapping[str, tuple[tuple[str, str | None], ...]]
    ids: Mapping[str, tuple[str, ...]]
    parents: Mapping[str, tuple[str, ...]]
    attributes: Mapping[str, Mapping[str, tuple[str, bool]]]
    context: Mapping[str, tuple[str, bool]]
    tags: Mapping[str, str]


LIBRARY = World(
    schema="""
    entity Group in [Group];
    entity User in [Group] = {
      name: String, age: Long, boss?: User, home: {street: String, no?: Long}, clubs: Set<Group>,
    } tags String;
    entity Doc in [Folder] = { owner: User, level: Long, labels: Set<String>, secret?: Bool } tags Long;
    entity Folder in [Folder];
    action read, write in [all] appliesTo { principal: [User], resource: [Doc], context: {
      n: Long, m?: Long, flag: Bool, word: String, words: Set<String>, who: User, from: ipaddr, at: datetime,
      held: duration, amount: decimal, pairs: Set<{a: Long, b: String}>, sets: Set<Set<Long>>,
    } };
    action all;
    """,
    principal="User",
    action="read",
    resource="Doc",
    paths={
        "Bool": (("context.flag", None), ("resource.secret", "resource has secret")),
        "Long": (
            ("context.n", None),
            ("context.m", "context has m"),
            ("principal.age", None),
            ("resource.level", None),
            ("resource.owner.age", None),
            ("principal.home.no", "principal.home has no"),
            ('resource.getTag("t")', 'resource.hasTag("t")'),
            ("context.held.toSeconds()", None),
            ("principal.boss.age", "principal has boss"),
        ),
        "String": (
            ("context.word", None),
            ("principal.name", None),
            ("resource.owner.name", None),
            ("principal.home.street", None),
            ("principal.getTag(context.word)", "principal.hasTag(context.word)"),
            ("principal.boss.name", "principal has boss"),
        ),
        "User": (
            ("principal", None),
            ("resource.owner", None),
            ("context.who", None),
            ("principal.boss", "principal has boss"),
        ),
        "Doc": (("resource", None),),
        "Set<String>": (("context.words", None), ("resource.labels", None)),
        "Set<Group>": (("principal.clubs", None), ("context.who.clubs", None)),
        "ip": (("context.from", None),),
        "datetime": (
            ("context.at", None),
            ("context.at.offset(context.held)", None),
            ("context.at.toDate()", None),
        ),
        "duration": (("context.held", None), ("context.at.toTime()", None)),
        "decimal": (("context.amount", None),),
        "Set<{a: Long, b: String}>": (("context.pairs", None),),
        "Set<Set<Long>>": (("context.sets", None),),
    },
    ids={
        "User": ("u1", "u2", "ü'3", "gone"),
        "Group": ("g1", "g2", "g3"),
        "Doc": ("d1", "d2"),
        "Folder": ("f1", "f2"),
    },
    parents={"User": ("Group",), "Group": ("Group",), "Doc": ("Folder",), "Folder": ("Folder",)},
    attributes={
        "User": {
            "name": ("String", True),
            "age": ("Long", True),
            "boss": ("User", False),
            "home": ("home", True),
            "clubs": ("Set<Group>", True),
        },
        "Doc": {
            "owner": ("User", True),
            "level": ("Long", True),
            "labels": ("Set<String>", True),
            "secret": ("Bool", False),
        },
        "Group": {},
        "Folder": {},
    },
    context={
        "n": ("Long", True),
        "m": ("Long", False),
        "flag": ("Bool", True),
        "word": ("String", True),
        "words": ("Set<String>", True),
        "who": ("User", True),
        "from": ("ip", True),
        "at": ("datetime", True),
        "held": ("duration", True),
        "amount": ("decimal", True),
        "pairs": ("Set<{a: Long, b: String}>", True),
        "sets": ("Set<Set<Long>>", True),
    },
    tags={"User": "String", "Doc": "Long"},
)

CLINIC = World(
    schema="""
    namespace Clinic {
      entity Ward in [Ward];
      entity Level enum ["low", "high"];
      entity Nurse in [Ward] = { grade: Long, at: Ward, lead?: Bool, skills: Set<String> };
      entity Chart in [Ward] = { level: Level, by: Nurse, note?: String, size: Long } tags Set<String>;
      action look appliesTo { principal: [Nurse], resource: [Chart], context: { why: String, n: Long, level: Level } };
    }
    """,
    principal="Clinic::Nurse",
    action="look",
    resource="Clinic::Chart",
    paths={
        "Bool": (("principal.lead", "principal has lead"),),
        "Long": (
            ("principal.grade", None),
            ("resource.size", None),
            ("context.n", None),
            ("resource.by.grade", None),
        ),
        "String": (("context.why", None), ("resource.note", "resource has note")),
        "Clinic::Nurse": (("principal", None), ("resource.by", None)),
        "Clinic::Ward": (("principal.at", None), ("resource.by.at", None)),
        "Clinic::Level": (("resource.level", None), ("context.level", None)),
        "Clinic::Chart": (("resource", None),),
        "Set<String>": (("principal.skills", None), ('resource.getTag("s")', 'resource.hasTag("s")')),
    },
    ids={
        "Clinic::Nurse": ("n1", "n2"),
        "Clinic::Ward": ("w1", "w2", "w3"),
        "Clinic::Chart": ("c1", "c2"),
        "Clinic::Level": ("low", "high"),
    },
    parents={
        "Clinic::Nurse": ("Clinic::Ward",),
        "Clinic::Ward": ("Clinic::Ward",),
        "Clinic::Chart": ("Clinic::Ward",),
    },
    attributes={
        "Clinic::Nurse": {
            "grade": ("Long", True),
            "at": ("Clinic::Ward", True),
            "lead": ("Bool", False),
            "skills": ("Set<String>", True),
        },
        "Clinic::Chart": {
            "level": ("Clinic::Level", True),
            "by": ("Clinic::Nurse", True),
            "note": ("String", False),
            "size": ("Long", True),
        },
        "Clinic::Ward": {},
        "Clinic::Level": {},
    },
    context={"why": ("String", True), "n": ("Long", True), "level": ("Clinic::Level", True)},
    tags={"Clinic::Chart": "Set<String>"},
)

DOOR = World(
    schema="""
    entity Kind in [Kind]; entity Agency in [Kind] = { party: String, rank: Long };
    entity Person in [Agency] = { agency: Agency, stars: Long };
    entity Row = { sealed: Bool, case_no: String, n: Long, unit?: String };
    action see appliesTo { principal: [Person], resource: [Row], context: {
      agency: Agency, purpose: String,
      papers: { court: { seen: Bool, scope: String }, other: { seen: Bool, scope: String } },
    } };
    """,
    principal="Person",
    action="see",
    resource="Row",
    paths={
        "Bool": (
            ("resource.sealed", None),
            ("context.papers.court.seen", None),
            ("context.papers.other.seen", None),
        ),
        "Long": (("principal.stars", None), ("resource.n", None), ("context.agency.rank", None)),
        "String": (
            ("context.purpose", None),
            ("context.papers.court.scope", None),
            ("resource.case_no", None),
            ("resource.unit", "resource has unit"),
            ("context.agency.party", None),
        ),
        "Agency": (("context.agency", None), ("principal.agency", None)),
        "Person": (("principal", None),),
        "Row": (("resource", None),),
        "papers": (("context.papers.court", None), ("context.papers.other", None)),
    },
    ids={"Kind": ("k1", "k2"), "Agency": ("a1", "a2", "a3"), "Person": ("p1", "p2"), "Row": ("r1",)},
    parents={"Kind": ("Kind",), "Agency": ("Kind",), "Person": ("Agency",)},
    attributes={
        "Kind": {},
        "Agency": {"party": ("String", True), "rank": ("Long", True)},
        "Person": {"agency": ("Agency", True), "stars": ("Long", True)},
        "Row": {
            "sealed": ("Bool", True),
            "case_no": ("String", True),
            "n": ("Long", True),
            "unit": ("String", False),
        },
    },
    context={"agency": ("Agency", True), "purpose": ("String", True), "papers": ("paperset", True)},
    tags={},
)

WORLDS = (LIBRARY, CLINIC, DOOR)


def quote(text: str) -> str:
    """Return a text as a Cedar literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def values(world: World, kind: str) -> st.SearchStrategy[Any]:
    """Return JSON values of a type."""
    records = {
        "home": st.fixed_dictionaries({"street": values_of(TEXTS)}, optional={"no": values_of(NUMBERS)}),
        "papers": st.fixed_dictionaries({"seen": st.booleans(), "scope": values_of(("in", "out"))}),
        "{a: Long, b: String}": st.fixed_dictionaries({"a": values_of((1, 2)), "b": values_of(("x", "y"))}),
    }
    match kind:
        case "Bool":
            return st.booleans()
        case "Long":
            return values_of(NUMBERS) | st.integers(-9, 9)
        case "String":
            return values_of(TEXTS)
        case "ip" | "datetime" | "duration" | "decimal":
            texts = {"ip": IPS, "datetime": MOMENTS, "duration": LENGTHS, "decimal": DECIMALS}[kind]
            return values_of(texts).map(lambda text: {"__extn": {"fn": kind, "arg": text}})
        case "paperset":
            return st.fixed_dictionaries({"court": records["papers"], "other": records["papers"]})
        case _ if kind in records:
            return records[kind]
        case _ if kind.startswith("Set<"):
            inner = kind.removeprefix("Set<").removesuffix(">")
            return st.lists(values(world, inner), max_size=3)
        case _:
            return values_of(world.ids[kind]).map(lambda name: {"__entity": {"type": kind, "id": name}})


def values_of(choices: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """Return one of some values."""
    return st.sampled_from(choices)


@dataclass
class Writer:
    """Writes expressions of a world by type."""

    world: World
    draw: Draw

    def one_of(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def chance(self, percent: int) -> bool:
        return bool(self.draw(st.integers(1, 100)) <= percent)

    def write(self, kind: str, depth: int) -> str:
        """Return an expression of a type; once in a while of another one."""
        if self.chance(3):
            kind = self.one_of("Bool", "Long", "String", "Set<String>")
        if depth > 0 and self.chance(12):
            condition, then, otherwise = (
                self.write("Bool", depth - 1),
                self.write(kind, depth - 1),
                self.write(kind, depth - 1),
            )
            return f"(if {condition} then {then} else {otherwise})"
        known = self.world.paths.get(kind, ())
        if kind == "Bool" and depth > 0 and not self.chance(15):
            return self.bool(depth - 1)
        if kind == "Long" and depth > 0 and self.chance(30):
            return f"({self.write('Long', depth - 1)} {self.one_of('+', '-', '*')} {self.write('Long', depth - 1)})"
        if known and self.chance(75):
            path, guard = self.one_of(*known)
            if guard is not None and kind == "Bool":
                return f"({guard} && {path})"
            return str(path)
        return self.literal(kind, depth)

    def literal(self, kind: str, depth: int) -> str:
        texts = {"ip": IPS, "datetime": MOMENTS, "duration": LENGTHS, "decimal": DECIMALS}
        match kind:
            case "Bool":
                return str(self.one_of("true", "false"))
            case "Long":
                number = self.one_of(*NUMBERS)
                return str(number) if number >= 0 else f"({number})"
            case "String":
                return quote(self.one_of(*TEXTS))
            case _ if kind in texts:
                return f"{kind}({quote(self.one_of(*texts[kind]))})"
            case "Set<Set<Long>>":
                return str(self.one_of("[[1], [2, 1]]", "[[1, 1, 2]]", "[[context.n]]"))
            case "Set<{a: Long, b: String}>":
                return str(self.one_of('[{a: 1, b: "x"}]', '[{b: "y", a: 2}, {a: 1, b: "x"}]'))
            case "{a: Long, b: String}":
                return str(self.one_of('{a: 1, b: "x"}', '{b: "y", a: 2}', "{a: context.n, b: context.word}"))
            case "papers":
                return str(self.one_of('{seen: true, scope: "in"}', "{scope: context.purpose, seen: false}"))
            case _ if kind.startswith("Set<"):
                inner = kind.removeprefix("Set<").removesuffix(">")
                parts = [self.write(inner, max(depth - 1, 0)) for _ in range(self.one_of(1, 2, 3))]
                return f"[{', '.join(parts)}]"
            case _:
                return f"{kind}::{quote(self.one_of(*self.world.ids[kind]))}"

    def bool(self, depth: int) -> str:
        def w(kind: str) -> str:
            return self.write(kind, depth)

        kinds = [kind for kind in self.world.paths if kind != "Bool"]
        entities = [kind for kind in kinds if kind in self.world.ids]
        sets = [kind for kind in kinds if kind.startswith("Set<")]
        form = self.one_of(
            "and", "and", "or", "or", "not", "same", "same", "less", "in", "in", "like", "is", "guarded", "set", "set",
            "ip", "decimal",
        )  # fmt: skip
        match form:
            case "and":
                return f"({w('Bool')} && {w('Bool')})"
            case "or":
                return f"({w('Bool')} || {w('Bool')})"
            case "not":
                return f"!({w('Bool')})"
            case "same":
                kind = self.one_of(*kinds)
                return f"({w(kind)} {self.one_of('==', '!=')} {w(kind)})"
            case "less":
                kind = self.one_of("Long", "Long", *(k for k in kinds if k in {"datetime", "duration"}))
                return f"({w(kind)} {self.one_of('<', '<=', '>', '>=')} {w(kind)})"
            case "in":
                return self.membership(entities, depth)
            case "like":
                return f"({w('String')} like {quote(self.one_of('a*', '*', 'b%', '*%*', '', '*a*b*'))})"
            case "is":
                return f"({w(self.one_of(*entities))} is {self.one_of(*entities)})"
            case "guarded":
                guarded = [(p, g, kind) for kind, paths in self.world.paths.items() for p, g in paths if g]
                path, guard, kind = self.one_of(*guarded) if guarded else ("true", "true", "Bool")
                return f"({guard} && {path} == {w(kind)})"
            case "set" if sets:
                kind = self.one_of(*sets)
                inner = kind.removeprefix("Set<").removesuffix(">")
                method = self.one_of("contains", "containsAll", "containsAny", "isEmpty")
                argument = "" if method == "isEmpty" else w(inner if method == "contains" else kind)
                return f"{w(kind)}.{method}({argument})"
            case "ip" if "ip" in kinds:
                method = self.one_of("isIpv4", "isIpv6", "isLoopback", "isMulticast", "isInRange")
                return f"{w('ip')}.{method}({w('ip') if method == 'isInRange' else ''})"
            case "decimal" if "decimal" in kinds:
                return f"{w('decimal')}.{self.one_of('lessThan', 'greaterThanOrEqual')}({w('decimal')})"
            case _:
                return str(self.one_of("true", "false"))

    def membership(self, entities: list[str], depth: int) -> str:
        kind = self.one_of(*entities)
        above = self.one_of(kind, *self.world.parents.get(kind, ()))
        if self.chance(30) and f"Set<{above}>" in self.world.paths:
            return f"({self.write(kind, depth)} in {self.write(f'Set<{above}>', depth)})"
        if self.chance(30):
            return f"({self.write(kind, depth)} in [{self.literal(above, 0)}, {self.write(above, depth)}])"
        return f"({self.write(kind, depth)} in {self.write(above, depth)})"

    def policy(self) -> str:
        world = self.world
        effect = self.one_of("permit", "permit", "forbid")
        namespace = world.principal.rpartition("::")[0]
        action = f'{namespace + "::" if namespace else ""}Action::"{world.action}"'
        head = [
            self.one_of(
                "principal",
                "principal",
                f"principal is {world.principal}",
                self.scope("principal", world.principal),
            ),
            self.one_of("action", f"action == {action}", f"action in [{action}]"),
            self.one_of("resource", "resource", self.scope("resource", world.resource)),
        ]
        clauses = "".join(
            f"\n{self.one_of('when', 'when', 'unless')} {{ {self.write('Bool', self.one_of(1, 2, 3))} }}"
            for _ in range(self.one_of(0, 1, 1, 2))
        )
        return f"{effect} ({', '.join(head)}){clauses};"

    def scope(self, name: str, kind: str) -> str:
        above = self.one_of(kind, *self.world.parents.get(kind, ()))
        literal = f"{above}::{quote(self.one_of(*self.world.ids[above]))}"
        return str(
            self.one_of(
                f"{name} in {literal}",
                f"{name} is {kind} in {literal}",
                f"{name} == {kind}::{quote(self.one_of(*self.world.ids[kind]))}",
            )
        )


@st.composite
def cases(draw: Draw, *, policies: int = 5, requests: int = 4, world: World | None = None) -> Case:
    """Return a case with the engine's own answers."""
    chosen = world or draw(st.sampled_from(WORLDS))
    writer = Writer(chosen, draw)
    text = "\n".join(writer.policy() for _ in range(draw(st.integers(1, policies))))
    entities = [found for kind, ids in chosen.ids.items() for found in _entities(draw, chosen, kind, ids)]
    raw = [_request(draw, chosen) for _ in range(draw(st.integers(1, requests)))]
    unanswered = Case(
        "case",
        text,
        chosen.schema,
        entities,
        validates=True,
        questions=tuple(Question(one, "", (), ()) for one in raw),
    )
    answers = Engine().decide(unanswered, read_rules(scan("case", text)))
    questions = []
    for one, given in zip(raw, answers, strict=True):
        assert isinstance(given, Answer), f"{given}\n{text}\n{json.dumps(one)}"
        questions.append(Question(one, given.decision, given.reasons, given.errors))
    return Case("case", text, chosen.schema, entities, validates=True, questions=tuple(questions))


def _entities(draw: Draw, world: World, kind: str, ids: tuple[str, ...]) -> list[dict[str, Any]]:
    found = []
    for number, name in enumerate(ids):
        if name == "gone" or kind == "Clinic::Level":
            continue
        attributes = {}
        for attribute, (of, required) in world.attributes[kind].items():
            if required or draw(st.booleans()):
                attributes[attribute] = draw(values(world, of))
        # Only upward in the list, so that nothing is in itself.
        above = [
            {"type": parent, "id": up}
            for parent in world.parents.get(kind, ())
            for at, up in enumerate(world.ids[parent])
            if (parent != kind or at > number) and draw(st.booleans())
        ]
        entity = {"uid": {"type": kind, "id": name}, "attrs": attributes, "parents": above}
        if kind in world.tags and draw(st.booleans()):
            entity["tags"] = {draw(values_of(("t", "s", "a"))): draw(values(world, world.tags[kind]))}
        found.append(entity)
    return found


def _request(draw: Draw, world: World) -> dict[str, Any]:
    namespace = world.principal.rpartition("::")[0]
    context = {
        name: draw(values(world, kind))
        for name, (kind, required) in world.context.items()
        if required or draw(st.booleans())
    }
    return {
        "principal": {"type": world.principal, "id": draw(values_of(world.ids[world.principal]))},
        "action": {"type": f"{namespace}::Action" if namespace else "Action", "id": world.action},
        "resource": {"type": world.resource, "id": draw(values_of(world.ids[world.resource]))},
        "context": context,
    }
