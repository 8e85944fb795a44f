"""What the registers said when the order was asked about a matter: one row a decision.

INVARIANT (history is only added to): a reading is never changed or removed; the database refuses both.
"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from doorward.desk.models.matters import Matter


class Reading(models.Model):
    """What one decision rests on; the last one of a matter is what it rests on now."""

    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="readings")
    at = models.DateTimeField()
    entry = models.BigIntegerField(unique=True)  # of the decision in the record
    sources = ArrayField(models.CharField(max_length=120))  # ids of what is on file
    place = models.CharField(max_length=120, blank=True)  # the entry of the register of places, as it was
    ends = models.DateTimeField(null=True, blank=True)  # of what ends first
    unread = models.BooleanField(default=False)  # a register could not be read
    said = models.JSONField()  # register, source, facts, words, end
    silent = models.JSONField()  # register, why, facts
    may = ArrayField(models.CharField(max_length=16))  # outcomes that what is unknown leaves possible

    class Meta:
        """Found by what is on file, and by what ends."""

        db_table = "reading"
        ordering: ClassVar = ["entry"]
        indexes: ClassVar = [
            GinIndex(fields=["sources"], name="reading_sources"),
            models.Index(fields=["matter", "entry"], name="reading_matter_entry"),
            models.Index(fields=["ends"], name="reading_ends"),
        ]

    def __str__(self) -> str:
        return f"{self.matter} on {', '.join(self.sources) or 'nothing'}"
