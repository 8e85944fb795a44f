"""How long a letter takes: cold in a new process, warm in one that has set letters before; the goal is 50 ms warm.

Beside it, where they are installed, WeasyPrint sets the same words from HTML and reportlab draws them; reportlab writes
no tags, so that its page is no letter that a city may send. CPU beside wall: other jobs run on the same machine.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from html import escape
from importlib.util import find_spec
from io import BytesIO

from doorward.desk.letters.answer import Answer, Letter
from doorward.desk.letters.render import render
from doorward.desk.letters.sample import DAY, sample_answer, sample_letter
from doorward.desk.letters.tables import Section, Table, render_table_report
from doorward.orders.load import load_letters, load_pack

ROUNDS = 60
COLD = """
import time; wall, cpu = time.perf_counter(), time.process_time()
from doorward.desk.letters.render import render
from doorward.desk.letters.sample import DAY, sample_answer, sample_letter
from doorward.orders.load import load_letters, load_pack
imported = time.process_time() - cpu
pack = load_pack("chicago"); book = load_letters(pack); loaded = time.process_time() - cpu - imported
letter = sample_letter(pack, book, book.forms["declined-paper"]); start = time.perf_counter(), time.process_time()
render(letter, sample_answer(letter), day=DAY)
end = time.perf_counter(), time.process_time()
print(imported, loaded, end[1] - start[1], end[0] - start[0], end[0] - wall)
"""


def measured(name: str, work: Callable[[int], object], rounds: int = ROUNDS) -> None:
    work(0)
    walls, cpus = [], []
    for number in range(1, rounds + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        work(number)
        walls.append((time.perf_counter() - wall) * 1e3)
        cpus.append((time.process_time() - cpu) * 1e3)
    walls.sort()
    print(
        f"{name:34} wall p50 {statistics.median(walls):6.1f} ms, p95 {walls[int(len(walls) * 0.95)]:6.1f} ms; "
        f"CPU p50 {statistics.median(cpus):6.1f} ms"
    )


def texts(letter: Letter, answer: Answer) -> list[str]:
    clauses = (letter.pack.clauses[name] for name in answer.clauses)
    return [letter.form.title, *answer.to, *(f"{one.id}, {one.cite}: {one.says}." for one in clauses)]


def weasy(lines: list[str], number: int) -> bytes:
    from weasyprint import HTML  # type: ignore[import-not-found]  # only where it is installed

    body = "".join(f"<p>{escape(line)}</p>" for line in (*lines, str(number)))
    page = f'<html lang="en"><head><title>Letter</title></head><body><h1>Letter</h1>{body}</body></html>'
    made: bytes = HTML(string=page).write_pdf(pdf_variant="pdf/ua-1")
    return made


def drawn(lines: list[str], number: int) -> bytes:
    from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped,import-not-found,unused-ignore]  # as above

    sink = BytesIO()
    canvas = Canvas(sink)
    for at, line in enumerate((*lines, str(number))):
        canvas.drawString(72, 720 - 14 * at, line)
    canvas.save()
    return sink.getvalue()


def main() -> None:
    runs = []
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", COLD], capture_output=True, text=True, check=True)
        runs.append(tuple(map(float, done.stdout.split())))
    imported, loaded, cpu, wall, whole = (statistics.median(run[at] for run in runs) * 1e3 for at in range(5))
    print(f"cold, a new process: import {imported:.0f} ms CPU, order and letters {loaded:.0f} ms CPU,")
    print(f"  the letter {cpu:.1f} ms CPU, {wall:.1f} ms wall; the whole process {whole:.0f} ms wall")
    pack = load_pack("chicago")
    book = load_letters(pack)
    for name in ("declined-paper", "produced", "person-told"):
        letter = sample_letter(pack, book, book.forms[name])
        answer = sample_answer(letter)
        fields = dict(answer.fields)

        def work(
            number: int, letter: Letter = letter, answer: Answer = answer, fields: dict[str, object] = fields
        ) -> bytes:
            one = Answer(f"D-{number}", answer.to, answer.received, answer.clauses, fields)
            return render(letter, one, day=DAY)

        measured(f"warm, {name}", work)
    rows = tuple((str(at), "released", "none") for at in range(500))
    table = Table("Papers received", ("Number", "What", "To"), rows)
    measured(
        "warm, a report of 500 rows",
        lambda n: render_table_report(f"Report {n}", [Section("Papers", (), (table,))], day=DAY, office="x"),
        10,
    )
    letter = sample_letter(pack, book, book.forms["declined-paper"])
    lines = texts(letter, sample_answer(letter))
    for module, other in (("weasyprint", weasy), ("reportlab", drawn)):
        if find_spec(module) is None:
            print(f"{module} is not installed: not measured")
        else:
            measured(f"warm, {module}, the same words", partial(other, lines), 10)


if __name__ == "__main__":
    main()
