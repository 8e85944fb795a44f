"""Compiled protocols for tests of the front desk: the sample city's own, with languages that nobody translated."""

import copy
import json
from functools import cache
from hashlib import sha256
from typing import Any

from doorward.orders.load import load_pack
from doorward.orders.protocols import compile_protocols

LANGUAGES = [("es", "Español", "ltr"), ("pl", "Polski", "ltr"), ("zh-Hans", "简体中文", "ltr"),
             ("zh-Hant", "繁體中文", "ltr"), ("ar", "العربية", "rtl")]  # fmt: skip
SAMPLES = {"es": "Texto de muestra", "pl": "Przykład", "zh-Hans": "示例文本", "zh-Hant": "範例文字",
           "ar": "نص تجريبي"}  # fmt: skip
REVIEWED = {"es": ["sheets.visitors.title"]}  # one text that somebody read, so that both kinds are there


@cache
def _english() -> str:
    return json.dumps(compile_protocols(load_pack("chicago"), "city"))


def make_compiled(*, changed: str = "") -> dict[str, Any]:
    """Return the sample city's protocols in six languages, of which five are samples of a text in that script.

    Args:
        changed: Goes into the first sentence of each place, so that the version is another one.
    """
    compiled: dict[str, Any] = copy.deepcopy(json.loads(_english()))
    texts = compiled["texts"]["en"]
    if changed:
        for place in compiled["places"]:
            texts[place["first"]["sentence"]] += f" {changed}"
    for code, name, direction in LANGUAGES:
        reviewed = REVIEWED.get(code, [])
        compiled["texts"][code] = {
            key: f"{SAMPLES[code]} {number}" for number, key in enumerate(sorted(texts))
        }
        compiled["unreviewed"][code] = sorted(set(texts) - set(reviewed))
        compiled["languages"] += [
            {"code": code, "name": name, "direction": direction, "unreviewed": len(texts) - len(reviewed)}
        ]
    compiled["version"] = ""
    compiled["version"] = sha256(json.dumps(compiled, sort_keys=True).encode()).hexdigest()
    return compiled


def walk_to_record(compiled: dict[str, Any], place: str = "library") -> list[list[Any]]:
    """Return the answers of a way that opened a record and reached an end."""
    body = next(each for each in compiled["places"] if each["id"] == place)

    def search(step: str, taken: list[list[Any]], *, begun: bool) -> list[list[Any]] | None:
        found = body["steps"][step]
        if found["kind"] == "end":
            return taken if begun else None
        if found["kind"] == "do":
            return search(found["next"], [*taken, [step, None]], begun=begun)
        for index, option in enumerate(found["options"]):
            way = search(option["next"], [*taken, [step, index]], begun=begun or "begun" in option["fills"])
            if way:
                return way
        return None

    way = search(body["first"]["next"], [], begun=False)
    assert way is not None
    return way


def make_body(compiled: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a record of the sample library that reads well; `changes` replace its keys."""
    form = next(each for each in compiled["places"] if each["id"] == "library")["record"]
    asked = [field["id"] for field in form["fields"] if field["need"] == "asked"]
    body = {
        "format": 1,
        "id": "0f0e8a3c-5d5c-4a8e-9d2f-0123456789ab",
        "version": compiled["version"],
        "training": compiled["training"],
        "place": "library",
        "language": "en",
        "drill": False,
        "trained": False,
        "opened": "2026-11-26T16:05:00.123Z",
        "filed": "2026-11-26T16:29:00Z",
        "clock_offset": 0,
        "walk": walk_to_record(compiled),
        "values": {
            "begun": "request",
            "came": "2026-11-26T10:01:00-06:00",
            "purpose": "They asked for a room.",
        },
        "unknown": [name for name in asked if name not in {"begun", "came", "purpose"}],
    }
    return {**body, **changes}


def to_bytes(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
