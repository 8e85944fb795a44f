"""Accounts, assignments, matters and their history, which is only added to."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                ("login", models.CharField(max_length=100, unique=True)),
                ("is_active", models.BooleanField(default=True)),
                ("begun", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "db_table": "account",
            },
        ),
        migrations.CreateModel(
            name="CompiledProtocols",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.CharField(max_length=64, unique=True)),
                ("body", models.JSONField()),
            ],
            options={
                "db_table": "compiled_protocols",
            },
        ),
        migrations.CreateModel(
            name="Numbering",
            fields=[
                ("year", models.CharField(max_length=12, primary_key=True, serialize=False)),
                ("last", models.PositiveIntegerField(default=0)),
            ],
            options={
                "db_table": "numbering",
            },
        ),
        migrations.CreateModel(
            name="Place",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=64, unique=True)),
                ("kind", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=120)),
                ("contacts", models.JSONField(default=dict)),
                ("tenant", models.CharField(default="city", max_length=64)),
                ("unit", models.CharField(max_length=64)),
            ],
            options={
                "db_table": "place",
            },
        ),
        migrations.CreateModel(
            name="Matter",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("number", models.CharField(max_length=16, unique=True)),
                ("token", models.UUIDField()),
                ("tenant", models.CharField(max_length=64)),
                ("unit", models.CharField(blank=True, max_length=64)),
                ("kind", models.CharField(max_length=64)),
                ("channel", models.CharField(max_length=16)),
                ("answers", models.JSONField()),
                ("facts", models.JSONField()),
                ("received", models.DateTimeField()),
                ("filed", models.DateTimeField()),
                ("order_name", models.CharField(max_length=64)),
                ("order_digest", models.CharField(max_length=64)),
                ("outcome", models.CharField(max_length=16)),
                ("posture", models.CharField(max_length=32)),
                ("addressee", models.CharField(blank=True, max_length=32)),
                ("sentence", models.TextField()),
                (
                    "clauses",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), size=None
                    ),
                ),
                (
                    "obligations",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), size=None
                    ),
                ),
                (
                    "policies",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), size=None
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("decided", "decided by the order"),
                            ("waiting", "waits for an office"),
                            ("answered", "answered"),
                            ("closed", "closed"),
                        ],
                        max_length=16,
                    ),
                ),
                ("due", models.DateTimeField(blank=True, null=True)),
                ("held", models.BooleanField(default=False)),
                ("sealed_until", models.DateTimeField(blank=True, null=True)),
                ("entry", models.BigIntegerField()),
                (
                    "counsel",
                    models.ManyToManyField(
                        db_table="matter_counsel", related_name="sealed_matters", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "filed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="filed",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "matter",
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("office", models.CharField(max_length=32)),
                ("act", models.CharField(max_length=32)),
                ("says", models.JSONField()),
                ("entry", models.BigIntegerField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "matter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="events", to="desk.matter"
                    ),
                ),
            ],
            options={
                "db_table": "event",
                "ordering": ["entry"],
            },
        ),
        migrations.CreateModel(
            name="Paper",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("paper_class", models.CharField(max_length=32)),
                ("presented", models.DateTimeField()),
                ("seen", models.BooleanField(default=False)),
                ("file_name", models.CharField(blank=True, max_length=120)),
                ("file_type", models.CharField(blank=True, max_length=64)),
                ("file_bytes", models.PositiveIntegerField(blank=True, null=True)),
                ("file_sha256", models.CharField(blank=True, max_length=64)),
                ("entry", models.BigIntegerField()),
                (
                    "added_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "matter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="papers", to="desk.matter"
                    ),
                ),
            ],
            options={
                "db_table": "paper",
            },
        ),
        migrations.CreateModel(
            name="Phone",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("enrolled", models.DateTimeField()),
                (
                    "place",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="phones", to="desk.place"
                    ),
                ),
            ],
            options={
                "db_table": "phone",
            },
        ),
        migrations.CreateModel(
            name="EnrolmentCode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("until", models.DateTimeField()),
                ("used_by", models.BinaryField(max_length=32, null=True)),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "place",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="desk.place"
                    ),
                ),
            ],
            options={
                "db_table": "enrolment_code",
            },
        ),
        migrations.CreateModel(
            name="Visit",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("number", models.CharField(max_length=20, unique=True)),
                ("version", models.CharField(max_length=64)),
                ("language", models.CharField(max_length=16)),
                ("drill", models.BooleanField()),
                ("opened", models.DateTimeField()),
                ("received", models.DateTimeField()),
                ("walk", models.JSONField()),
                ("values", models.JSONField()),
                ("sealed_fields", models.JSONField()),
                ("unknown", models.JSONField()),
                ("addressees", models.JSONField()),
                ("posture", models.CharField(blank=True, max_length=32)),
                ("body", models.BinaryField()),
                ("digest", models.CharField(max_length=64)),
                ("entry", models.BigIntegerField()),
                (
                    "place",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="visits", to="desk.place"
                    ),
                ),
            ],
            options={
                "db_table": "visit",
            },
        ),
        migrations.CreateModel(
            name="Assignment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("facility-staff", "facility-staff"),
                            ("officer", "officer"),
                            ("records-custodian", "records-custodian"),
                            ("supervisor", "supervisor"),
                            ("administrator", "administrator"),
                            ("certifying-official", "certifying-official"),
                            ("law", "law"),
                            ("security-officer", "security-officer"),
                            ("fund-manager", "fund-manager"),
                            ("auditor", "auditor"),
                        ],
                        max_length=32,
                    ),
                ),
                ("order_role", models.CharField(max_length=64)),
                ("agency", models.CharField(max_length=64)),
                ("tenant", models.CharField(default="city", max_length=64)),
                ("unit", models.CharField(blank=True, max_length=64)),
                ("begins", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("given_by", models.CharField(max_length=100)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "assignment",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("until__gt", models.F("begins"))), name="assignment_ends"
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(fields=["state", "due"], name="matter_state_due"),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(fields=["tenant", "unit", "filed"], name="matter_unit_filed"),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(fields=["filed_by", "filed"], name="matter_filed_by"),
        ),
        migrations.AddConstraint(
            model_name="matter",
            constraint=models.UniqueConstraint(fields=("filed_by", "token"), name="matter_filed_once"),
        ),
        migrations.AddIndex(
            model_name="visit",
            index=models.Index(fields=["place", "received"], name="visit_place_received"),
        ),
        migrations.RunSQL(
            """
            CREATE FUNCTION desk_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              RAISE EXCEPTION '% is only added to', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
            END $$;
            CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON event
              FOR EACH STATEMENT EXECUTE FUNCTION desk_only_added();
            """,
            "DROP TRIGGER only_added ON event; DROP FUNCTION desk_only_added();",
        ),
    ]
