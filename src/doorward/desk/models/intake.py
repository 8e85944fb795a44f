"""Programs that file, what each filed, and which messages were filed.

INVARIANT (history is only added to): what was filed by a program or out of a message is never changed or removed; the
database refuses both.
"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from doorward.desk.models.accounts import Account
from doorward.desk.models.matters import Matter


class ApiClient(models.Model):
    """A program that files: an account that nobody signs in to, and the kinds that it may file."""

    account = models.OneToOneField(
        Account, on_delete=models.PROTECT, primary_key=True, related_name="api_client"
    )
    kinds = ArrayField(models.CharField(max_length=64))
    begun = models.DateTimeField()

    class Meta:
        """What it files as, and until when, is the account's assignment."""

        db_table = "api_client"

    def __str__(self) -> str:
        return self.account.login


class ApiToken(models.Model):
    """What a client shows: the digest of 32 random bytes."""

    id = models.CharField(max_length=16, primary_key=True)
    client = models.ForeignKey(ApiClient, on_delete=models.PROTECT, related_name="tokens")
    digest = models.BinaryField(max_length=32)
    begins = models.DateTimeField()
    until = models.DateTimeField()
    made_by = models.CharField(max_length=100)

    class Meta:
        """By id."""

        db_table = "api_token"

    def __str__(self) -> str:
        return self.id


class ApiFiling(models.Model):
    """What a client filed and was answered: the same request again gets the same answer."""

    matter = models.OneToOneField(
        Matter, on_delete=models.PROTECT, primary_key=True, related_name="api_filing"
    )
    body_sha256 = models.CharField(max_length=64)
    answer = models.JSONField()

    class Meta:
        """Only added to."""

        db_table = "api_filing"

    def __str__(self) -> str:
        return str(self.matter)


class MessageFiling(models.Model):
    """Out of which message a matter was filed: digests of it, and nothing that stands in it."""

    matter = models.OneToOneField(
        Matter, on_delete=models.PROTECT, primary_key=True, related_name="message_filing"
    )
    sha256 = models.CharField(max_length=64)
    id_sha256 = models.CharField(max_length=64, blank=True)  # of its Message-ID
    bytes = models.PositiveIntegerField()

    class Meta:
        """Only added to; found by either digest."""

        db_table = "message_filing"
        indexes: ClassVar = [
            models.Index(fields=["sha256"], name="message_filing_sha256"),
            models.Index(fields=["id_sha256"], name="message_filing_id_sha256"),
        ]

    def __str__(self) -> str:
        return str(self.matter)
