"""intake.toml of a pack: kinds and questions, each fault noted with its place. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from doorward.cedar.types import BOOL, EntityType
from doorward.orders.intake.acts import PAPER, PRESENTED, PRINCIPAL, SHOWN
from doorward.orders.intake.questions import (
    ACTION,
    KEPT,
    NO,
    OF_PRINCIPAL,
    RESOURCE,
    YES,
    Kind,
    Option,
    Question,
    QuestionType,
)
from doorward.orders.pack import Pack
from doorward.orders.toml import Toml
from doorward.policy.request import NOW, UNKNOWN, Fact, FactSpec

ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
SECTIONS: Final = ("answers", "question", "kind")
QUESTION_KEYS: Final = ("type", "label", "help", "needed", "when")
OWN_KEYS: Final[Mapping[QuestionType, tuple[str, ...]]] = {
    QuestionType.CHOICE: ("option",),
    QuestionType.SEVERAL: ("option",),
    QuestionType.YES_NO: ("yes", "no"),
    QuestionType.AGENCY: ("sets", "only"),
    QuestionType.PURPOSE: ("sets", "only"),
    QuestionType.TEXT: ("longest", "register"),
    QuestionType.CASE_NUMBER: ("longest", "register", "mail"),
    QuestionType.DATE_TIME: (),
}
OPTION_KEYS: Final = ("label", "sets", "kept", "mail")
KIND_KEYS: Final = ("label", "says", "offered_to", "sets", "asks", "mail")
ASK_KEYS: Final = ("ask", "when", "needed")
PAPERS: Final = "context.papers."
ANY, SAYS_SHOWN = "any", "shown"
LONGEST: Final = 200  # characters of a text where the question says nothing
MAX_LONGEST: Final = 500  # a note, not a letter
MAX_OPTIONS: Final = 40
MAX_QUESTIONS: Final = 25
MAX_KINDS: Final = 60
# The project's own limit for every city: no field of a desk keeps these of a person.
NO_FIELD: Final = re.compile(
    r"immigration status|citizenship|birthplace|place of birth|country of (birth|origin)|nationality",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sayable:
    """What answers at a desk may say: values by the fact's key in resolvers.toml, None for any of its words."""

    values: Mapping[str, tuple[Fact, ...] | None]

    def allows(self, key: str, value: Fact) -> bool:
        """Return whether an answer may give a fact, by its key such as ``Record.kind``, this value."""
        return key in self.values and (self.values[key] is None or value in (self.values[key] or ()))


@dataclass(frozen=True, slots=True)
class Sheet:
    """What intake.toml says, before it is looked at as a whole."""

    sayable: Sayable
    questions: Mapping[str, Question]
    kinds: Mapping[str, Kind]


def read_sheet(file: Toml, pack: Pack) -> Sheet:
    """Return what intake.toml says; faults are noted in the file."""
    return _Reader(file, pack).read()


def specs_by_key(pack: Pack) -> dict[str, FactSpec]:
    """Return every fact of the order as resolvers.toml names it: those of resources under their type's name."""
    found = dict(pack.requests.facts)
    for kind, resource in pack.requests.resources.items():
        for path, spec in resource.facts.items():
            found[f"{kind}.{path.partition('.')[2]}"] = spec
    return found


class _Reader:
    def __init__(self, file: Toml, pack: Pack) -> None:
        self.file = file
        self.pack = pack
        self.specs = specs_by_key(pack)
        self.sayable = Sayable({})

    def read(self) -> Sheet:
        self.file.refuse_others(SECTIONS)
        self.sayable = self._sayable()
        questions = {name: self._question(name) for name in self.file.table("question")}
        kinds = {name: self._kind(name, questions) for name in self.file.table("kind")}
        if not kinds or len(kinds) > MAX_KINDS:
            self.file.note(f"a desk takes 1 to {MAX_KINDS} kinds of request; here are {len(kinds)}", "kind")
        return Sheet(self.sayable, questions, kinds)

    # ------------------------------------------------------------ what may be said

    def _sayable(self) -> Sayable:
        values: dict[str, tuple[Fact, ...] | None] = {}
        for key, said in self.file.table("answers").items():
            at = ("answers", key)
            covered = [path for path in self.specs if path == key or path.startswith(f"{key}.")]
            if not covered:
                self.file.note(f"`{key}` is no fact of the order", *at)
            for path in covered:
                spec = self.specs[path]
                if said == SAYS_SHOWN and spec.remedy == PAPER:
                    if path.rpartition(".")[2] in SHOWN and spec.type == BOOL:
                        values[path] = (True,)
                    continue
                wrong = _never_answered(path, spec)
                if wrong:
                    self.file.note(f"`{path}` is set by no answer: {wrong}", *at)
                elif said == ANY:
                    values[path] = None
                elif isinstance(said, list) and said and all(spec.allows(word) for word in said):
                    values[path] = tuple(said)
                else:
                    hint = f'"{ANY}", a list of its words, or "{SAYS_SHOWN}" for papers'
                    self.file.note(f"`{key}` says no values that an answer may give", *at, hint=hint)
        return Sayable(values)

    # ------------------------------------------------------------ questions

    def _question(self, name: str) -> Question:
        at = ("question", name)
        self._check_id(name, at)
        raw = self.file.table(*at)
        stated = self.file.get(str, *at, "type")
        if stated not in set(QuestionType):
            self.file.note(
                f"`{stated[:40]}` is no type of question",
                *at,
                "type",
                hint=f"one of {', '.join(QuestionType)}",
            )
            stated = QuestionType.TEXT
        kind = QuestionType(stated)
        self.file.refuse_others((*QUESTION_KEYS, *OWN_KEYS[kind]), *at)
        label, helped = self.file.get(str, *at, "label"), self.file.get(str, *at, "help", default=" ").strip()
        if kind in KEPT and NO_FIELD.search(f"{name.replace('-', ' ')} {label} {helped}"):
            self.file.note(
                f"`{name}` would keep a person's status or birthplace: no field of a desk does",
                *at,
                "label",
                hint="leave the question out; what a paper says stands on the paper",
            )
        longest = raw.get("longest", LONGEST)
        if type(longest) is not int or not 0 < longest <= MAX_LONGEST:
            self.file.note(f"`longest` is 1 to {MAX_LONGEST} characters", *at, "longest")
            longest = LONGEST
        return Question(
            id=name,
            type=kind,
            label=label,
            help=helped,
            options=self._options(kind, at),
            when=self._conditions(raw.get("when", {}), (*at, "when")),
            needed=self.file.get(bool, *at, "needed", default=False) if "needed" in raw else False,
            longest=longest if kind in {QuestionType.TEXT, QuestionType.CASE_NUMBER} else 0,
            register=self._register(raw, at),
            mail=tuple(self._texts((*at, "mail"), default=())),
        )

    def _register(self, raw: Mapping[str, Any], at: tuple[str, ...]) -> str | None:
        register = raw.get("register")
        if register is None:
            return None
        if register not in {spec.resolver for spec in self.specs.values()}:
            self.file.note(f"`{register}` is no resolver of the order", *at, "register")
        return str(register)

    def _conditions(self, raw: object, at: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        when: dict[str, tuple[str, ...]] = {}
        for name, words in raw.items() if isinstance(raw, dict) else ():
            if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
                when[str(name)] = tuple(words)
        if not isinstance(raw, dict) or len(when) != len(raw):
            self.file.note("`when` names questions, each with a list of its answers", *at)
        return when

    def _options(self, kind: QuestionType, at: tuple[str, ...]) -> dict[str, Option]:
        if kind in KEPT:
            return {}
        if kind in {QuestionType.AGENCY, QuestionType.PURPOSE}:
            return self._words_of_order(kind, at)
        if kind is QuestionType.YES_NO:
            raw = self.file.table(*at)
            return {
                word: Option(word, word.capitalize(), self._sets((*at, word)))
                if word in raw
                else Option(word, word.capitalize(), kept=True)
                for word in (YES, NO)
            }
        found = self.file.table(*at, "option")
        if not 1 <= len(found) <= MAX_OPTIONS:
            self.file.note(f"a question has 1 to {MAX_OPTIONS} options", *at)
        return {word: self._option(word, (*at, "option", word)) for word in found}

    def _option(self, word: str, at: tuple[str, ...]) -> Option:
        self._check_id(word, at)
        self.file.refuse_others(OPTION_KEYS, *at)
        raw = self.file.table(*at)
        kept = raw.get("kept") is True
        sets = self._sets((*at, "sets")) if "sets" in raw else {}
        if kept and sets:
            self.file.note(f"`{word}` is kept and sets no fact; it has `sets`", *at)
        mail = tuple(self._texts((*at, "mail"), default=()))
        if (mail and not (sets or kept)) or any(
            not _is_shown(path, value) for path, value in sets.items() if mail
        ):
            self.file.note(
                "words of a message fill in no more than that a paper was shown",
                *at,
                "mail",
                hint="leave `mail` out: what opens something a person answers",
            )
        return Option(word, self.file.get(str, *at, "label"), sets, kept, mail)

    def _words_of_order(self, kind: QuestionType, at: tuple[str, ...]) -> dict[str, Option]:
        pack = self.pack
        words = (
            {name: agency.name for name, agency in pack.agencies.items()}
            if kind is QuestionType.AGENCY
            else {word: purpose.says for word, purpose in pack.purposes.items()}
        )
        paths = [str(path) for path in self.file.get(list, *at, "sets")]
        for path in paths:
            spec = self.specs.get(path)
            fits = spec is not None and spec.words is not None and set(words) <= set(spec.words)
            if not fits or (kind is QuestionType.AGENCY) != isinstance(spec and spec.type, EntityType):
                self.file.note(f"`{path[:80]}` takes no {kind} of the order", *at, "sets")
                return {}
        only = self.file.get(list, *at, "only", default=[])
        for word in only:
            if word not in words:
                self.file.note(f"`{str(word)[:60]}` is no {kind} of the order", *at, "only")
        shown = {
            word: label for word, label in words.items() if word != UNKNOWN and (not only or word in only)
        }
        for path in paths:
            if not all(self.sayable.allows(path, word) for word in shown):
                self._not_sayable(path, at)
        return {word: Option(word, label, dict.fromkeys(paths, word)) for word, label in shown.items()}

    # ------------------------------------------------------------ facts

    def _sets(self, at: tuple[str, ...]) -> dict[str, Fact]:
        """Return the facts of an answer or a kind, each looked at alone."""
        sets: dict[str, Fact] = {}
        for path, value in self.file.table(*at).items():
            if path in {ACTION, RESOURCE}:
                if self._is_asked(path, value, at):
                    sets[path] = value
                continue
            keys = self._keys(path)
            specs = [self.specs[key] for key in keys]
            if not keys:
                self.file.note(f"`{path[:80]}` is no fact of the order", *at, path)
            elif value == OF_PRINCIPAL:
                if all(spec.type == self._agency_type() for spec in specs) and path in self.sayable.values:
                    sets[path] = value
                else:
                    self.file.note(f"`{path}` is not the agency of the person who is signed in", *at, path)
            elif not any(spec.allows(value) for spec in specs):
                words = next((spec.words for spec in specs if spec.words), ())
                hint = f"one of {', '.join(map(str, words[:40]))}" if words else None
                self.file.note(f"`{str(value)[:60]}` is no word for `{path}`", *at, path, hint=hint)
            elif not any(self.sayable.allows(key, value) for key in keys):
                self._not_sayable(path, (*at, path))
            else:
                sets[path] = value
        return sets

    def _keys(self, path: str) -> list[str]:
        """Return the keys that a path may stand for: of a resource one for each type that has it."""
        if not path.startswith(f"{RESOURCE}."):
            return [path] if path in self.pack.requests.facts else []
        name = path.partition(".")[2]
        return [
            f"{kind}.{name}" for kind, found in self.pack.requests.resources.items() if path in found.facts
        ]

    def _agency_type(self) -> object:
        return self.pack.requests.facts[OF_PRINCIPAL.removeprefix("@")].type

    def _not_sayable(self, path: str, at: tuple[str, ...]) -> None:
        self.file.note(
            f"an answer may not say this of `{path}`",
            *at,
            hint="`[answers]` lists what a person at a desk may say; the rest is a register's or a recorded act's",
        )

    def _is_asked(self, path: str, value: object, at: tuple[str, ...]) -> bool:
        model = self.pack.requests
        if path == ACTION:
            known = value in model.actions
        else:
            kind, _, name = str(value).partition(":")
            spec = model.resources.get(kind)
            known = spec is not None and (name in model.ids(kind) if spec.in_file else not name)
        if not known:
            self.file.note(f"`{str(value)[:60]}` is no {path} of the order", *at, path)
        return known

    # ------------------------------------------------------------ kinds

    def _kind(self, name: str, questions: Mapping[str, Question]) -> Kind:
        at = ("kind", name)
        self._check_id(name, at)
        self.file.refuse_others(KIND_KEYS, *at)
        asks = self._asks((*at, "asks"), questions)
        ids = [question.id for question in asks]
        if len(set(ids)) != len(ids) or not 1 <= len(ids) <= MAX_QUESTIONS:
            self.file.note(f"a kind asks 1 to {MAX_QUESTIONS} questions, each once", *at, "asks")
        offered = self._texts((*at, "offered_to"))
        for role in offered:
            if role not in self.pack.roles:
                self.file.note(f"`{role[:60]}` is no role of the order", *at, "offered_to")
        return Kind(
            id=name,
            label=self.file.get(str, *at, "label"),
            says=self.file.get(str, *at, "says"),
            offered_to=tuple(offered),
            sets=self._sets((*at, "sets")) if "sets" in self.file.table(*at) else {},
            questions=tuple(asks),
            mail=tuple(self._texts((*at, "mail"), default=())),
        )

    def _asks(self, at: tuple[str, ...], questions: Mapping[str, Question]) -> list[Question]:
        """Return the questions of a kind; what it asks in its own way has its own condition, or is needed."""
        asks = []
        for entry in self.file.get(list, *at):
            named = {"ask": entry} if isinstance(entry, str) else entry
            name = named.get("ask") if isinstance(named, dict) and named.keys() <= {*ASK_KEYS} else None
            if not isinstance(name, str) or name not in questions:
                self.file.note(
                    f"there is no question `{str(name or entry)[:60]}`",
                    *at,
                    hint="the id of a question, or `{ ask = id, when = { question = [answers] }, needed = true }`",
                )
                continue
            question = questions[name]
            when = self._conditions(named.get("when", {}), at)
            needed = named.get("needed", question.needed)
            if not isinstance(needed, bool):
                self.file.note("`needed` must be true or false", *at)
            asks.append(replace(question, when={**question.when, **when}, needed=needed is True))
        return asks

    def _texts(self, at: tuple[str, ...], default: Sequence[str] | None = None) -> list[str]:
        found = self.file.get(list, *at, default=None if default is None else list(default))
        if not all(isinstance(text, str) and text.strip() for text in found):
            self.file.note(f"`{at[-1]}` is a list of texts", *at)
        return [text for text in found if isinstance(text, str)]

    def _check_id(self, name: str, at: tuple[str, ...]) -> None:
        if not ID.fullmatch(name):
            self.file.note(f"`{name[:60]}` is no id: small letters, digits, `-` and `_`, at most 40", *at)


def _is_shown(path: str, value: Fact) -> bool:
    return path.startswith(PAPERS) and path.endswith(f".{PRESENTED}") and value is True


def _never_answered(path: str, spec: FactSpec) -> str | None:
    """Return why no answer may set a fact, whatever the pack lists; None where one may."""
    if path.startswith(PRINCIPAL):
        return "who acts is the person who is signed in"
    if spec.definition is not None:
        return "it is computed"
    if path == NOW:
        return "the clock says it"
    if spec.remedy == PAPER:
        return "what a paper is, a named person says; an answer says only that it was shown"
    if spec.remedy is not None:
        return "a register says it"
    return None
