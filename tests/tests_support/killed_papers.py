"""A desk's process that is killed at its nth step while a paper is added or deleted; prints what was left.

Run as a program with the act as its argument; the environment names a desk of its own. Each try is a process of its
own, ended by SIGKILL; what is left is looked at as a start of the desk looks at it.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MARK = b"a line of the paper in the clear"
PDF = b"%PDF-1.7\n" + MARK * 5000 + b"\n%%EOF\n"
STEPS = ("open", "write", "fsync", "rename", "unlink", "link", "replace")


def main(act: str) -> None:
    """Kill the act at its first step, its second, and so on, until it ends by itself."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "doorward.desk.settings"
    count = [0, 0]  # steps so far, and the one to die at; 0: none
    for name in STEPS:
        setattr(os, name, counted(getattr(os, name), count))
    import django

    django.setup()
    from django.conf import settings
    from django.db import connections
    from django.db.transaction import Atomic

    from doorward.desk.recorder import Recorder

    for owner, name in ((Atomic, "__exit__"), (Recorder, "record")):
        setattr(owner, name, counted(getattr(owner, name), count))
    number = 0
    while True:
        number += 1
        made = prepare(act)
        connections.close_all()
        child = os.fork()
        if child == 0:
            run(act, made, count, number)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(
            json.dumps({"step": number, "ended": status == 0, **look(made, settings.DESK.data)}), flush=True
        )
        if status == 0:
            return
        assert os.WTERMSIG(status) == signal.SIGKILL, status


def counted(call: Callable[..., Any], count: list[int]) -> Callable[..., Any]:
    """Return a call that is a step before and after it is made."""

    def step() -> None:
        count[0] += 1
        if count[1] and count[0] == count[1]:
            os.kill(os.getpid(), signal.SIGKILL)

    def called(*args: Any, **kwargs: Any) -> Any:
        step()
        found = call(*args, **kwargs)
        step()
        return found

    return called


def client_of(account: Any) -> Any:
    """Return a browser of somebody's."""
    from django.test import Client

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(account)
    session = client.session
    session["played"] = True
    session.save()
    return client


def recorder(now: datetime) -> Any:
    """Return the desk's recorder, held by this process."""
    from django.conf import settings

    from doorward.desk.recorder import WORKER, Recorder, hold
    from doorward.record.spool import Spool
    from doorward.record.workers import worker_folder

    made = Recorder(Spool.open(worker_folder(settings.DESK.spool, WORKER), now=now, worker=WORKER))
    hold(made)
    return made


def send(client: Any, matter: Any, standing: str) -> Any:
    """Add a paper as a browser does."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    form = {
        "paper_class": "detainer",
        "standing": standing,
        "whole": "1",
        "file": SimpleUploadedFile("a.pdf", PDF),
    }
    return client.post(f"/matters/{matter.pk}/papers/", form)


def prepare(act: str) -> tuple[Any, Any]:
    """Return an account and a fresh matter, with a copy in it where it will be deleted."""
    from django.conf import settings

    from doorward.desk.ids import draw_id
    from doorward.desk.models import Account, Matter
    from doorward.desk.paper_keys import make_keys
    from doorward.desk.recorder import hold

    now = datetime.now(UTC)  # noqa: TID251  # a program of its own
    account = Account.objects.get(login=f"killed.{act}.example")
    make_keys(settings.DESK.paper_keys)  # other tests have papers in this database, and keys of their own
    made = recorder(now)
    form = {"of-custody": "hold", "who-asks": "ICE-ERO", "papers": ["detainer"], "custody-origin": "arrest"}
    client = client_of(account)
    answer = client.post("/new/detainer/", {**form, "token": str(draw_id()), "file": "1"})
    matter = Matter.objects.get(pk=answer.headers["location"].split("/")[2])
    if act == "delete":
        assert send(client, matter, "scratch").status_code == 302
    hold(None)
    made.close(now=now)
    return account, matter


def run(act: str, made: tuple[Any, Any], count: list[int], number: int) -> None:
    """Do the act, and die at a step of it."""
    account, matter = made
    recorder(datetime.now(UTC))  # noqa: TID251  # a program of its own
    client = client_of(account)
    paper = matter.papers.first()
    count[:] = [0, number]
    delete = f"/papers/{paper.pk}/delete/" if act == "delete" else ""
    answer = client.post(delete) if delete else send(client, matter, "evidence")
    count[1] = 0
    assert answer.status_code == 302


def look(made: tuple[Any, Any], data: Path) -> dict[str, Any]:
    """Return what a start of the desk finds, and what a paper that has a row is."""
    from django.conf import settings

    from doorward.desk.filed_papers import open_file, sweep_papers
    from doorward.desk.models import Event, PaperKey
    from doorward.desk.paper_keys import load_keys
    from doorward.desk.recorder import WORKER
    from doorward.record.entry import Field
    from doorward.record.replay import Block
    from doorward.record.segments import SpoolReader
    from doorward.record.workers import worker_folder

    _, matter = made
    now = datetime.now(UTC)  # noqa: TID251  # a program of its own
    clear = [file.name for file in data.rglob("*") if file.is_file() and MARK in file.read_bytes()]
    swept = sweep_papers(now, is_start=True, remove_strays=True)
    assert sweep_papers(now, is_start=True).drafts == 0
    found = []
    spool = SpoolReader(worker_folder(settings.DESK.spool, WORKER)).read()
    entries = {
        entry.sequence: (entry.get(Field.ACT) or b"").decode()
        for one in spool if isinstance(one, Block) for entry in one.entries
    }  # fmt: skip
    for paper in matter.papers.all():
        keyed = PaperKey.objects.filter(paper=paper).exists()
        whole = keyed and b"".join(open_file(paper, load_keys(settings.DESK.paper_keys))) == PDF
        events = Event.objects.filter(matter=matter, says__id=str(paper.pk)).order_by("entry")
        found.append({
            "whole": whole, "keyed": keyed, "erased": paper.erased is not None,
            "recorded": [entries.get(one.entry) for one in events],
        })  # fmt: skip
    of_ours = PaperKey.objects.filter(paper__matter__tenant=matter.tenant)
    keys = {one.hex for one in of_ours.values_list("pk", flat=True)}
    files = {file.stem for file in (data / "papers").iterdir()} if (data / "papers").is_dir() else set()
    return {
        "papers": found, "clear": clear, "files_are_keys": files == keys,
        "missing": of_ours.filter(pk__in=swept.missing).count(),
        "left": swept.drafts + len(swept.strays) + swept.erased,
    }  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
