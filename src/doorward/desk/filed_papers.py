"""Papers as acts: added, read, and copies deleted by whoever made them. Each is recorded before it is shown.

INVARIANT (file before row): a row has a key only where its file is on the disk, whole; the row and its entry are one
transaction. INVARIANT (reading is an access): nothing of a paper leaves before the entry that says who reads it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from os import urandom
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from doorward.desk.access import Actor, matter_of, paper_of
from doorward.desk.entries import act_entry
from doorward.desk.history import NotAllowedError
from doorward.desk.holding import check_free, take_turn, thing_of
from doorward.desk.ids import draw_id
from doorward.desk.messages.names import make_safe_name
from doorward.desk.models import Event, Matter, Paper, PaperKey, Standing, State
from doorward.desk.order import order, papers_of
from doorward.desk.paper_keys import DeskKey, load_keys, make_keys
from doorward.desk.paper_store import Draft, OpenPaper, PaperFolder, Swept, open_paper, sweep
from doorward.desk.papers.kinds import Found
from doorward.desk.papers.seal import NONCE_BYTES, Binding, unwrap_key, wrap_key
from doorward.desk.recorder import recorder
from doorward.desk.roles import MAY, Act
from doorward.errors import ConfigError, StoreError
from doorward.record.entry import Field, Kind

MESSAGE_CLASS: Final = "message"
OTHER_CLASS: Final = "other"
MAX_PAPER_BYTES: Final = 64 * 1024 * 1024
MAX_MATTER_BYTES: Final = 1024 * 1024 * 1024
MAX_MATTER_PAPERS: Final = 200
MEGA: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a file.

    Args:
        paper_class: A class of the order, `message` or `other`.
        standing: Of `Standing`; said now and never changed.
        file_name: As the browser has it; untrusted.
    """

    paper_class: str
    standing: str
    file_name: str


def folder() -> PaperFolder:
    """Return where this desk's files are."""
    return PaperFolder.of(settings.DESK.data)


def classes() -> tuple[str, ...]:
    """Return what a file can be said to be."""
    return (*papers_of(order().pack), MESSAGE_CLASS, OTHER_CLASS)


def begin(actor: Actor, matter: Matter) -> Draft:
    """Return a draft for a paper of a matter; nothing is kept before `add`.

    Raises:
        NotAllowedError: They may not, or the matter is closed or full.
        ConfigError: The desk's keys for papers are not there.
        StoreError: The disk refused.
    """
    _check_adding(actor, matter, 0)
    ensure_keys()
    draft = Draft(folder(), Binding(draw_id(), matter.pk))
    draft.begin()
    return draft


def add(actor: Actor, matter: Matter, draft: Draft, said: Said) -> Paper:
    """Return the paper; its file, its row and its entry are there when this returns.

    Raises:
        NotAllowedError: They may not any more, or the matter is closed or full.
        ConfigError: The order knows no such class, or there is no such standing.
        MalformedError: The file is nothing that the desk keeps.
        StoreError: The disk refused, or it cannot be recorded; nothing is kept.
    """
    kept = False
    try:
        if said.paper_class not in classes() or said.standing not in Standing.values:
            raise ConfigError("say which paper it is, and whether it is evidence")
        found = draft.keep()
        with transaction.atomic():
            paper = _put(actor, matter, draft, said, found)
            kept = True  # from here the database alone knows; a stray file is reported by a sweep
    finally:
        if not kept:
            draft.drop()
    return paper


def add_pieces(actor: Actor, matter: Matter, pieces: Iterable[bytes], said: Said) -> Paper:
    """Return a paper of a file that the desk has already, such as the message that a matter was filed by.

    Raises:
        NotAllowedError, ConfigError, MalformedError, StoreError: As `begin` and `add`; nothing is kept.
    """
    draft = begin(actor, matter)
    try:
        for piece in pieces:
            draft.feed(piece)
        return add(actor, matter, draft, said)
    finally:
        draft.let_go()


def _put(actor: Actor, matter: Matter, draft: Draft, said: Said, found: Found) -> Paper:
    take_turn(shared=True)  # while keys are wrapped again, nothing is wrapped with the old one
    locked = Matter.objects.select_for_update().get(pk=matter.pk)
    _check_adding(actor, locked, draft.size)
    binding, key = draft.binding, load_keys(settings.DESK.paper_keys)[0]
    entry, office = record(
        actor, locked, Act.ADD_PAPER, digest=draft.sha256, more={Field.WHAT: said.paper_class}
    )
    paper = Paper.objects.create(
        id=binding.paper, matter=locked, paper_class=said.paper_class, presented=actor.now, seen=True,
        file_name=make_safe_name(said.file_name, number=1, kind=found.kind), file_type=found.kind,
        file_bytes=draft.size, file_sha256=draft.sha256, file_flags=list(found.flags), standing=said.standing,
        added_by=actor.account, entry=entry,
    )  # fmt: skip
    wrapped = wrap_key(draft.key, binding, by=key.key, name=key.name, nonce=urandom(NONCE_BYTES))
    PaperKey.objects.create(paper=paper, wrapped=wrapped, wrapped_by=key.name)
    add_event(actor, locked, Act.ADD_PAPER.value, office=office, entry=entry, paper=paper)
    return paper


def read(actor: Actor, key: UUID) -> tuple[Paper, OpenPaper] | None:
    """Return a paper and its bytes, or None where there is none for this person.

    The file was looked through when this returns, and that it is read stands in the record.

    Raises:
        NotAllowedError: They may read none, or it is erased.
        VerificationError: The file is not what was recorded.
        StoreError: There is no file, or it cannot be recorded; nothing is shown.
    """
    paper = paper_of(actor, key)
    if paper is None:
        return None
    if not actor.may(Act.READ_PAPER):
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    if paper.erased is not None:
        raise NotAllowedError("it is erased")
    opened = open_file(paper, load_keys(settings.DESK.paper_keys))
    try:
        with transaction.atomic():
            entry, office = record(
                actor,
                paper.matter,
                Act.READ_PAPER,
                digest=paper.file_sha256,
                more={Field.WHAT: paper.paper_class},
            )
            add_event(actor, paper.matter, Act.READ_PAPER.value, office=office, entry=entry, paper=paper)
    except BaseException:
        opened.close()
        raise
    return paper, opened


def open_file(paper: Paper, keys: tuple[DeskKey, ...]) -> OpenPaper:
    """Return a paper's bytes, looked through; for `read`, and for the check of all papers.

    Raises:
        StoreError: There is no file or no key.
        VerificationError: The file or its key is not what was kept.
    """
    held = PaperKey.objects.filter(paper=paper).first()
    by = {one.name: one.key for one in keys}
    if held is None or held.wrapped_by not in by:
        raise StoreError("a paper's key is not there", hint="is the key file the one of this desk?")
    binding = Binding(paper.pk, paper.matter_id)
    key = unwrap_key(bytes(held.wrapped), binding, by=by[held.wrapped_by], name=held.wrapped_by)
    assert paper.file_bytes is not None
    return open_paper(folder(), binding, key, size=paper.file_bytes, digest=paper.file_sha256)


def delete_copy(actor: Actor, key: UUID) -> Paper | None:
    """Return a copy that is no evidence after its key and its file went, or None where there is none for this person.

    Raises:
        NotAllowedError: It is evidence, another's, under a hold, or gone.
        StoreError: It cannot be recorded; nothing was deleted.
    """
    if paper_of(actor, key) is None:
        return None
    with transaction.atomic():
        take_turn()
        paper = Paper.objects.select_for_update().get(pk=key)
        matter = Matter.objects.get(pk=paper.matter_id)
        if not actor.may(Act.DELETE_COPY) or paper.added_by_id != actor.account.pk:
            raise NotAllowedError("a copy is deleted by whoever added it")
        if paper.standing == Standing.EVIDENCE:
            raise NotAllowedError("it is evidence", hint="evidence goes by the retention schedule alone")
        if paper.erased is not None:
            raise NotAllowedError("it is erased already")
        check_free(thing_of(matter))
        entry, office = record(actor, matter, Act.DELETE_COPY, digest=paper.file_sha256)
        add_event(actor, matter, Act.DELETE_COPY.value, office=office, entry=entry, paper=paper)
        erase(paper, now=actor.now)
    remove_file(paper.pk)
    return paper


def drop_drill(matter: Matter) -> tuple[UUID, ...]:
    """Take the keys of a drill's papers away; return whose files `remove_file` removes after the commit.

    For whoever deletes a drill: within the transaction, before the rows go.

    Raises:
        NotAllowedError: It is no drill, or is under a hold.
    """
    take_turn()
    if not matter.drill:
        raise NotAllowedError("it is no drill: what is in it stays")
    check_free(thing_of(matter))
    papers = tuple(Paper.objects.filter(matter=matter).values_list("pk", flat=True))
    PaperKey.objects.filter(paper__in=papers).delete()
    return papers


def erase(paper: Paper, *, now: datetime) -> None:
    """Take a paper's key away, and its name; the database refuses where it must not go. Within a transaction."""
    PaperKey.objects.filter(paper=paper).delete()
    paper.erased, paper.file_name = now, ""
    paper.save(update_fields=["erased", "file_name"])


def remove_file(paper: UUID) -> None:
    """Remove the file of a paper whose key is gone; what stays behind after a crash opens for nobody, and is swept.

    Raises:
        StoreError: The disk refused.
    """
    try:
        folder().file(paper).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"the key is gone and the file could not be removed: {error.strerror}",
            hint="`doorward paper sweep`",
        ) from error


def record(
    actor: Actor,
    matter: Matter,
    act: Act,
    *,
    digest: str,
    word: str = "",
    more: Mapping[Field, str] | None = None,
) -> tuple[int, str]:
    """Return the entry of an act with a paper, and the role by which it was done.

    Args:
        word: Of the act, where it is none of `Act`.

    Raises:
        StoreError: It cannot be recorded.
    """
    by = actor.assignment(MAY[act])
    assert by is not None
    login = actor.account.login
    fields = act_entry(matter.pk, word or act.value, login=login, office=by.role, document=digest)
    fields = tuple(sorted((*fields, *((name, text.encode()) for name, text in (more or {}).items()))))
    return recorder().record([(Kind.ACT, fields)], now=actor.now), by.role


def add_event(actor: Actor, matter: Matter, act: str, *, office: str, entry: int, paper: Paper) -> None:
    """Add to a matter's history what was done with a paper of it."""
    Event.objects.create(
        matter=matter, at=actor.now, by=actor.account, office=office, act=act, entry=entry,
        says={"paper": paper.paper_class, "id": str(paper.pk), "sha256": paper.file_sha256},
    )  # fmt: skip


def ensure_keys() -> None:
    """Make the desk's first key for papers, where there is none and no paper was sealed yet.

    Raises:
        ConfigError: The file is gone, and papers were sealed with it.
        StoreError: It cannot be written.
    """
    file = settings.DESK.paper_keys
    if file.exists():
        return
    count = PaperKey.objects.count()
    if count:
        raise ConfigError(
            f"the key file `{file.name}` is gone, and {count} papers are sealed with it",
            hint="put it back from where it is kept apart; nothing is added meanwhile",
        )
    make_keys(file)


def sweep_papers(now: datetime, *, is_start: bool = False, remove_strays: bool = False) -> Swept:
    """Return what was found where papers are; see `paper_store.sweep`.

    Args:
        is_start: Nobody is adding anything yet.

    Raises:
        StoreError: The folder cannot be read or written.
    """

    def rows() -> dict[UUID, bool]:
        named = Paper.objects.exclude(file_sha256="").values_list("pk", "key__pk")
        return {paper: key is not None for paper, key in named}

    more = {"grace": now - now} if is_start else {}
    return sweep(folder(), rows, now=now, remove_strays=remove_strays, **more)


def look_after(now: datetime) -> list[str]:
    """Return what somebody has to look at where papers are, as the desk starts; what a crash left behind is removed."""
    try:
        ensure_keys()
        swept = sweep_papers(now, is_start=True)
    except (ConfigError, StoreError) as error:
        return [str(error)]
    lines = []
    if swept.missing:
        lines.append(f"{len(swept.missing)} papers have no file; `doorward paper check` names them")
    if swept.strays:
        lines.append(f"{len(swept.strays)} files of papers have no row; `doorward paper sweep` says more")
    return lines


def _check_adding(actor: Actor, matter: Matter, size: int) -> None:
    if not actor.may(Act.ADD_PAPER):
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    if matter_of(actor, matter.pk) is None:
        raise NotAllowedError("there is no such matter for you")
    if matter.state == State.CLOSED:
        raise NotAllowedError("it is closed", hint="file a new one that names it")
    if size > MAX_PAPER_BYTES:
        raise NotAllowedError(f"a paper has at most {MAX_PAPER_BYTES // MEGA} MB")
    held = Paper.objects.filter(matter=matter, erased=None)
    there = held.aggregate(bytes=Sum("file_bytes"))["bytes"] or 0
    if held.count() >= MAX_MATTER_PAPERS or there + size > MAX_MATTER_BYTES:
        raise NotAllowedError(
            f"a matter has at most {MAX_MATTER_PAPERS} papers and {MAX_MATTER_BYTES // MEGA} MB",
            hint="file a second matter that names it",
        )
