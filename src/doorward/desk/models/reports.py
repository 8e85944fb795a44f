"""What the desk keeps of reports, public totals and public-records answers; every table here is only added to.

INVARIANT (history is only added to): the database refuses to change or remove a row; a correction is another row.
"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from doorward.desk.models.accounts import Account
from doorward.desk.models.matters import Matter
from doorward.desk.models.visits import Visit

ONE_OF = models.Q(matter__isnull=False, visit__isnull=True) | models.Q(
    matter__isnull=True, visit__isnull=False
)


class Done(models.Model):
    """What every row of these tables says of the act that added it."""

    at = models.DateTimeField()
    by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    office = models.CharField(max_length=32)  # the role by which it was done
    entry = models.BigIntegerField()

    class Meta:
        """No table of its own."""

        abstract = True


class ReportLine(Done):
    """What somebody of the law department said of a matter or a visit for the reports; the last word on each counts."""

    matter = models.ForeignKey(Matter, null=True, on_delete=models.PROTECT, related_name="report_lines")
    visit = models.ForeignKey(Visit, null=True, on_delete=models.PROTECT, related_name="report_lines")
    says = models.JSONField()  # words of the order, days and references

    class Meta:
        """In the order in which they were recorded."""

        db_table = "report_line"
        ordering: ClassVar = ["entry"]
        constraints: ClassVar = [models.CheckConstraint(condition=ONE_OF, name="report_line_of_one")]

    def __str__(self) -> str:
        return f"for the reports: {self.matter or self.visit}"


class CustodyUpload(Done):
    """A file of custody events that was imported: its digest and what became of its rows; the file is not kept."""

    id = models.UUIDField(primary_key=True, editable=False)
    digest = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    new = models.PositiveIntegerField()
    corrections = models.PositiveIntegerField()
    held = models.PositiveIntegerField()
    refused = models.PositiveIntegerField()

    class Meta:
        """The same file may bring more, once a paper is there that its row names."""

        db_table = "custody_upload"
        indexes: ClassVar = [models.Index(fields=["digest"], name="custody_upload_digest")]

    def __str__(self) -> str:
        return f"custody events of {self.at:%Y-%m-%d}"


class CustodyRow(models.Model):
    """One custody event, as the custody system said it."""

    event = models.CharField(max_length=40, unique=True)  # its id there
    paper = models.CharField(max_length=40)  # the desk's number of the paper
    word = models.CharField(max_length=16)
    at = models.DateTimeField()
    agency = models.CharField(max_length=64, blank=True)
    corrects = models.CharField(max_length=40, blank=True)
    upload = models.ForeignKey(CustodyUpload, on_delete=models.PROTECT, related_name="events")

    class Meta:
        """By paper."""

        db_table = "custody_event"
        indexes: ClassVar = [models.Index(fields=["paper"], name="custody_event_paper")]

    def __str__(self) -> str:
        return self.event


class FiledReport(Done):
    """A version of a statutory report, with what an official signs."""

    id = models.UUIDField(primary_key=True, editable=False)
    report = models.CharField(max_length=16)
    period = models.CharField(max_length=8)
    version = models.PositiveIntegerField()
    replaces = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="replaced_by")
    statement = models.BinaryField()
    digest = models.CharField(max_length=64)  # of the statement
    content = models.CharField(max_length=64)  # of the tables alone: what is the same is not made twice
    lines = models.JSONField()  # each line of each table with the rows behind it
    certified = ArrayField(models.TextField())  # what it certifies of tables without a row
    order_digest = models.CharField(max_length=64)

    class Meta:
        """A version follows the one before it."""

        db_table = "filed_report"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["report", "period", "version"], name="filed_report_version")
        ]

    def __str__(self) -> str:
        return f"{self.report} {self.period}, version {self.version}"


class ReportFile(models.Model):
    """A file of a report, as it was made."""

    report = models.ForeignKey(FiledReport, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=80)
    sha256 = models.CharField(max_length=64)
    body = models.BinaryField()

    class Meta:
        """By name."""

        db_table = "report_file"
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["report", "name"], name="report_file_name")]

    def __str__(self) -> str:
        return self.name


class ReportSignature(Done):
    """The note by which an official signed a report, elsewhere, with a key of their own."""

    report = models.OneToOneField(FiledReport, on_delete=models.PROTECT, related_name="signature")
    note = models.BinaryField()
    signer = models.CharField(max_length=120)

    class Meta:
        """One a version."""

        db_table = "report_signature"

    def __str__(self) -> str:
        return f"{self.report}, signed"


class Publication(Done):
    """A quarter of the public table, as it stands for ever."""

    quarter = models.CharField(max_length=8, unique=True)
    day = models.DateField()  # of the schedule
    scheme = models.JSONField()  # what is counted; the same for ever
    table = models.BinaryField()
    totals = models.BinaryField()

    class Meta:
        """By quarter."""

        db_table = "publication"
        ordering: ClassVar = ["quarter"]

    def __str__(self) -> str:
        return self.quarter


class PublicationCount(models.Model):
    """What was counted in a quarter, once and for ever: a matter or a visit."""

    publication = models.ForeignKey(Publication, on_delete=models.PROTECT, related_name="counted")
    matter = models.OneToOneField(Matter, null=True, on_delete=models.PROTECT, related_name="+")
    visit = models.OneToOneField(Visit, null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=40)
    outcome = models.CharField(max_length=40)

    class Meta:
        """Nothing is counted twice."""

        db_table = "publication_count"
        constraints: ClassVar = [models.CheckConstraint(condition=ONE_OF, name="publication_count_of_one")]

    def __str__(self) -> str:
        return f"{self.publication} {self.kind}"


class PublicationSignature(Done):
    """The auditor's note over the totals of a quarter; with it the quarter is public."""

    publication = models.OneToOneField(Publication, on_delete=models.PROTECT, related_name="signature")
    note = models.BinaryField()
    signer = models.CharField(max_length=120)

    class Meta:
        """One a quarter."""

        db_table = "publication_signature"

    def __str__(self) -> str:
        return f"{self.publication}, signed"


class RecordsAnswer(Done):
    """An answer to a request for records: which matters and visits respond, and what leaves of them."""

    id = models.UUIDField(primary_key=True, editable=False)
    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="records_answers")
    first = models.DateField()
    last = models.DateField()

    class Meta:
        """The latest first."""

        db_table = "records_answer"
        ordering: ClassVar = ["-entry"]

    def __str__(self) -> str:
        return f"records for {self.matter}"


class RecordsChoice(Done):
    """That a matter or a visit responds, or does not any more; the last word counts."""

    answer = models.ForeignKey(RecordsAnswer, on_delete=models.PROTECT, related_name="choices")
    matter = models.ForeignKey(Matter, null=True, on_delete=models.PROTECT, related_name="+")
    visit = models.ForeignKey(Visit, null=True, on_delete=models.PROTECT, related_name="+")
    responds = models.BooleanField()

    class Meta:
        """In the order in which they were recorded."""

        db_table = "records_choice"
        ordering: ClassVar = ["entry", "id"]
        constraints: ClassVar = [models.CheckConstraint(condition=ONE_OF, name="records_choice_of_one")]

    def __str__(self) -> str:
        return f"{self.answer}: {self.matter or self.visit}"


class RecordsDecision(Done):
    """What is decided of a field, or of a whole record; the last word counts."""

    answer = models.ForeignKey(RecordsAnswer, on_delete=models.PROTECT, related_name="decisions")
    record = models.CharField(max_length=20)  # the number of the matter or visit
    field = models.CharField(max_length=80)
    do = models.CharField(max_length=8)  # release, redact, withhold; empty: not decided any more
    code = models.CharField(max_length=20, blank=True)

    class Meta:
        """In the order in which they were recorded."""

        db_table = "records_decision"
        ordering: ClassVar = ["entry", "id"]

    def __str__(self) -> str:
        return f"{self.record} {self.field}"


class RecordsReview(Done):
    """What the law department says of an answer as it is: its digest, and whether it may leave."""

    answer = models.ForeignKey(RecordsAnswer, on_delete=models.PROTECT, related_name="reviews")
    digest = models.CharField(max_length=64)
    agrees = models.BooleanField()

    class Meta:
        """In the order in which they were recorded."""

        db_table = "records_review"
        ordering: ClassVar = ["entry"]

    def __str__(self) -> str:
        return f"{self.answer}, reviewed"
