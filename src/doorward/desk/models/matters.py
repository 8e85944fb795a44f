"""What people bring to the desk, what the order says of it, and what became of it.

INVARIANT (history is only added to): an event is never changed or removed; the database refuses both.
INVARIANT (recorded before shown): a matter and an event have the sequence of their entry in the record.
"""

from datetime import datetime, time, timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.timezone import localtime

from doorward.desk.models.accounts import Account
from doorward.record.workers import first_sequence, worker_of


class State(models.TextChoices):
    """Where a matter stands."""

    DECIDED = "decided", "decided by the order"
    WAITING = "waiting", "waits for an office"
    ANSWERED = "answered", "answered"
    CLOSED = "closed", "closed"


class Standing(models.TextChoices):
    """What a file is to the City; said when it is added, and never changed."""

    EVIDENCE = "evidence", "evidence"
    DRILL = "drill", "of a drill"
    RETAKE = "retake", "a take that will be made again"
    SCRATCH = "scratch", "a scratch copy"


class Matter(models.Model):
    """One request that somebody brought, as the order was asked about it."""

    id = models.UUIDField(primary_key=True, editable=False)
    number = models.CharField(max_length=16, unique=True)  # such as 2026-000123
    token = models.UUIDField()  # of the form that filed it: a second submit finds the first
    tenant = models.CharField(max_length=64)
    unit = models.CharField(max_length=64, blank=True)
    kind = models.CharField(max_length=64)  # of the order's intake
    channel = models.CharField(max_length=16)  # form, message, api
    answers = models.JSONField()  # to the questions of the kind
    facts = models.JSONField()  # as the order was asked
    received = models.DateTimeField()  # by the City
    filed = models.DateTimeField()
    filed_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="filed")
    order_name = models.CharField(max_length=64)
    order_digest = models.CharField(max_length=64)
    outcome = models.CharField(max_length=16)
    posture = models.CharField(max_length=32)
    addressee = models.CharField(max_length=32, blank=True)
    sentence = models.TextField()
    clauses = ArrayField(models.CharField(max_length=64))
    obligations = ArrayField(models.CharField(max_length=64))
    policies = ArrayField(models.CharField(max_length=64))
    state = models.CharField(max_length=16, choices=State.choices)
    due = models.DateTimeField(null=True, blank=True)  # of the clock that runs
    drill = models.BooleanField(
        default=False
    )  # an exercise: marked everywhere, counted nowhere, may be deleted
    sealed_until = models.DateTimeField(null=True, blank=True)
    counsel = models.ManyToManyField(Account, related_name="sealed_matters", db_table="matter_counsel")
    entry = models.BigIntegerField()  # sequence in the record

    class Meta:
        """The queue looks for what waits, the most urgent first."""

        db_table = "matter"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["filed_by", "token"], name="matter_filed_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "due"], name="matter_state_due"),
            models.Index(fields=["tenant", "unit", "filed"], name="matter_unit_filed"),
            models.Index(fields=["filed_by", "filed"], name="matter_filed_by"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def place(self) -> str:
        """Where its entry stands in the record, for people: the writer and the writer's own number."""
        own = self.entry - first_sequence(worker_of(self.entry))
        return f"writer {worker_of(self.entry)}, entry {own}"

    @property
    def due_says(self) -> str:
        """When it is due, for people: what is over at midnight is said by its last day, or they come a day late."""
        return "" if self.due is None else say_due(self.due)


def say_due(due: datetime) -> str:
    """Return a first moment at which something is over, as people read it in the city."""
    at = localtime(due)
    if at.time() == time():
        return f"end of {(at.date() - timedelta(days=1)).isoformat()}"
    return at.strftime("%Y-%m-%d %H:%M")


class Event(models.Model):
    """One thing that happened to a matter."""

    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField()
    by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    office = models.CharField(max_length=32)  # the role by which it was done
    act = models.CharField(max_length=32)
    says = models.JSONField()
    entry = models.BigIntegerField()

    class Meta:
        """In the order in which they were recorded."""

        db_table = "event"
        ordering: ClassVar = ["entry"]

    def __str__(self) -> str:
        return f"{self.matter} {self.act}"


class Paper(models.Model):
    """A paper that was served or shown: its class, and the file where there is one."""

    id = models.UUIDField(primary_key=True, editable=False)
    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="papers")
    paper_class = models.CharField(max_length=32)  # `context.papers.*` of the order
    presented = models.DateTimeField()
    seen = models.BooleanField(default=False)
    file_name = models.CharField(max_length=120, blank=True)
    file_type = models.CharField(max_length=64, blank=True)
    file_bytes = models.PositiveIntegerField(null=True, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    file_flags = ArrayField(models.CharField(max_length=16), default=list)  # words of `papers.kinds`
    standing = models.CharField(max_length=8, choices=Standing.choices, default=Standing.EVIDENCE)
    erased = models.DateTimeField(null=True, blank=True)  # its key and its file are gone
    added_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    entry = models.BigIntegerField()

    class Meta:
        """The file itself lies sealed in the data folder, by this id."""

        db_table = "paper"

    def __str__(self) -> str:
        return f"{self.matter} {self.paper_class}"


class Numbering(models.Model):
    """How many matters a year had: numbers follow each other without a gap."""

    year = models.CharField(max_length=12, primary_key=True)  # a series before it, where it is not of matters
    last = models.PositiveIntegerField(default=0)

    class Meta:
        """A row a year."""

        db_table = "numbering"

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"
