"""One mapping of a protocol file, read key by key; every fault is noted with its place. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from doorward.errors import Finding, Span
from doorward.orders.protocols.strict_yaml import Items, Node, Scalar, Table
from doorward.policy.request import Fact

Facts = dict[str, Fact]
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Said:
    """A text that people read, in English, and where it stands."""

    text: str
    span: Span


class Section:
    """A mapping and the list of faults that its file collects."""

    def __init__(self, table: Table, findings: list[Finding]) -> None:
        self._table = table
        self._findings = findings

    @property
    def span(self) -> Span:
        """Where it begins."""
        return self._table.span

    def at(self, key: str) -> Span:
        """Return where a key stands, or where the mapping begins."""
        return self._table.keys.get(key, self._table.span)

    def note(self, message: str, key: str | None = None, *, hint: str | None = None) -> None:
        """Add a fault at a key."""
        self._findings.append(Finding(message, self.span if key is None else self.at(key), hint))

    def has(self, key: str) -> bool:
        """Whether a key stands here."""
        return key in self._table.entries

    def refuse_others(self, *allowed: str) -> None:
        """Note every key that is none of these: a misspelt key must not be skipped."""
        for key in self._table.entries:
            if key not in allowed:
                self.note(f"unknown key `{key[:80]}`", key, hint=f"one of {', '.join(allowed)}")

    def text(self, key: str, *, default: str | None = None) -> str:
        """Return a text without line breaks; the key is required where there is no default."""
        node = self._table.entries.get(key)
        if node is None and default is not None:
            return default
        return self._scalar(node, key)

    def said(self, key: str) -> Said:
        """Return a text that people read, with its place."""
        return Said(self.text(key), self._place(self._table.entries.get(key)))

    def said_all(self, key: str) -> tuple[Said, ...]:
        """Return a list of texts that people read; empty where the key is missing."""
        return tuple(Said(self._scalar(node, key), node.span) for node in self._list(key))

    def name(self, key: str, *, default: str | None = None) -> str:
        """Return an id: small letters, digits and hyphens."""
        found = self.text(key, default=default)
        if found and not _NAME.fullmatch(found):
            self.note(f"`{found[:80]}` is no id", key, hint="small letters, digits and hyphens")
        return found

    def word(self, key: str, allowed: tuple[str, ...], *, default: str | None = None) -> str:
        """Return one of a few words."""
        found = self.text(key, default=default)
        if found not in allowed:
            self.note(f"`{found[:80]}` is none of {', '.join(allowed)}", key)
        return found

    def flag(self, key: str) -> bool:
        """Return whether a key says `true`; it may be missing."""
        return self.word(key, ("true", "false"), default="false") == "true"

    def date(self, key: str) -> date:
        """Return a date, written 2026-01-31."""
        found = self.text(key)
        try:
            return date.fromisoformat(found)
        except ValueError:
            self.note(f"`{found[:80]}` is no date", key, hint="written 2026-01-31")
            return date(1970, 1, 1)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; empty where the key is missing."""
        return tuple(self._scalar(node, key) for node in self._list(key))

    def words(self, key: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """Return a list of which each is one of a few words."""
        found = self.texts(key)
        for word in found:
            if word not in allowed:
                self.note(f"`{word[:80]}` is none of {', '.join(allowed)}", key)
        return found

    def sections(self, key: str) -> tuple["Section", ...]:
        """Return a list of mappings."""
        found = []
        for node in self._list(key):
            if isinstance(node, Table):
                found.append(Section(node, self._findings))
            else:
                self._findings.append(Finding(f"an entry of `{key}` must be a mapping", node.span))
        return tuple(found)

    def section(self, key: str) -> "Section":
        """Return a mapping; an empty one where the key is missing."""
        node = self._table.entries.get(key)
        if isinstance(node, Table):
            return Section(node, self._findings)
        if node is not None:
            self.note(f"`{key}` must be a mapping", key)
        return Section(Table({}, {}, self.at(key)), self._findings)

    def named(self, key: str) -> Iterator[tuple[str, "Section"]]:
        """Yield the mappings that stand under ids in a mapping."""
        inner = self.section(key)
        for name, node in inner._table.entries.items():  # noqa: SLF001  # another one of this class
            if not _NAME.fullmatch(name):
                inner.note(f"`{name[:80]}` is no id", name, hint="small letters, digits and hyphens")
            elif isinstance(node, Table):
                yield name, Section(node, self._findings)
            else:
                inner.note(f"`{name}` must be a mapping", name)

    def strings(self, key: str) -> dict[str, str]:
        """Return the texts that stand under keys in a mapping."""
        inner = self.section(key)
        return {name: inner.text(name) for name in inner._table.entries}  # noqa: SLF001  # as above

    def facts(self, key: str) -> tuple[Facts, ...]:
        """Return alternatives of facts: one mapping is one alternative; none at all is one without facts."""
        node = self._table.entries.get(key)
        if isinstance(node, Items):
            return tuple(inner._facts() for inner in self.sections(key)) or ({},)  # noqa: SLF001  # as above
        return (self.section(key)._facts(),)  # noqa: SLF001  # as above

    def _place(self, node: Node | None) -> Span:
        return self.span if node is None else node.span

    def _facts(self) -> Facts:
        found: Facts = {}
        for path, node in self._table.entries.items():
            text = self._scalar(node, path, empty=True)
            if isinstance(node, Scalar) and node.plain and text in {"true", "false"}:
                found[path] = text == "true"
            else:
                found[path] = text
        return found

    def _list(self, key: str) -> tuple[Node, ...]:
        node = self._table.entries.get(key)
        if node is None:
            return ()
        if isinstance(node, Items):
            return node.items
        self.note(f"`{key}` must be a list", key)
        return ()

    def _scalar(self, node: Node | None, key: str, *, empty: bool = False) -> str:
        if not isinstance(node, Scalar):
            got = "it is missing" if node is None else "it is something else"
            self.note(f"`{key}` must be a text; {got}", key)
            return ""
        text = node.text.strip()
        if "\n" in text or any(not sign.isprintable() for sign in text):
            self._findings.append(Finding(f"`{key}` must be one line of printable signs", node.span))
        if not text and not empty:
            self._findings.append(Finding(f"`{key}` is empty", node.span))
        return text
