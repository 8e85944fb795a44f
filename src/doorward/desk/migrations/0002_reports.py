"""Statutory reports, custody events, public totals and public-records answers; all of it is only added to."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


TABLES = (
    "report_line",
    "custody_upload",
    "custody_event",
    "filed_report",
    "report_file",
    "report_signature",
    "publication",
    "publication_count",
    "publication_signature",
    "records_answer",
    "records_choice",
    "records_decision",
    "records_review",
)
ADD = """
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON {0}
  FOR EACH STATEMENT EXECUTE FUNCTION desk_only_added();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0002_notices"),
    ]

    operations = [
        migrations.CreateModel(
            name="CustodyUpload",
            fields=[
                ("at", models.DateTimeField()),
                ("office", models.CharField(max_length=32)),
                ("entry", models.BigIntegerField()),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("digest", models.CharField(max_length=64)),
                ("rows", models.PositiveIntegerField()),
                ("new", models.PositiveIntegerField()),
                ("corrections", models.PositiveIntegerField()),
                ("held", models.PositiveIntegerField()),
                ("refused", models.PositiveIntegerField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "custody_upload",
            },
        ),
        migrations.CreateModel(
            name="CustodyRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event", models.CharField(max_length=40, unique=True)),
                ("paper", models.CharField(max_length=40)),
                ("word", models.CharField(max_length=16)),
                ("at", models.DateTimeField()),
                ("agency", models.CharField(blank=True, max_length=64)),
                ("corrects", models.CharField(blank=True, max_length=40)),
                (
                    "upload",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="desk.custodyupload",
                    ),
                ),
            ],
            options={
                "db_table": "custody_event",
            },
        ),
        migrations.CreateModel(
            name="FiledReport",
            fields=[
                ("at", models.DateTimeField()),
                ("office", models.CharField(max_length=32)),
                ("entry", models.BigIntegerField()),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("report", models.CharField(max_length=16)),
                ("period", models.CharField(max_length=8)),
                ("version", models.PositiveIntegerField()),
                ("statement", models.BinaryField()),
                ("digest", models.CharField(max_length=64)),
                ("content", models.CharField(max_length=64)),
                ("lines", models.JSONField()),
                (
                    "certified",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None),
                ),
                ("order_digest", models.CharField(max_length=64)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "replaces",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="desk.filedreport",
                    ),
                ),
            ],
            options={
                "db_table": "filed_report",
            },
        ),
        migrations.CreateModel(
            name="Publication",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("office", models.CharField(max_length=32)),
                ("entry", models.BigIntegerField()),
                ("quarter", models.CharField(max_length=8, unique=True)),
                ("day", models.DateField()),
                ("scheme", models.JSONField()),
                ("table", models.BinaryField()),
                ("totals", models.BinaryField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "publication",
                "ordering": ["quarter"],
            },
        ),
        migrations.CreateModel(
            name="PublicationCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                ("outcome", models.CharField(max_length=40)),
                (
                    "matter",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="desk.matter",
                    ),
                ),
                (
                    "publication",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="counted",
                        to="desk.publication",
                    ),
                ),
                (
                    "visit",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="desk.visit",
                    ),
                ),
            ],
            options={
                "db_table": "publication_count",
            },
        ),
        migrations.CreateModel(
            name="PublicationSignature",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("office", models.CharField(max_length=32)),
                ("entry", models.BigIntegerField()),
                ("note", models.BinaryField()),
                ("signer", models.CharField(max_length=120)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "publication",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signature",
                        to="desk.publication",
                    ),
                ),
            ],
            options={
                "db_table": "publication_signature",
            },
        ),
        migrations.CreateModel(
            name="RecordsAnswer",
            fields=[
                ("at", models.DateTimeField()),
                ("office", models.CharField(max_length=32)),
                ("entry", models.BigIntegerField()),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("first", models.DateField()),
                ("last", models.DateField()),
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="records_answers",
                        to="desk.matter",
                    ),
                ),
            ],
            options={
                "db_table": "records_answer",
                "ordering": ["-entry"],
            },
        ),
        migrations.CreateModel(
            name="RecordsChoice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("office", models.CharField(max_length=32)),
                ("entry", models.BigIntegerField()),
                ("responds", models.BooleanField()),
                (
                    "answer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="choices",
                        to="desk.recordsanswer",
                    ),
                ),
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
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="desk.matter",
                    ),
                ),
                (
                    "visit",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="desk.visit",
                    ),
                ),
            ],
            options={
                "db_table": "records_choice",
                "ordering": ["entry", "id"],
            },
        ),
        migrations.CreateModel(
            name="RecordsDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("office", models.CharField(max_length=32)),
                ("entry", models.BigIntegerField()),
                ("record", models.CharField(max_length=20)),
                ("field", models.CharField(max_length=80)),
                ("do", models.CharField(max_length=8)),
                ("code", models.CharField(blank=True, max_length=20)),
                (
                    "answer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="desk.recordsanswer",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "records_decision",
                "ordering": ["entry", "id"],
            },
        ),
        migrations.CreateModel(
            name="RecordsReview",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("office", models.CharField(max_length=32)),
                ("entry", models.BigIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("agrees", models.BooleanField()),
                (
                    "answer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reviews",
                        to="desk.recordsanswer",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "records_review",
                "ordering": ["entry"],
            },
        ),
        migrations.CreateModel(
            name="ReportFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("sha256", models.CharField(max_length=64)),
                ("body", models.BinaryField()),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="desk.filedreport",
                    ),
                ),
            ],
            options={
                "db_table": "report_file",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="ReportLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("office", models.CharField(max_length=32)),
                ("entry", models.BigIntegerField()),
                ("says", models.JSONField()),
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
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="report_lines",
                        to="desk.matter",
                    ),
                ),
                (
                    "visit",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="report_lines",
                        to="desk.visit",
                    ),
                ),
            ],
            options={
                "db_table": "report_line",
                "ordering": ["entry"],
            },
        ),
        migrations.CreateModel(
            name="ReportSignature",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("office", models.CharField(max_length=32)),
                ("entry", models.BigIntegerField()),
                ("note", models.BinaryField()),
                ("signer", models.CharField(max_length=120)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "report",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signature",
                        to="desk.filedreport",
                    ),
                ),
            ],
            options={
                "db_table": "report_signature",
            },
        ),
        migrations.AddIndex(
            model_name="custodyupload",
            index=models.Index(fields=["digest"], name="custody_upload_digest"),
        ),
        migrations.AddIndex(
            model_name="custodyrow",
            index=models.Index(fields=["paper"], name="custody_event_paper"),
        ),
        migrations.AddConstraint(
            model_name="filedreport",
            constraint=models.UniqueConstraint(
                fields=("report", "period", "version"), name="filed_report_version"
            ),
        ),
        migrations.AddConstraint(
            model_name="publicationcount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("matter__isnull", False), ("visit__isnull", True)),
                    models.Q(("matter__isnull", True), ("visit__isnull", False)),
                    _connector="OR",
                ),
                name="publication_count_of_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="recordschoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("matter__isnull", False), ("visit__isnull", True)),
                    models.Q(("matter__isnull", True), ("visit__isnull", False)),
                    _connector="OR",
                ),
                name="records_choice_of_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportfile",
            constraint=models.UniqueConstraint(fields=("report", "name"), name="report_file_name"),
        ),
        migrations.AddConstraint(
            model_name="reportline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("matter__isnull", False), ("visit__isnull", True)),
                    models.Q(("matter__isnull", True), ("visit__isnull", False)),
                    _connector="OR",
                ),
                name="report_line_of_one",
            ),
        ),
        *(migrations.RunSQL(ADD.format(table), f"DROP TRIGGER only_added ON {table};") for table in TABLES),
    ]
