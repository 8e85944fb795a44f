"""Whether the intake of an order is whole: each kind ends in a request, and each answer does something. Pure."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Final

from doorward.errors import ConfigError, Finding, PolicyCheckError
from doorward.orders.intake.courses import MAX_COURSES, Course, find_courses
from doorward.orders.intake.intake import Intake
from doorward.orders.intake.questions import ACTION, INTAKE, OF_PRINCIPAL, RESOURCE, Kind, Question
from doorward.orders.intake.read import Sayable, Sheet, read_sheet
from doorward.orders.pack import Pack
from doorward.orders.toml import Toml

MAX_LABEL: Final = 120
MAX_HELP: Final = 300
MAX_SAYS: Final = 300
MAX_KIND_TEXT: Final = (
    8_000  # all texts of one kind but the names of agencies and purposes: a form of a few pages
)
MAX_SHOWN: Final = 50  # faults of one kind that are listed; the rest follows from them

Fault = tuple[str, tuple[str, ...]]  # what is wrong, and at which key


def check_intake(pack: Pack) -> tuple[Finding, ...]:
    """Return everything that is wrong with the intake of an order; nothing where the order has none."""
    return read_intake(pack)[1]


def load_intake(pack: Pack) -> Intake:
    """Return the intake of an order.

    Raises:
        ConfigError: The order has none, so that it stands at no desk.
        PolicyCheckError: It has a fault; ``findings`` lists all.
    """
    intake, findings = read_intake(pack)
    if findings:
        more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
        raise PolicyCheckError(
            f"the intake of `{pack.name}` has a fault: {findings[0]}{more}",
            findings=findings,
            hint=findings[0].hint or "`doorward order check` lists every fault with its place",
        )
    if intake is None:
        raise ConfigError(
            f"the order `{pack.name}` has no `{INTAKE}` and stands at no desk",
            hint="docs/howto/intake.md says how to write one",
        )
    return intake


def read_intake(pack: Pack) -> tuple[Intake | None, tuple[Finding, ...]]:
    """Return the intake of an order, or None, and everything that is wrong with it.

    None without a finding: the pack has no intake.toml.
    """
    text = pack.files.get(INTAKE)
    if text is None:
        return None, ()
    try:
        file = Toml(INTAKE, text)
    except PolicyCheckError as error:
        return None, error.findings
    sheet = read_sheet(file, pack)
    if not file.findings:  # what is not read cannot be looked at as a whole
        for message, at in _faults(sheet, pack):
            file.note(message, *at)
    findings = tuple(dict.fromkeys(file.findings))
    return (None, findings) if findings else (Intake(pack.name, pack.digest, sheet.kinds), ())


def _faults(sheet: Sheet, pack: Pack) -> Iterator[Fault]:
    asked = {question.id for kind in sheet.kinds.values() for question in kind.questions}
    for name in sheet.questions.keys() - asked:
        yield f"no kind asks `{name}`", ("question", name)
    named = {
        (name, word)
        for kind in sheet.kinds.values()
        for question in kind.questions
        for name, words in question.when.items()
        for word in words
    }
    for question in sheet.questions.values():
        yield from _question_faults(question, named)
    for kind in sheet.kinds.values():
        yield from _text_faults(kind)
        ordered = list(_order_faults(kind))
        yield from ordered
        if not ordered:
            yield from list(_course_faults(kind, sheet.sayable, pack))[:MAX_SHOWN]


# ---------------------------------------------------------------- a question alone


def _question_faults(question: Question, named: set[tuple[str, str]]) -> Iterator[Fault]:
    at = ("question", question.id)
    if len(question.label) > MAX_LABEL or len(question.help) > MAX_HELP:
        yield f"`{question.id}` is longer than {MAX_LABEL} characters, its help than {MAX_HELP}", at
    for option in question.options.values():
        if len(option.label) > MAX_HELP:
            yield f"the answer `{option.word}` is longer than {MAX_HELP} characters", at
    silent = [
        option
        for option in question.options.values()
        if not option.sets and (question.id, option.word) not in named
    ]
    if question.type == "yes-no" and len(silent) == len(question.options):
        yield f"neither answer to `{question.id}` sets a fact or leads to a question", at
    for option in silent:
        if not option.kept:
            yield (
                f"the answer `{option.word}` sets no fact and leads to no question",
                (*at, "option", option.word),
            )
    if question.takes_several:
        yield from _contradictions(question)


def _contradictions(question: Question) -> Iterator[Fault]:
    for one, other in combinations(question.options.values(), 2):
        for path in _differ(one.sets, other.sets):
            said = f"`{one.word}` and `{other.word}` may both be given and differ on `{path}`"
            yield said, ("question", question.id)


def _differ(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    return [path for path in one if path in other and one[path] != other[path]]


# ---------------------------------------------------------------- a kind


def _text_faults(kind: Kind) -> Iterator[Fault]:
    at = ("kind", kind.id)
    if len(kind.label) > MAX_LABEL or len(kind.says) > MAX_SAYS:
        yield f"the label is longer than {MAX_LABEL} characters, or `says` than {MAX_SAYS}", at
    texts = [kind.label, kind.says]
    for question in kind.questions:
        texts += [question.label, question.help]
        if question.type not in {"agency", "purpose"}:
            texts += [option.label for option in question.options.values()]
    if sum(map(len, texts)) > MAX_KIND_TEXT:
        yield f"all texts of `{kind.id}` together are longer than {MAX_KIND_TEXT} characters", at
    labels = [question.label.casefold() for question in kind.questions]
    for label in sorted({label for label in labels if labels.count(label) > 1}):
        twice = [question.id for question in kind.questions if question.label.casefold() == label]
        yield f"{' and '.join(f'`{name}`' for name in twice)} ask in the same words", (*at, "asks")


def _order_faults(kind: Kind) -> Iterator[Fault]:
    """Yield conditions on what is not asked before; and on answers that the question does not have."""
    before: dict[str, Question] = {}
    for question in kind.questions:
        for name, words in question.when.items():
            earlier = before.get(name)
            if earlier is None:
                said = f"`{question.id}` depends on `{name}`, which `{kind.id}` does not ask before it"
                yield said, ("kind", kind.id, "asks")
                continue
            for word in words:
                if word not in earlier.options:
                    said = f"`{question.id}` depends on the answer `{word}`, which `{name}` does not have"
                    yield said, ("question", question.id, "when")
        before[question.id] = question


def _course_faults(kind: Kind, sayable: Sayable, pack: Pack) -> Iterator[Fault]:
    found: dict[Fault, None] = {}
    reached: set[str] = set()
    at = ("kind", kind.id)
    for number, course in enumerate(find_courses(kind)):
        if number >= MAX_COURSES:
            yield f"`{kind.id}` can be answered in more than {MAX_COURSES} ways", (*at, "asks")
            return
        reached |= {question.id for question in course.asked}
        found |= dict.fromkeys(_faults_of(course, kind, sayable, pack))
    yield from found
    for question in kind.questions:
        if question.id not in reached:
            yield f"`{question.id}` is never asked in `{kind.id}`", ("question", question.id, "when")


def _faults_of(course: Course, kind: Kind, sayable: Sayable, pack: Pack) -> Iterator[Fault]:
    at = ("kind", kind.id)
    action, resource = course.sets.get(ACTION), course.resource
    if resource not in pack.requests.actions.get(str(action), ()):
        way = ", ".join(f"{name} = {' '.join(words)}" for name, words in course.given.items())
        missing = [name for name in (ACTION, RESOURCE) if name not in course.sets]
        what = f"has no {' and no '.join(missing)}" if missing else f"asks {action} of a {resource}"
        yield f"`{kind.id}` gives no request: it {what} after {way or 'no answer'}", at
        return
    known = pack.requests.specs(resource)
    settings = [(at, "the kind", kind.sets)] + [
        (("question", question.id), f"`{question.id}`", option.sets)
        for question in course.asked
        for option in course.options(question)
    ]
    for where, who, sets in settings:
        for path, value in sets.items():
            if path in {ACTION, RESOURCE}:
                continue
            key = f"{resource}.{path.partition('.')[2]}" if path.startswith(f"{RESOURCE}.") else path
            if path not in known:
                yield f"{who} sets `{path}`, and a {resource} has none in `{kind.id}`", where
            elif value == OF_PRINCIPAL:
                continue
            elif not known[path].allows(value) or not sayable.allows(key, value):
                yield f"{who} says of `{path}` what no answer may say of a {resource}", where
    yield from _conflicts(course, kind)


def _conflicts(course: Course, kind: Kind) -> Iterator[Fault]:
    """Yield where two questions that are asked together may set one fact to two values."""
    sources: dict[str, tuple[str, object]] = {path: ("the kind", value) for path, value in kind.sets.items()}
    for question in course.asked:
        mine: dict[str, tuple[str, object]] = {}
        for option in course.options(question):
            for path, value in option.sets.items():
                who, other = sources.get(path, (question.id, value))
                if other != value:
                    said = f"{who} and `{question.id}` may set `{path}` to two values in `{kind.id}`"
                    yield said, ("question", question.id)
                mine.setdefault(path, (f"`{question.id}`", value))
        sources = {**mine, **sources}
