"""Programs that file, what each filed, and which messages were filed; filings are only added to."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0002_lawdept"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiClient",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="api_client",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), size=None
                    ),
                ),
                ("begun", models.DateTimeField()),
            ],
            options={
                "db_table": "api_client",
            },
        ),
        migrations.CreateModel(
            name="ApiFiling",
            fields=[
                (
                    "matter",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="api_filing",
                        serialize=False,
                        to="desk.matter",
                    ),
                ),
                ("body_sha256", models.CharField(max_length=64)),
                ("answer", models.JSONField()),
            ],
            options={
                "db_table": "api_filing",
            },
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("digest", models.BinaryField(max_length=32)),
                ("begins", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("made_by", models.CharField(max_length=100)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tokens",
                        to="desk.apiclient",
                    ),
                ),
            ],
            options={
                "db_table": "api_token",
            },
        ),
        migrations.CreateModel(
            name="MessageFiling",
            fields=[
                (
                    "matter",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="message_filing",
                        serialize=False,
                        to="desk.matter",
                    ),
                ),
                ("sha256", models.CharField(max_length=64)),
                ("id_sha256", models.CharField(blank=True, max_length=64)),
                ("bytes", models.PositiveIntegerField()),
            ],
            options={
                "db_table": "message_filing",
                "indexes": [
                    models.Index(fields=["sha256"], name="message_filing_sha256"),
                    models.Index(fields=["id_sha256"], name="message_filing_id_sha256"),
                ],
            },
        ),
        migrations.RunSQL(
            """
            CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON api_filing
              FOR EACH STATEMENT EXECUTE FUNCTION desk_only_added();
            CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON message_filing
              FOR EACH STATEMENT EXECUTE FUNCTION desk_only_added();
            """,
            "DROP TRIGGER only_added ON api_filing; DROP TRIGGER only_added ON message_filing;",
        ),
    ]
