"""The ranking of reasons: how fast, how large, how often wrong.

Speed and memory are of synthetic wordings. Quality is of the real reasons beside the checkout: quoted ones that a
public report calls immigration-related against the reasons of 40 published exports, taken as negatives though nobody
labelled them. That is small and nearly in-sample: the quotes are the ones that others found by keyword.

    .venv/bin/python bench/bench_lookback_ranking.py [--phrases 1000000] [--shared ../shared] [--json]
"""

import argparse
import csv
import json
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

from doorward.lookback.folder import AuditFolder
from doorward.lookback.labels.labels import Label, LabelSet, Wording, id_of
from doorward.lookback.labels.rank_phrases import rank_phrases
from doorward.lookback.labels.ranking import Example, Model, cross_validate, normalise_text
from doorward.lookback.labels.ranking_error import measure_errors, precision_at

YES = ("overstay", "deport", "removal order", "visa", "undocumented", "detainer", "border", "alien")
NO = (
    "burglary",
    "stolen auto",
    "homicide",
    "amber alert",
    "dui",
    "hit and run",
    "narcotics",
    "welfare check",
    "fraud",
)
AROUND = (
    "assist",
    "inv",
    "susp veh",
    "req",
    "bolo",
    "locate",
    "follow up",
    "unit",
    "det",
    "lead",
    "honda",
    "ford",
    "gray",
)
AT = "2026-05-04T12:00:00Z"


def wording(rng: random.Random, *, yes: bool) -> str:
    words = [*rng.sample(AROUND, 2), rng.choice(YES if yes else NO), f"{rng.randrange(10**6):06}"]
    rng.shuffle(words)
    return " ".join(words)


def synthetic_labels(rng: random.Random, each: int) -> LabelSet:
    labels = LabelSet()
    for number in range(2 * each):
        text = Wording(wording(rng, yes=number % 2 == 0))
        word, tier = (("civil-immigration", "explicit"), ("other-purpose", "other"))[number % 2]
        label = Label(number + 1, AT, "AB", text.digest, text, word, tier, "count")
        labels.add(id_of(label), label)
    return labels


def make_audit(root: Path, phrases: int) -> AuditFolder:
    """Write that many phrases, of which about half have a form of their own, and three accesses for each."""
    folder = AuditFolder(root)
    folder.accesses.mkdir(parents=True)
    engine = duckdb.connect()
    engine.execute("CREATE MACRO pick(list, i) AS list[1 + i % len(list)]; SET threads = 2")
    empty = "CAST([] AS VARCHAR[])"
    engine.execute(
        "COPY (SELECT i AS phrase, concat_ws(' ', pick($around, i), pick($no, i // 13), "
        "CASE WHEN i % 2 = 0 THEN substr(md5(i::VARCHAR), 1, 9) ELSE i::VARCHAR END) AS reason, NULL AS offense, "
        f"NULL AS filters, NULL AS prompt, 'other' AS tier, {empty} AS patterns, {empty} AS evidence "
        f"FROM range({phrases}) AS r(i)) TO '{folder.phrases}' (FORMAT parquet)",
        {"around": list(AROUND), "no": list(NO)},
    )
    engine.execute(
        f"COPY (SELECT i % {phrases} AS phrase, (i % 997)::INTEGER AS searcher_no FROM range({3 * phrases}) AS r(i)) "
        f"TO '{folder.accesses / '0000.parquet'}' (FORMAT parquet)"
    )
    engine.close()
    return folder


def measure_speed(rng: random.Random) -> dict[str, Any]:
    labels = synthetic_labels(rng, 500)
    examples = [
        Example(normalise_text(one.text.text), one.label == "civil-immigration", ())
        for given in labels.by_wording().values()
        for one in given
    ]
    begin = time.process_time()
    model = Model(examples)
    trained = time.process_time() - begin
    texts = [wording(rng, yes=False) for _ in range(50_000)]
    begin = time.process_time()
    forms = [normalise_text(text) for text in texts]
    normalised = time.process_time() - begin
    begin = time.process_time()
    model.score(forms)
    scored = time.process_time() - begin
    return {
        "examples": len(examples),
        "train_cpu_s": round(trained, 2),
        "normalise_per_cpu_s": round(len(texts) / normalised),
        "score_per_cpu_s": round(len(forms) / scored),
    }


def measure_whole(rng: random.Random, phrases: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = make_audit(Path(scratch) / "out", phrases)
        labels = synthetic_labels(rng, 500)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        wall, cpu = time.perf_counter(), time.process_time()
        said = rank_phrases(folder, labels, threads=2)
        return {
            "phrases": said["queue"]["wordings"],
            "cpu_s": round(time.process_time() - cpu, 1),
            "wall_s": round(time.perf_counter() - wall, 1),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "peak_before_mb": before // 1024,
        }


def quoted(shared: Path) -> Iterator[str]:
    with (shared / "data/alpr-quoted-reasons/quoted-reasons.csv").open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["report_category"].startswith("immigration"):
                yield from row["reason_quoted"].split("|")


def exported(shared: Path) -> Iterator[str]:
    for path in sorted((shared / "data/alpr-portals/logs").glob("*.csv")):
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
            yield from (row.get("reason") or "" for row in csv.DictReader(lines))


def measure_quality(shared: Path) -> dict[str, Any]:
    yes = {normalise_text(text) for text in quoted(shared)} - {""}
    no = {normalise_text(text) for text in exported(shared)} - {""} - yes
    kinds = {"explicit terms": {one for one in yes if "hsi" not in one}, "with HSI": yes}
    found: dict[str, Any] = {"negatives": len(no)}
    for name, forms in kinds.items():
        examples = [Example(one, one in forms, ()) for one in sorted(forms | no)]
        scores, answers = cross_validate(examples), [one.yes for one in examples]
        errors = measure_errors(scores, answers).as_json()
        found[name] = {
            "positives": len(forms),
            "area": errors["area"],
            "precision": errors["precision"],
            "recall": errors["recall"],
            "first": {row["first"]: row["yes"] for row in precision_at(scores, answers)},
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--phrases", type=int, default=1_000_000)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rng = random.Random(int(sha256(b"ranking").hexdigest(), 16))  # noqa: S311  # synthetic wordings
    parts = {"speed": partial(measure_speed, rng), "whole": partial(measure_whole, rng, options.phrases)}
    if options.shared.exists():
        parts["quality"] = partial(measure_quality, options.shared)
    figures = {}
    for name, part in parts.items():
        figures[name] = part()
        if not options.json:
            print(f"{name}: {json.dumps(figures[name])}", flush=True)
    if options.json:
        print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
