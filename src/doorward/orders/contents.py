"""order.toml: what the order rests on, its clauses with evidence and standing, its words."""

from dataclasses import dataclass
from datetime import date

from doorward.orders.pack import Clause, Contacts, Purpose, Question, Sentences
from doorward.orders.toml import Toml

EVIDENCE = ("text", "mirror", "press", "background")
STANDINGS = ("confirmed", "adopted", "needs-counsel")
_TOP = (
    "name",
    "title",
    "page",
    "own_party",
    "effective",
    "authorities",
    "about",
    "contacts",
    "sentences",
    "purpose",
    "question",
)
_SENTENCES = ("deny", "refer", "permit", "outside", "nothing", "failure")


@dataclass(frozen=True, slots=True)
class Contents:
    """What order.toml says."""

    name: str
    title: str
    about: str
    page: str
    own_party: str
    effective: date
    authorities: tuple[str, ...]
    contacts: Contacts
    sentences: Sentences
    purposes: dict[str, Purpose]
    questions: dict[str, Question]
    clauses: dict[str, Clause]


def read_contents(order: Toml) -> Contents:
    """Return what order.toml says; faults are noted in it."""
    order.refuse_others((*_TOP, "clause"))
    order.refuse_others(("law_department", "supervisor"), "contacts")
    order.refuse_others(_SENTENCES, "sentences")
    return Contents(
        name=order.get(str, "name"),
        title=order.get(str, "title"),
        about=order.get(str, "about"),
        page=order.get(str, "page"),
        own_party=order.get(str, "own_party"),
        effective=order.get(date, "effective"),
        authorities=tuple(str(text) for text in order.get(list, "authorities")),
        contacts=Contacts(
            law_department=order.get(str, "contacts", "law_department"),
            supervisor=order.get(str, "contacts", "supervisor"),
        ),
        sentences=Sentences(**{name: order.get(str, "sentences", name) for name in _SENTENCES}),
        purposes={word: Purpose(word, order.get(str, "purpose", word)) for word in order.table("purpose")},
        questions={number: _question(order, number) for number in order.get(dict, "question", default={})},
        clauses={name: _clause(order, name) for name in order.table("clause")},
    )


def _question(order: Toml, number: str) -> Question:
    order.refuse_others(("says", "clauses"), "question", number)
    cited = tuple(str(clause) for clause in order.get(list, "question", number, "clauses", default=[]))
    known = order.table("clause")
    for clause in cited:
        if clause not in known:
            order.note(f"`{clause}` is no clause of the order", "question", number, "clauses")
    return Question(number, order.get(str, "question", number, "says"), cited)


def _clause(order: Toml, name: str) -> Clause:
    at = ("clause", name)
    order.refuse_others(("cite", "says", "evidence", "standing", "adopted_by", "adopted_on"), *at)
    evidence, standing = order.get(str, *at, "evidence"), order.get(str, *at, "standing")
    raw = order.table(*at)
    if evidence not in EVIDENCE:
        order.note(f"`{evidence}` is no evidence", *at, "evidence", hint=f"one of {', '.join(EVIDENCE)}")
    if standing not in STANDINGS:
        order.note(f"`{standing}` is no standing", *at, "standing", hint=f"one of {', '.join(STANDINGS)}")
    if standing == "confirmed" and evidence != "text":
        order.note(
            f"clause `{name}` rests on {evidence} and is not confirmed by its text",
            *at,
            "standing",
            hint="an office adopts it (`adopted`, `adopted_by`, `adopted_on`), or it stays `needs-counsel`",
        )
    adopted = standing == "adopted"
    for key in ("adopted_by", "adopted_on"):
        if adopted != (key in raw):
            wrong = "needs" if adopted else "is not adopted and has"
            order.note(f"clause `{name}` {wrong} `{key}`", *at, key if key in raw else "standing")
    return Clause(
        id=name,
        cite=order.get(str, *at, "cite"),
        says=order.get(str, *at, "says"),
        evidence=evidence,
        standing=standing,
        adopted_by=order.get(str, *at, "adopted_by") if adopted and "adopted_by" in raw else None,
        adopted_on=order.get(date, *at, "adopted_on").isoformat()
        if adopted and "adopted_on" in raw
        else None,
    )
