"""Phrases a second of the audit lexicon on distinct reasons, beside `grep -E` over the same column.

grep is asked twice: for 60 plain words, which says only that a line has one of them; and, on the first 10,000 lines,
for the lexicon's own expressions, slips included (it has no `\\d`, so it is asked for `[0-9]`).

    python bench/lookback_phrases.py 1000000

The reasons are invented: 16 wordings, a name, a case number that makes each of them distinct. Time is of this process
and of grep, in CPU-seconds and on the clock, in one run.
"""

import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.words.phrases import write_phrases
from doorward.orders.load import load_lexicon, load_pack

BASE = (
    "investigation", "suspect vehicle", "stolen vehicle", "211pc", "459 pc burg", "hit and run", "missing juvenile",
    "hsi narcotics", "ice warrant", "welfare check", "dv suspect", "traffic stop", "theft from vehicle", "robbery susp",
    "locate honda civic", "attempt to locate",
)  # fmt: skip
NAMES = ("sample", "jones", "baker", "mason", "garcia", "lopez", "kelly", "adams")
HEAD = 10_000
PLAIN = [
    "immigration",
    "deportation",
    "deportable",
    "detainer",
    "removal",
    "alien",
    "aliens",
    "undocumented",
    "illegals",
    "ice",
    "hsi",
    "cbp",
    "ero",
    "usbp",
    "287g",
    "dhs",
    "homeland",
    "fbi",
    "dea",
    "atf",
    "usms",
    "protest",
    "rally",
    "abortion",
    "asian",
    "hispanic",
    "chinese",
    "mexican",
    "muslim",
    "test",
    "testing",
    "training",
    "audit",
    "custody",
    "missing",
    "runaway",
    "welfare",
    "suicidal",
    "warrant",
    "wanted",
    "fugitive",
    "subpoena",
    "court",
    "assist",
    "stolen",
    "gta",
    "theft",
    "burglary",
    "robbery",
    "assault",
    "homicide",
    "shooting",
    "domestic",
    "dv",
    "narcotics",
    "drugs",
    "fraud",
    "weapon",
    "arson",
    "vandalism",
    "trespass",
    "dui",
    "reckless",
    "traffic",
    "speeding",
][:60]


def cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def timed(what: Callable[[], object], who: int) -> tuple[float, float]:
    begin, used = time.perf_counter(), cpu(who)
    what()
    return time.perf_counter() - begin, cpu(who) - used


def speed(wall: float, used: float, count: int) -> str:
    return f"{wall:.1f} s, {used:.1f} CPU-s, {count / used:,.0f} a CPU-s"


def as_grep(expression: str) -> str:
    return expression.replace("(?:", "(").replace(r"\d", "[0-9]").replace(r"\t-\r ", "[:space:]")


def grep(flag: str, words: Path, file: Path) -> tuple[float, float, str]:
    begin, used = time.perf_counter(), cpu(resource.RUSAGE_CHILDREN)
    command = ["grep", "-E", "-i", flag, "-c", "-f", str(words), str(file)]
    hits = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return time.perf_counter() - begin, cpu(resource.RUSAGE_CHILDREN) - used, hits


def main(count: int) -> None:
    lexicon = load_lexicon(load_pack("chicago"))
    draw = random.Random(1)  # noqa: S311  # a fixed draw
    with tempfile.TemporaryDirectory() as name:
        folder, text = AuditFolder(Path(name)), Path(name) / "reasons.txt"
        folder.rows.mkdir(parents=True)
        with text.open("w", encoding="utf-8") as file:
            for number in range(count):
                file.write(
                    f"{draw.choice(BASE)} {draw.choice(NAMES)} {draw.randrange(10, 27)}-{number:07d}\n"
                )
        plain, full, head = Path(name) / "plain", Path(name) / "full", Path(name) / "head"
        plain.write_text("\n".join(PLAIN))
        full.write_text("\n".join(as_grep(pattern.expression) for pattern in lexicon.patterns))
        with text.open(encoding="utf-8") as file, head.open("w", encoding="utf-8") as first:
            first.writelines(line for line, _ in zip(file, range(HEAD), strict=False))
        with open_engine(folder.scratch, memory="1GB") as engine:
            engine.execute(
                "COPY (SELECT reason, 'value' AS reason_state, NULL::VARCHAR AS offense, "
                "'not-exported' AS offense_state, "
                "NULL::VARCHAR AS filters, 'not-exported' AS filters_state, NULL::VARCHAR AS prompt, "
                "'not-exported' AS prompt_state "
                "FROM read_csv(?, header = false, delim = '\t', columns = {'reason': 'VARCHAR'})) "
                f"TO '{folder.rows}/0000.parquet' (FORMAT parquet)",
                [str(text)],
            )
            wall, used = timed(lambda: write_phrases(engine, lexicon, folder), resource.RUSAGE_SELF)
            hit = engine.execute(
                f"SELECT count(*) FROM read_parquet('{folder.phrases}') WHERE len(patterns) > 0"
            ).fetchone()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        asked = [
            ("60 words", "-w", plain, text, count),
            ("its expressions", "-s", full, head, min(count, HEAD)),
        ]
        lines = [(what, lines, *grep(flag, words, file)) for what, flag, words, file, lines in asked]
    print(f"{count:,} distinct reasons, {len(lexicon.patterns)} patterns")
    print(f"phrases: {speed(wall, used, count)}, peak {peak} MB, {hit} with a hit")
    for what, looked_at, its_wall, its_used, hits in lines:
        print(f"grep, {what}: {looked_at:,} lines, {speed(its_wall, its_used, looked_at)}, {hits} hit")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
