"""What the law department does with a matter: its clocks, its letters, and what was determined.

INVARIANT (history is only added to): what happened to a clock, a letter and what was done with it, and the link to a
determination are never changed or removed; the database refuses both. A clock's row beside its events is what lists are
sorted by, and is counted from them anew whenever one comes.
"""

from typing import ClassVar

from django.db import models

from doorward.desk.models.accounts import Account
from doorward.desk.models.matters import Matter


class Letter(models.Model):
    """A letter as somebody wrote it, whole; an edit is another one, without signatures."""

    id = models.UUIDField(primary_key=True, editable=False)
    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="letters")
    form = models.CharField(max_length=64)  # a letter of the order
    act = models.CharField(max_length=16)  # what the desk did, so that it goes out
    typed = models.JSONField()  # as it was typed, so that it can be edited
    basis = models.JSONField()  # the order's answer that it rests on
    statement = models.TextField()  # what is signed
    pdf = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    entry = models.BigIntegerField()

    class Meta:
        """In the order in which they were written."""

        db_table = "letter"
        ordering: ClassVar = ["entry"]

    def __str__(self) -> str:
        return f"{self.matter} {self.form}"


class LetterStep(models.Model):
    """One thing that somebody did with a letter: signed it, objected to it, marked it as sent."""

    SIGNED, OBJECTED, SENT = "signed", "objected", "sent"

    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, related_name="steps")
    step = models.CharField(max_length=16)
    at = models.DateTimeField()
    by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    office = models.CharField(max_length=32)
    note = models.TextField(blank=True)  # of a signature: the note with all so far
    says = models.CharField(max_length=200, blank=True)  # why somebody objects, or how it was sent
    entry = models.BigIntegerField()

    class Meta:
        """One signature a person, and sent once; of a release that is short of a signature see `releasing`."""

        db_table = "letter_step"
        ordering: ClassVar = ["entry"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["letter", "by"], condition=models.Q(step="signed"), name="letter_signed_once"
            ),
            models.UniqueConstraint(
                fields=["letter"], condition=models.Q(step="sent"), name="letter_sent_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.letter} {self.step}"


class MatterClock(models.Model):
    """A clock of a matter: which rule of the order, and how it stood after the last thing that happened to it."""

    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="clocks")
    rule = models.CharField(max_length=64)  # a clock of the order
    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, null=True, related_name="clocks")
    runs = models.BooleanField(default=True)  # False: met, or no longer the matter's
    missed = models.BooleanField(default=False)
    due = models.DateTimeField(null=True)  # None while it stands still, and when it is over

    class Meta:
        """The desk's look finds those that are over and not yet noted."""

        db_table = "matter_clock"
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["runs", "missed", "due"], name="matter_clock_late")]

    def __str__(self) -> str:
        return f"{self.matter} {self.rule}"


class ClockEvent(models.Model):
    """One thing that happened to a clock; `doorward.desk.deadlines.clock` judges them again at each look."""

    clock = models.ForeignKey(MatterClock, on_delete=models.PROTECT, related_name="events")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=16)
    at = models.DateTimeField()
    reason = models.CharField(max_length=64, blank=True)
    clause = models.CharField(max_length=120, blank=True)
    added = models.PositiveSmallIntegerField(default=0)  # by an extension, in the clock's unit
    until = models.DateTimeField(null=True)
    by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+"
    )  # None: the desk's own look
    entry = models.BigIntegerField()

    class Meta:
        """Two people who act at once on one clock cannot both be its next event."""

        db_table = "clock_event"
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clock", "number"], name="clock_event_number")
        ]

    def __str__(self) -> str:
        return f"{self.clock} {self.kind}"


class Determined(models.Model):
    """That a determination on file is about a matter; what it says stands in the register, as it was signed."""

    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="determined")
    record = models.CharField(max_length=12)  # its id in the register
    clause = models.CharField(max_length=64)
    by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    entry = models.BigIntegerField()

    class Meta:
        """A determination is linked once."""

        db_table = "determined"
        ordering: ClassVar = ["entry"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["matter", "record"], name="determined_once")]

    def __str__(self) -> str:
        return f"{self.matter} {self.record}"
