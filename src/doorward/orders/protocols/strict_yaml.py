"""A strict reading of YAML: mappings, lists and texts, each with its place. Nothing else of YAML gets in. Pure.

Refused, because a reviewer would not see what they do: a key that stands twice, anchors and aliases, tags, a second
document, keys that are no text, merge keys, and anything larger or deeper than a protocol is. A plain scalar stays the
text that stands there: `no` is "no" and `2026-01-01` is ten characters; the reader of a key says what it must be.

Source: YAML 1.1 as PyYAML's event stream has it; its constructors are not used.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from doorward.errors import ConfigError, Finding, PolicyCheckError, Span

_Event: TypeAlias = Any  # of PyYAML, which is imported late; told apart by name

MAX_BYTES: Final = 256 * 1024  # a protocol is 20 kB
MAX_NODES: Final = 20_000
MAX_DEPTH: Final = 12


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text; ``plain`` where it was written without quotes and not as a block."""

    text: str
    plain: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple["Node", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping; the place of each key beside its value."""

    entries: Mapping[str, "Node"]
    keys: Mapping[str, Span]
    span: Span


Node: TypeAlias = Scalar | Items | Table


def parse_yaml(file: str, text: str) -> Table:
    """Return the mapping that a text is.

    Args:
        file: Its name for messages.
        text: Nobody is trusted.

    Raises:
        PolicyCheckError: It is no YAML, or something that this reading refuses; one finding, with line and column.
        ConfigError: PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError as error:
        raise ConfigError("protocols need PyYAML", hint="pip install 'doorward[desk]'") from error
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise _refusal(f"the file is larger than {MAX_BYTES} bytes", Span(file, 1, 1))
    try:
        return _Builder(file, iter(yaml.parse(text, Loader=yaml.SafeLoader))).document()
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        column = error.position - (before.rfind("\n") + 1) + 1
        span = Span(file, before.count("\n") + 1, column)
        raise _refusal("this is no YAML: a character that may not stand here", span) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        span = Span(file, mark.line + 1, mark.column + 1) if mark else Span(file, 1, 1)
        said = " ".join(str(error.problem or error.context).split())
        raise _refusal(f"this is no YAML: {said}", span) from error


class _Builder:
    """Puts nodes together from PyYAML's events, of which it takes one at a time."""

    def __init__(self, file: str, events: Iterator[_Event]) -> None:
        self._file = file
        self._events = events
        self._nodes = 0

    def document(self) -> Table:
        self._next()  # the stream begins
        begin = self._next()
        if type(begin).__name__ == "StreamEndEvent":
            raise _refusal("the file is empty", Span(self._file, 1, 1))
        root = self._node(self._next(), 0)
        self._next()  # the document ends
        after = self._next()
        if type(after).__name__ != "StreamEndEvent":
            raise _refusal("a second document in one file", self._span(after))
        if not isinstance(root, Table):
            raise _refusal("the file must be a mapping of keys", root.span)
        return root

    def _node(self, event: _Event, depth: int) -> Node:
        span = self._span(event)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _refusal(f"the file has more than {MAX_NODES} values", span)
        if depth > MAX_DEPTH:
            raise _refusal(f"values stand more than {MAX_DEPTH} deep", span)
        kind = type(event).__name__
        if kind == "AliasEvent":
            raise _refusal(
                "an alias (`*`)", span, hint="write the value out, or put the step into a fragment"
            )
        if event.anchor is not None:
            raise _refusal(
                "an anchor (`&`)", span, hint="write the value out, or put the step into a fragment"
            )
        if event.tag is not None:
            raise _refusal("a tag (`!`)", span, hint="every value is a text, a list or a mapping")
        if kind == "ScalarEvent":
            return Scalar(event.value, event.style is None, span)
        if kind == "SequenceStartEvent":
            return Items(tuple(self._items(depth)), span)
        return self._table(span, depth)

    def _items(self, depth: int) -> Iterator[Node]:
        while True:
            event = self._next()
            if type(event).__name__ == "SequenceEndEvent":
                return
            yield self._node(event, depth + 1)

    def _table(self, span: Span, depth: int) -> Table:
        entries: dict[str, Node] = {}
        keys: dict[str, Span] = {}
        while True:
            event = self._next()
            if type(event).__name__ == "MappingEndEvent":
                return Table(entries, keys, span)
            key = self._node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise _refusal("a key that is no text", key.span)
            if key.plain and key.text == "<<":
                raise _refusal("a merge key (`<<`)", key.span)
            if key.text in entries:
                first = keys[key.text]
                raise _refusal(
                    f"the key `{key.text[:80]}` stands twice, first in line {first.line}", key.span
                )
            keys[key.text] = key.span
            entries[key.text] = self._node(self._next(), depth + 1)

    def _next(self) -> _Event:
        return next(self._events)

    def _span(self, event: _Event) -> Span:
        return Span(self._file, event.start_mark.line + 1, event.start_mark.column + 1)


def _refusal(message: str, span: Span, *, hint: str | None = None) -> PolicyCheckError:
    finding = Finding(message, span, hint)
    return PolicyCheckError(str(finding), findings=[finding], hint=hint)
