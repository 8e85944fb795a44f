"""A corpus of Cedar cases: policies, entities, a schema, and requests with what the engine said of each.

The layout is that of cedar-policy/cedar-integration-tests: one JSON file a case, which names the other files by path;
a path that begins with ``corpus-tests/`` may stand for ``corpus/``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from doorward.errors import ConfigError

KEYS = frozenset(("policies", "entities", "schema", "requests"))


@dataclass(frozen=True, slots=True)
class Question:
    """One request of a case in Cedar's JSON, and the engine's answer.

    Args:
        reasons: Ids of the policies that decided, sorted.
        errors: Ids of the policies that failed, sorted.
    """

    raw: Mapping[str, Any]
    decision: str
    reasons: tuple[str, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    Args:
        entities: Cedar's JSON entities.
        validates: Whether strict validation should pass.
    """

    name: str
    policies: str
    schema: str
    entities: Sequence[Mapping[str, Any]]
    validates: bool
    questions: tuple[Question, ...]


def read_cases(files: Mapping[str, bytes]) -> Iterator[Case]:
    """Yield the cases among some files, in the order of their names.

    Args:
        files: Content by path, as in the archive or folder; files that are no case are passed over.

    Raises:
        ConfigError: A case names a file that is not there, or is no case after all.
    """
    for name in sorted(files):
        if not name.endswith(".json"):
            continue
        try:
            raw = json.loads(files[name])
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"`{name[-120:]}` is no JSON") from error
        if isinstance(raw, dict) and raw.keys() >= KEYS:
            yield _case(name, raw, files)


def _case(name: str, raw: Mapping[str, Any], files: Mapping[str, bytes]) -> Case:
    try:
        return Case(
            name=name,
            policies=_find(name, raw["policies"], files),
            schema=_find(name, raw["schema"], files),
            entities=json.loads(_find(name, raw["entities"], files)),
            validates=bool(raw.get("shouldValidate", True)),
            questions=tuple(map(_question, raw["requests"])),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(f"`{name[-120:]}` is no case of a Cedar corpus") from error


def _question(raw: Mapping[str, Any]) -> Question:
    answer = (raw["decision"], tuple(sorted(raw["reason"])), tuple(sorted(raw["errors"])))
    return Question({key: raw[key] for key in ("principal", "action", "resource", "context")}, *answer)


def _find(case: str, path: str, files: Mapping[str, bytes]) -> str:
    """Return a named file: below the folder of the archive that the case is in, or as the path says."""
    short = path.removeprefix("./")
    for wanted in (short, short.replace("corpus-tests/", "corpus/", 1)):
        parts = case.split("/")
        for depth in range(len(parts)):
            found = files.get("/".join([*parts[:depth], wanted]))
            if found is not None:
                return found.decode("utf-8")
    beside = files.get("/".join([*case.split("/")[:-1], short.split("/")[-1]]))
    if beside is None:
        raise ConfigError(f"`{case[-120:]}` names `{path[-120:]}`, which is not there")
    return beside.decode("utf-8")
