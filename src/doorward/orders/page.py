"""The order's page: its words and clauses as Markdown, generated from the pack. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from doorward.orders.pack import CLAIM_OPTIONS, Clause, Pack


def format_page(pack: Pack) -> str:
    """Return the page that people are sent to for the words of the order."""
    return "\n".join(_lines(pack)) + "\n"


def _lines(pack: Pack) -> Iterator[str]:
    yield f"# {pack.title}"
    yield ""
    yield "<!-- Generated from the pack by the tests of this repository; a change goes into the pack. -->"
    yield ""
    yield pack.about
    yield ""
    if pack.is_sample:
        yield (
            'This order is a sample. Clauses marked "adopted by sample" were adopted by an office that does not exist, '
            "and production refuses the pack."
        )
        yield ""
    yield f"In force from {pack.effective}. It rests on:"
    yield ""
    yield from (f"* {authority}" for authority in pack.authorities)
    if pack.model is None:
        yield from ("", "The order stands at no database.")
    else:
        yield from ("", "## What you state at the database door", "")
        yield from _table(("option", "what it says"), CLAIM_OPTIONS)
        yield from (
            "",
            "What is stated is a claim. It is recorded, and compared with registers where there is one.",
        )
    yield from ("", "## Purpose words", "")
    yield from _table(("word", "meaning"), ((f"`{p.word}`", p.says) for p in pack.purposes.values()))
    yield from ("", "## Agencies", "")
    yield from _table(
        ("id", "agency", "groups"),
        ((f"`{a.id}`", a.name, ", ".join(a.parents)) for a in pack.agencies.values()),
    )
    yield from ("", "## Clauses", "")
    yield 'Only clauses that are confirmed or adopted decide alone; "needs counsel" only refers.'
    yield ""
    yield from _table(
        ("id", "source", "in our words", "evidence", "standing"),
        ((c.id, c.cite, c.says, c.evidence, _standing(c)) for c in pack.clauses.values()),
    )
    yield from ("", "## Open questions", "")
    yield from _table(
        ("number", "question", "clauses"),
        (
            (q.number, q.says, ", ".join(q.clauses) or "none: it changes no outcome")
            for q in pack.questions.values()
        ),
    )
    if pack.classes:
        yield from ("", "## Classes of columns", "")
        yield from _table(
            ("class", "what is in it"), ((f"`{name}`", says) for name, says in pack.classes.items())
        )
    yield from ("", "## Whom to ask", "")
    yield f"* Law department: {pack.contacts.law_department}"
    yield f"* Supervisor: {pack.contacts.supervisor}"


def _standing(clause: Clause) -> str:
    match clause.standing:
        case "adopted":
            return f"adopted by {clause.adopted_by}, {clause.adopted_on}"
        case "needs-counsel":
            return "needs counsel"
        case _:
            return clause.standing


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"
