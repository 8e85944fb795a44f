"""A protocol drawn as text: its first screen, then a tree of its decisions. Pure.

A step that several ways reach is drawn once; elsewhere an arrow names it.
"""

from collections.abc import Iterator

from doorward.orders.protocols.catalog import Catalog
from doorward.orders.protocols.model import Protocols, Showing, Step

UNREVIEWED = "(not reviewed) "


class _Drawer:
    def __init__(self, protocols: Protocols, showing: Showing, catalog: Catalog | None) -> None:
        self.protocols, self.showing, self.catalog = protocols, showing, catalog
        self.drawn: set[str] = set()

    def said(self, english: str) -> str:
        if self.catalog is None:
            return english
        mark = "" if self.catalog.is_reviewed(english) else UNREVIEWED
        return f"{mark}{self.catalog.text(english)}"

    def called(self, call: tuple[str, ...]) -> str:
        frame, tenant = self.protocols.frame, self.showing.tenant
        labels = []
        for name in call:
            contact, answering = frame.contacts.get(name), tenant.contacts.get(name)
            if contact is None:
                labels.append(f"{name} (no contact)")
                continue
            phone = contact.phone or (answering.phone if answering else None)
            number = phone or ("number of the building" if contact.site else "no number")
            labels.append(f"{self.said(contact.label.text)} ({number})")
        return ", else ".join(labels)

    def first(self) -> Iterator[str]:
        protocol, adoption = self.showing.protocol, self.showing.adoption
        yield f"{self.said(self.showing.place.name.text)}, {self.showing.tenant.name}"
        if adoption is None:
            yield "no protocol adopted: its own office decides"
        else:
            yield f"protocol {protocol.id}, adopted by {adoption.by} on {adoption.on}: {adoption.act}"
        yield f"record: {self.said(self.showing.record.title.text)}, {len(self.showing.record.fields)} fields"
        yield ""
        yield f"FIRST  {self.said(protocol.first.sentence.text)}"
        yield f"       {self.said(protocol.first.wait.text)}"
        yield f"       call: {self.called(protocol.first.call)}"
        for said in protocol.never:
            yield f"       {self.said(said.text)}"
        yield ""
        yield from self.step(protocol.first.next, "")

    def step(self, name: str, indent: str) -> Iterator[str]:
        step = self.showing.protocol.steps[name]
        if name in self.drawn:
            yield f"{indent}-> {name}"
            return
        self.drawn.add(name)
        yield f"{indent}[{step.kind}] {self.said(step.title.text)}  ({name}, {step.by})"
        yield from (f"{indent}    {line}" for line in self.body(step))
        if step.next is not None:
            yield from self.step(step.next, indent)
        for number, option in enumerate(step.options, start=1):
            last = number == len(step.options)
            yield f"{indent}{'`' if last else '|'}-- {self.said(option.label.text)}"
            yield from self.step(option.next, indent + ("    " if last else "|   "))

    def body(self, step: Step) -> Iterator[str]:
        for word, texts in (("do", step.do), ("say", step.say), ("never", step.never)):
            yield from (f"{word}: {self.said(said.text)}" for said in texts)
        if step.call:
            yield f"call: {self.called(step.call)}"
        yield f"cites: {', '.join((*step.cite, *step.guidance))}"
        if step.end is not None:
            told = ", ".join(step.end.to) or "nobody"
            record = "opens the visit record" if step.end.record else "opens no record"
            yield f"end: {' or '.join(step.end.postures)}; told: {told}; {record}"


def draw_protocol(protocols: Protocols, showing: Showing, catalog: Catalog | None = None) -> list[str]:
    """Return the lines of a drawing.

    Args:
        protocols: Without a fault of shape.
        showing: What the staff of a place see.
        catalog: Of the language; English without one. What no person has reviewed is marked.
    """
    return list(_Drawer(protocols, showing, catalog).first())
