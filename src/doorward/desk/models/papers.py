"""Keys of papers, legal holds, disposals.

INVARIANT (history is only added to): a step of a hold or of a disposal is never changed or removed.
INVARIANT (nothing under a hold goes): the database refuses to delete a paper's key, a matter or a visit under a hold.
INVARIANT (a row stays): a paper's row outlives its file; what it says of the file is never changed.
"""

from typing import ClassVar

from django.db import models

from doorward.desk.models.accounts import Account
from doorward.desk.models.matters import Matter, Paper


class PaperKey(models.Model):
    """The key of one paper, wrapped by a key of the desk; without it the file opens for nobody."""

    paper = models.OneToOneField(Paper, on_delete=models.PROTECT, primary_key=True, related_name="key")
    wrapped = models.BinaryField(max_length=60)
    wrapped_by = models.CharField(max_length=16)  # the name of the desk's key

    class Meta:
        """Beside the paper, so that it can go alone."""

        db_table = "paper_key"

    def __str__(self) -> str:
        return f"the key of {self.paper_id}"


class HoldStep(models.Model):
    """One step of a legal hold: placed, proposed to be lifted, kept, lifted."""

    hold = models.UUIDField()
    step = models.CharField(max_length=16)
    at = models.DateTimeField()
    by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    office = models.CharField(max_length=32)
    scope = models.CharField(max_length=8, blank=True)  # of the first step
    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, null=True, related_name="+")
    tenant = models.CharField(max_length=64, blank=True)
    kind = models.CharField(max_length=64, blank=True)
    begins = models.DateTimeField(null=True)
    ends = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500)
    entry = models.BigIntegerField()

    class Meta:
        """In the order in which they were recorded; a hold is placed once and lifted once."""

        db_table = "hold_step"
        ordering: ClassVar = ["entry"]
        indexes: ClassVar = [models.Index(fields=["hold"], name="hold_step_hold")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["hold", "step"], condition=models.Q(step__in=("hold", "lift")), name="hold_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.hold} {self.step}"


class DisposalStep(models.Model):
    """One step of the disposal of a paper: proposed, taken back, done."""

    paper = models.ForeignKey(Paper, on_delete=models.PROTECT, related_name="disposals")
    step = models.CharField(max_length=20)
    at = models.DateTimeField()
    by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    office = models.CharField(max_length=32)
    item = models.CharField(max_length=63)  # of the order's retention schedule
    certificate = models.CharField(max_length=40)
    entry = models.BigIntegerField()

    class Meta:
        """In the order in which they were recorded; a paper goes once."""

        db_table = "disposal_step"
        ordering: ClassVar = ["entry"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["paper"], condition=models.Q(step="dispose"), name="paper_goes_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.paper_id} {self.step}"
