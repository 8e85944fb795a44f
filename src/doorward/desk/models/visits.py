"""Places with a front desk, the phones that stand there, and the visits that they file."""

from typing import ClassVar

from django.db import models

from doorward.desk.models.accounts import Account


class Place(models.Model):
    """A building or a desk where people meet visitors."""

    slug = models.SlugField(max_length=64, unique=True)
    kind = models.CharField(max_length=64)  # of the compiled protocols
    name = models.CharField(max_length=120)
    contacts = models.JSONField(default=dict)  # the building's own numbers
    tenant = models.CharField(max_length=64, default="city")
    unit = models.CharField(max_length=64)  # whose people see its visits

    class Meta:
        """By slug."""

        db_table = "place"

    def __str__(self) -> str:
        return self.name


class EnrolmentCode(models.Model):
    """A code by which one phone is bound to a place, for some minutes; only its digest is kept."""

    digest = models.BinaryField(max_length=32, unique=True)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    until = models.DateTimeField()
    made_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    used_by = models.BinaryField(max_length=32, null=True)  # the digest of the phone's token

    class Meta:
        """By digest."""

        db_table = "enrolment_code"

    def __str__(self) -> str:
        return f"a code for {self.place}"


class Phone(models.Model):
    """A shared phone at a place, by the digest of its token; it stands for the place, and for no person."""

    digest = models.BinaryField(max_length=32)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="phones")
    enrolled = models.DateTimeField()
    taken_back = models.DateTimeField(null=True)

    class Meta:
        """By digest; one that was taken back may come again, with a row of its own."""

        db_table = "phone"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["digest"], condition=models.Q(taken_back=None), name="phone_once")
        ]

    def __str__(self) -> str:
        return f"a phone at {self.place}"


class CompiledProtocols(models.Model):
    """Protocols of a version as phones have them: a record is held against the version under which it was begun."""

    version = models.CharField(max_length=64, unique=True)
    body = models.JSONField()

    class Meta:
        """By version."""

        db_table = "compiled_protocols"

    def __str__(self) -> str:
        return self.version


class Visit(models.Model):
    """A visit as a phone filed it."""

    id = models.UUIDField(primary_key=True, editable=False)  # made by the phone
    number = models.CharField(max_length=20, unique=True)  # such as V-2026-000012
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="visits")
    version = models.CharField(max_length=64)
    language = models.CharField(max_length=16)
    drill = models.BooleanField()
    opened = models.DateTimeField()
    received = models.DateTimeField()
    walk = models.JSONField()  # steps and what was chosen
    values = models.JSONField()  # the statutory fields
    sealed_fields = models.JSONField()  # names of fields whose value names a person
    unknown = models.JSONField()  # fields that are asked for and not known
    addressees = models.JSONField()
    posture = models.CharField(max_length=32, blank=True)
    body = models.BinaryField()  # as it came: what the digest in the record is of
    digest = models.CharField(max_length=64)
    entry = models.BigIntegerField()

    class Meta:
        """The latest first."""

        db_table = "visit"
        indexes: ClassVar = [models.Index(fields=["place", "received"], name="visit_place_received")]

    def __str__(self) -> str:
        return self.number
