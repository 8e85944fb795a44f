"""Notices that wait to be sent, and what became of each: one row for an occasion, an addressee and a channel.

A row is written in the transaction of what it tells of, so there is none without the other. It holds a number and no
word of what is told of.
"""

from typing import ClassVar

from django.db import models


class Waits(models.TextChoices):
    """Where a notice stands."""

    WAITING = "waiting", "waits to be sent"
    SENT = "sent", "sent"
    MOOT = "moot", "what it tells of waits no longer, or was sealed"
    DEAD = "dead", "given up"


class OutgoingNotice(models.Model):
    """One notice to one addressee by one channel."""

    id = models.UUIDField(primary_key=True, editable=False)  # the Message-ID, and the webhook's id
    about = models.CharField(max_length=16)  # visit, matter, or letter: its second signature
    subject = models.UUIDField()
    number = models.CharField(max_length=20)
    stage = models.CharField(max_length=8)  # asked, half, due
    occasion = models.BigIntegerField()  # the entry that it tells of, or the end of the clock
    addressee = models.CharField(max_length=101)  # an office, or @ and a login
    channel = models.CharField(max_length=8)  # mail or webhook
    made = models.DateTimeField()
    state = models.CharField(max_length=8, choices=Waits.choices, default=Waits.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    again = models.DateTimeField()
    sent = models.DateTimeField(null=True, blank=True)
    failed = models.CharField(max_length=200, blank=True)  # why the last try failed

    class Meta:
        """Once an occasion, addressee and channel; the worker looks for what is due."""

        db_table = "outgoing_notice"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject", "stage", "occasion", "addressee", "channel"], name="notice_once"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["state", "channel", "again"], name="notice_due")]

    def __str__(self) -> str:
        return f"{self.number} to {self.addressee} by {self.channel}"
