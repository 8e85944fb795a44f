"""Rules over flat facts: one Python function from a row of named facts to the rules that apply.

The same trees as in `doorward.cedar.python`, for requests whose facts stand side by side under their paths
(``context.purpose``, ``principal.role``) and whose entities are plain ids, since the schema fixes their types. No
object is built for a request, and `in` is a lookup in a set that was made when the rules were compiled.

What has no flat form (a fact that is a set, a record as a whole) is refused (`Untranslatable`); the caller takes the
general form for it.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from doorward.cedar.entities import Entities
from doorward.cedar.guards import group_guards, keep_facts
from doorward.cedar.ir import Call, Expr, Get, Lit, MakeSet, Var, path_of
from doorward.cedar.lower import IN_FILE, Subject
from doorward.cedar.python import Writer, assign, build_function, name_of
from doorward.cedar.schema import Schema
from doorward.cedar.shapes import Untranslatable
from doorward.cedar.types import BOOL, EntityType, RecordType, SetType
from doorward.cedar.values import Uid, Value

SUBJECTS = ("principal", "resource")
COMPARING = frozenset(("==", "!=", "contains", "containsAll", "containsAny"))
Facts = Mapping[str, Any]  # a value of the type that the schema gives the path
FlatRules = Callable[[Facts, str, str], tuple[int, int]]


def compile_flat(
    conditions: Sequence[Expr], schema: Schema, entities: Entities, subjects: Mapping[str, Subject]
) -> FlatRules:
    """Return a function that gives two bit sets, as `doorward.cedar.python.compile_rules` does.

    It takes facts, the id of the principal and the id of the resource.

    Args:
        conditions: Resolved for one environment.
        schema: Of that environment.
        entities: The file; an entity of a fact is one of it.
        subjects: How principal and resource are known.

    Raises:
        Untranslatable: A condition has no flat form.
    """
    writer = FlatWriter(schema=schema, entities=entities, subjects=subjects)
    body = [assign("applies", ast.Constant(0)), assign("failed", ast.Constant(0))]
    pure = []
    for number, condition in enumerate(conditions):
        if condition.errs or condition.type != BOOL:
            body.append(writer.rule(condition, 1 << number))
        else:
            pure.append((writer.bool(condition), 1 << number))
    body = keep_facts([*body, *group_guards(pure, "applies")], "facts")
    body.append(ast.Return(ast.Tuple([name_of("applies"), name_of("failed")], ast.Load())))
    return build_function("rules", ("facts", *SUBJECTS), body, writer.held)


def compile_fact(expression: Expr, schema: Schema, entities: Entities) -> Callable[[Facts], Any]:
    """Return a function that computes one fact from others; raises as `compile_flat`."""
    writer = FlatWriter(schema=schema, entities=entities, subjects={})
    body: list[ast.stmt] = [ast.Return(writer.write(expression))]
    return build_function("fact", ("facts",), body, writer.held)


@dataclass(slots=True)
class FlatWriter(Writer):
    """Writes resolved expressions over flat facts."""

    schema: Schema = field(default_factory=lambda: Schema({}, {}))
    entities: Entities = field(default_factory=dict)
    subjects: Mapping[str, Subject] = field(default_factory=dict)

    def constant(self, value: Value) -> ast.expr:
        """Return a constant; an entity is its id."""
        return Writer.constant(self, self.plain(value))

    def plain(self, value: Value) -> Value:
        """As in `Writer`."""
        return value.id if isinstance(value, Uid) else value

    def write(self, node: Expr) -> ast.expr:
        """As in `Writer`."""
        match node:
            case Var(name=("principal" | "resource") as name):
                if name not in self.subjects:
                    raise Untranslatable(f"the {name} itself", node.at)
                known = self.subjects[name].uid
                return name_of(name) if known is None else ast.Constant(known.id)
            case Var():
                raise Untranslatable("the whole context as one value", node.at)
            case Get():
                return self._attribute(node)
            case Call(function="in"):
                return self._membership(node)
            case Call(function=("getTag" | "hasTag") as name):
                raise Untranslatable(f"`{name}`", node.at)
            case _ if isinstance(node.type, SetType) and not isinstance(node, MakeSet | Lit):
                raise Untranslatable("a fact that is a set", node.at)
            case Call(function=name) if name in COMPARING and not _alike(node):
                raise Untranslatable("a comparison of entities whose types differ", node.at)
            case _:
                return Writer.write(self, node)

    def _attribute(self, node: Get) -> ast.expr:
        if node.errs or isinstance(node.type, RecordType | SetType | None):
            raise Untranslatable(f"`{node.name}` as one value", node.at)
        path = path_of(node)
        base = node.base.type
        if path is not None and isinstance(base, RecordType):
            return self._fact(path)
        if path is not None and isinstance(node.base, Var) and self._comes_with_request(node.base):
            return self._fact(path)
        if isinstance(base, EntityType):
            table = self._table(base.name, node.name)
            return ast.Subscript(table, self.write(node.base), ast.Load())
        raise Untranslatable(f"`{node.name}` of something that is no fact", node.at)

    def _fact(self, path: str) -> ast.expr:
        return ast.Subscript(name_of("facts"), ast.Constant(path), ast.Load())

    def _comes_with_request(self, node: Var) -> bool:
        return self.subjects.get(node.name, IN_FILE).comes_with_request

    def _table(self, kind: str, name: str) -> ast.expr:
        """Return a dictionary of an attribute by entity id."""
        held = {uid.id: found.attributes[name] for uid, found in self.entities.items() if uid.type == kind}
        plain = {key: value.id if isinstance(value, Uid) else value for key, value in held.items()}
        return self.hold(f"attribute_{len(self.held)}", plain)

    def _membership(self, node: Call) -> ast.expr:
        left, right = node.arguments
        assert isinstance(left.type, EntityType)
        targets = right.elements if isinstance(right, MakeSet) else (right,)
        literal = frozenset(t.value for t in targets if isinstance(t, Lit) and isinstance(t.value, Uid))
        if len(literal) < len(targets):
            raise Untranslatable("`in` something that is not named", node.at)
        subject = self.subjects.get(left.name, IN_FILE) if isinstance(left, Var) else IN_FILE
        if not subject.comes_with_request:
            return self._one_of(self.write(left), self._inside(left.type.name, literal))
        assert isinstance(left, Var)
        ways = [self._one_of(self.write(left), {uid.id for uid in literal if uid.type == left.type.name})]
        attributes = self.schema.entities[left.type.name].attributes
        for name in subject.parents:
            found = attributes.field(name)
            assert found is not None
            assert isinstance(found.type, EntityType)
            ways.append(
                self._one_of(self._fact(f"{left.name}.{name}"), self._inside(found.type.name, literal))
            )
        possible = [way for way in ways if not isinstance(way, ast.Constant)]
        if not possible:
            return ast.Constant(False)  # noqa: FBT003  # the constant itself
        return possible[0] if len(possible) == 1 else ast.BoolOp(ast.Or(), possible)

    def _inside(self, kind: str, targets: frozenset[Uid]) -> set[str]:
        inside = {
            u.id
            for u, found in self.entities.items()
            if u.type == kind and not found.above.isdisjoint(targets)
        }
        return inside | {uid.id for uid in targets if uid.type == kind}

    def _one_of(self, written: ast.expr, ids: set[str]) -> ast.expr:
        if not ids:
            return ast.Constant(False)  # noqa: FBT003  # as above
        if len(ids) == 1:
            return ast.Compare(written, [ast.Eq()], [ast.Constant(next(iter(ids)))])
        return ast.Compare(written, [ast.In()], [self.hold_set(frozenset(ids))])


def _alike(node: Call) -> bool:
    """Return whether ids can stand for the entities that are compared: all are of one type."""
    kinds = {kind.element if isinstance(kind, SetType) else kind for kind in (a.type for a in node.arguments)}
    return None not in kinds and (len(kinds) == 1 or not any(isinstance(kind, EntityType) for kind in kinds))
