"""A role at the desk: the second person of the fund."""

from typing import ClassVar

from django.db import migrations, models

_ROLES = (
    "facility-staff", "officer", "records-custodian", "supervisor", "administrator", "certifying-official", "law",
    "security-officer", "fund-manager", "fund-director", "auditor",
)  # fmt: skip


class Migration(migrations.Migration):
    """An assignment may be that of a fund's director."""

    dependencies: ClassVar = [("desk", "0004_visits")]

    operations: ClassVar = [
        migrations.AlterField(
            model_name="assignment",
            name="role",
            field=models.CharField(choices=[(role, role) for role in _ROLES], max_length=32),
        ),
    ]
