"""The records and decisions of one answer as a JSON file, read strictly. Pure."""

import json
from datetime import date
from typing import Any, Final

from doorward.desk.foia.export import Act, Decision, SourceRecord
from doorward.errors import MalformedError

MAX_BYTES: Final = 256 * 1024 * 1024
_RECORD: Final = {"id", "kind", "fields", "sealed", "sealed_until"}
_DECISION: Final = {"record", "field", "do", "code"}


def parse_answer(text: str) -> tuple[tuple[SourceRecord, ...], tuple[Decision, ...]]:
    """Return the records and decisions of a file: a JSON object of `records` and `decisions`.

    Args:
        text: Of anybody.

    Raises:
        MalformedError: It is none; names the entry by its number, and quotes nothing.
    """
    if len(text) > MAX_BYTES:
        raise MalformedError(f"a file of records has at most {MAX_BYTES} characters")
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedError("a file of records is a JSON object") from error
    if not isinstance(held, dict) or set(held) != {"records", "decisions"}:
        raise MalformedError("a file of records is a JSON object of `records` and `decisions`")
    lists = [held[name] if isinstance(held[name], list) else None for name in ("records", "decisions")]
    if lists[0] is None or lists[1] is None:
        raise MalformedError("`records` and `decisions` are lists")
    return (
        tuple(_record(one, at) for at, one in enumerate(lists[0], start=1)),
        tuple(_decision(one, at) for at, one in enumerate(lists[1], start=1)),
    )


def _record(held: Any, number: int) -> SourceRecord:  # noqa: ANN401  # JSON
    where = f"record {number}"
    if not isinstance(held, dict) or not {"id", "kind", "fields"} <= set(held) <= _RECORD:
        raise MalformedError(f"{where}: expected the keys {', '.join(sorted(_RECORD))}")
    fields, sealed = held["fields"], held.get("sealed", False)
    texts = [held["id"], held["kind"], *(fields.values() if isinstance(fields, dict) else [None])]
    if not all(isinstance(one, str) for one in texts) or not isinstance(sealed, bool):
        raise MalformedError(f"{where}: `id`, `kind` and each field are texts, `sealed` is true or false")
    until = held.get("sealed_until")
    try:
        day = None if until is None else date.fromisoformat(until)
    except (TypeError, ValueError) as error:
        raise MalformedError(f"{where}: `sealed_until` is a day such as 2026-12-01") from error
    if day is not None and not sealed:
        raise MalformedError(f"{where}: `sealed_until` is of a sealed record")
    return SourceRecord(held["id"], held["kind"], tuple(fields.items()), sealed, day)


def _decision(held: Any, number: int) -> Decision:  # noqa: ANN401  # JSON
    acts = {act.value: act for act in Act}
    if (
        not isinstance(held, dict)
        or not {"record", "field", "do"} <= set(held) <= _DECISION
        or not all(isinstance(one, str) for one in held.values())
        or held["do"] not in acts
    ):
        raise MalformedError(
            f"decision {number}: expected `record`, `field`, `do` ({', '.join(acts)}) and `code`"
        )
    return Decision(held["record"], held["field"], acts[held["do"]], held.get("code", ""))
