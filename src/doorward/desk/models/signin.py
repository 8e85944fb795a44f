"""What signing in counts: failures, and codes that were used."""

from django.db import models


class SignInCount(models.Model):
    """A count, as Django's cache in a database keeps it; the cache alone reads and writes it."""

    cache_key = models.CharField(max_length=255, primary_key=True)  # a digest: see `entrance.counts`
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        """Named for what stands in it."""

        db_table = "sign_in_count"

    def __str__(self) -> str:
        return self.cache_key
