"""Two roles at the desk that are not the City's: a grantee of the fund, and its independent reviewer."""

from typing import ClassVar

from django.db import migrations, models

_ROLES = (
    "facility-staff", "officer", "records-custodian", "supervisor", "administrator", "certifying-official", "law",
    "security-officer", "fund-manager", "fund-director", "grantee", "fund-reviewer", "auditor",
)  # fmt: skip


class Migration(migrations.Migration):
    """An assignment may be that of a grantee, whose name is its unit, or of a reviewer."""

    dependencies: ClassVar = [("desk", "0004_fund")]

    operations: ClassVar = [
        migrations.AlterField(
            model_name="assignment",
            name="role",
            field=models.CharField(choices=[(role, role) for role in _ROLES], max_length=32),
        ),
    ]
