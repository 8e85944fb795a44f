"""Who has worked through which version of what a front desk learns: a person by login, or a phone's place.

INVARIANT (history is only added to): an acknowledgement is never changed or removed; the database refuses both.
"""

from typing import ClassVar

from django.db import models

from doorward.desk.models.accounts import Account
from doorward.desk.models.visits import Place


class Training(models.Model):
    """One acknowledgement, of a person or of a place."""

    tenant = models.CharField(max_length=64)
    version = models.CharField(max_length=64)  # of what is learned; a new order text alone changes it not
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="trainings")
    place = models.ForeignKey(Place, on_delete=models.PROTECT, null=True, related_name="trainings")
    at = models.DateTimeField()
    entry = models.BigIntegerField()

    class Meta:
        """Of one of the two; a person acknowledges a version once."""

        db_table = "training"
        ordering: ClassVar = ["entry"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(account__isnull=True) ^ models.Q(place__isnull=True),
                name="training_of_one",
            ),
            models.UniqueConstraint(fields=["account", "tenant", "version"], name="training_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "version"], name="training_version")]

    def __str__(self) -> str:
        return f"{self.tenant} {self.version[:12]}"
