"""Clocks as they run, letters on their way out, and determinations that are about a matter."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

_EVENTS = "BEFORE UPDATE OR DELETE OR TRUNCATE"
_EACH = "FOR EACH STATEMENT EXECUTE FUNCTION desk_only_added()"
_TABLES = ("letter", "letter_step", "clock_event", "determined")


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0002_papers"),
    ]

    operations = [
        migrations.CreateModel(
            name="Letter",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("form", models.CharField(max_length=64)),
                ("act", models.CharField(max_length=16)),
                ("typed", models.JSONField()),
                ("basis", models.JSONField()),
                ("statement", models.TextField()),
                ("pdf", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="letters", to="desk.matter"
                    ),
                ),
                (
                    "replaces",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="desk.letter",
                    ),
                ),
            ],
            options={
                "db_table": "letter",
                "ordering": ["entry"],
            },
        ),
        migrations.CreateModel(
            name="MatterClock",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("rule", models.CharField(max_length=64)),
                ("runs", models.BooleanField(default=True)),
                ("missed", models.BooleanField(default=False)),
                ("due", models.DateTimeField(null=True)),
                (
                    "letter",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clocks",
                        to="desk.letter",
                    ),
                ),
                (
                    "matter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="clocks", to="desk.matter"
                    ),
                ),
            ],
            options={
                "db_table": "matter_clock",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="ClockEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("kind", models.CharField(max_length=16)),
                ("at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=64)),
                ("clause", models.CharField(blank=True, max_length=120)),
                ("added", models.PositiveSmallIntegerField(default=0)),
                ("until", models.DateTimeField(null=True)),
                ("entry", models.BigIntegerField()),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "clock",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="desk.matterclock",
                    ),
                ),
            ],
            options={
                "db_table": "clock_event",
                "ordering": ["number"],
            },
        ),
        migrations.CreateModel(
            name="Determined",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("record", models.CharField(max_length=12)),
                ("clause", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="determined",
                        to="desk.matter",
                    ),
                ),
            ],
            options={
                "db_table": "determined",
                "ordering": ["entry"],
                "constraints": [models.UniqueConstraint(fields=("matter", "record"), name="determined_once")],
            },
        ),
        migrations.CreateModel(
            name="LetterStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("step", models.CharField(max_length=16)),
                ("at", models.DateTimeField()),
                ("office", models.CharField(max_length=32)),
                ("note", models.TextField(blank=True)),
                ("says", models.CharField(blank=True, max_length=200)),
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
                    "letter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="desk.letter"
                    ),
                ),
            ],
            options={
                "db_table": "letter_step",
                "ordering": ["entry"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("step", "signed")),
                        fields=("letter", "by"),
                        name="letter_signed_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("step", "sent")), fields=("letter",), name="letter_sent_once"
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="matterclock",
            index=models.Index(fields=["runs", "missed", "due"], name="matter_clock_late"),
        ),
        migrations.AddConstraint(
            model_name="clockevent",
            constraint=models.UniqueConstraint(fields=("clock", "number"), name="clock_event_number"),
        ),
        migrations.RunSQL(
            [f"CREATE TRIGGER only_added {_EVENTS} ON {table} {_EACH};" for table in _TABLES],
            [f"DROP TRIGGER only_added ON {table};" for table in _TABLES],
        ),
    ]
