"""Who signs in at the desk, and as what."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.crypto import salted_hmac

from doorward.desk.roles import Role

ATTESTED_DAYS: Final = 90  # CJIS AC-2: somebody looks again


class Accounts(BaseUserManager["Account"]):
    """Accounts by login."""

    def create_user(self, login: str, password: str | None = None, **more: Any) -> "Account":  # noqa: ANN401  # as Django calls it
        """Return a new account; without a password it signs in by its identity provider alone."""
        account = self.model(login=login, **more)
        account.set_password(password)
        account.save(using=self._db)
        return account


class Account(AbstractBaseUser):
    """Somebody who signs in: a login and nothing else of them."""

    login = models.CharField(max_length=100, unique=True)
    is_active = models.BooleanField(default=True)
    begun = models.DateTimeField(auto_now_add=True)
    sessions = models.PositiveIntegerField(default=0)  # counted up, and every session of before is over

    objects: ClassVar[Accounts] = Accounts()
    USERNAME_FIELD = "login"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        """Named for what stands in it."""

        db_table = "account"

    def __str__(self) -> str:
        return self.login

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """Return what ties a session to the account as it is: Django ends one whose hash is another."""
        held = f"{self.sessions} {self.password}"
        return salted_hmac("doorward.desk.session", held, secret=secret, algorithm="sha256").hexdigest()

    def end_sessions(self) -> None:
        """End every session of this account; the one that asks is renewed by its caller."""
        type(self).objects.filter(pk=self.pk).update(sessions=models.F("sessions") + 1)
        self.refresh_from_db(fields=["sessions"])


class Assignment(models.Model):
    """What an account is to the desk and to the order, from a day until somebody has to look again."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="assignments")
    role = models.CharField(max_length=32, choices=[(role.value, role.value) for role in Role])
    order_role = models.CharField(max_length=64)  # `principal.role` of the order
    agency = models.CharField(max_length=64)  # `principal.agency` of the order
    tenant = models.CharField(max_length=64, default="city")
    unit = models.CharField(max_length=64, blank=True)
    begins = models.DateTimeField()
    until = models.DateTimeField()
    given_by = models.CharField(max_length=100)

    class Meta:
        """An assignment ends, and not before it begins."""

        db_table = "assignment"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(until__gt=models.F("begins")), name="assignment_ends"),
        ]

    def __str__(self) -> str:
        return f"{self.account} as {self.role}"

    @classmethod
    def latest_end(cls, begins: datetime) -> datetime:
        """Return until when an assignment may last at most."""
        return begins + timedelta(days=ATTESTED_DAYS)
