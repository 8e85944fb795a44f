"""Readings of registers, notices, training, and matters that are drills."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0002_signin"),
    ]

    operations = [
        migrations.AddField(
            model_name="matter",
            name="drill",
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name="OutgoingNotice",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("about", models.CharField(max_length=16)),
                ("subject", models.UUIDField()),
                ("number", models.CharField(max_length=20)),
                ("stage", models.CharField(max_length=8)),
                ("occasion", models.BigIntegerField()),
                ("addressee", models.CharField(max_length=101)),
                ("channel", models.CharField(max_length=8)),
                ("made", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waits to be sent"),
                            ("sent", "sent"),
                            ("moot", "what it tells of waits no longer, or was sealed"),
                            ("dead", "given up"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("again", models.DateTimeField()),
                ("sent", models.DateTimeField(blank=True, null=True)),
                ("failed", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "db_table": "outgoing_notice",
                "indexes": [models.Index(fields=["state", "channel", "again"], name="notice_due")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subject", "stage", "occasion", "addressee", "channel"), name="notice_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Reading",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("entry", models.BigIntegerField(unique=True)),
                (
                    "sources",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=120), size=None
                    ),
                ),
                ("place", models.CharField(blank=True, max_length=120)),
                ("ends", models.DateTimeField(blank=True, null=True)),
                ("unread", models.BooleanField(default=False)),
                ("said", models.JSONField()),
                ("silent", models.JSONField()),
                (
                    "may",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=16), size=None
                    ),
                ),
                (
                    "matter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="readings", to="desk.matter"
                    ),
                ),
            ],
            options={
                "db_table": "reading",
                "ordering": ["entry"],
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(fields=["sources"], name="reading_sources"),
                    models.Index(fields=["matter", "entry"], name="reading_matter_entry"),
                    models.Index(fields=["ends"], name="reading_ends"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Training",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tenant", models.CharField(max_length=64)),
                ("version", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("entry", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="trainings",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "place",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="trainings",
                        to="desk.place",
                    ),
                ),
            ],
            options={
                "db_table": "training",
                "ordering": ["entry"],
                "indexes": [models.Index(fields=["tenant", "version"], name="training_version")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("account__isnull", True), ("place__isnull", True), _connector="XOR"
                        ),
                        name="training_of_one",
                    ),
                    models.UniqueConstraint(fields=("account", "tenant", "version"), name="training_once"),
                ],
            },
        ),
        migrations.RunSQL(
            """
            DROP TRIGGER only_added ON event;
            CREATE TRIGGER only_added BEFORE UPDATE OR TRUNCATE ON event
              FOR EACH STATEMENT EXECUTE FUNCTION desk_only_added();
            CREATE TRIGGER only_added BEFORE UPDATE OR TRUNCATE ON reading
              FOR EACH STATEMENT EXECUTE FUNCTION desk_only_added();
            CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON training
              FOR EACH STATEMENT EXECUTE FUNCTION desk_only_added();
            CREATE FUNCTION desk_drills_only() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              IF EXISTS (SELECT FROM matter WHERE matter.id = OLD.matter_id AND matter.drill) THEN
                RETURN OLD;
              END IF;
              RAISE EXCEPTION '% is only added to', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
            END $$;
            CREATE TRIGGER drills_only BEFORE DELETE ON event
              FOR EACH ROW EXECUTE FUNCTION desk_drills_only();
            CREATE TRIGGER drills_only BEFORE DELETE ON reading
              FOR EACH ROW EXECUTE FUNCTION desk_drills_only();
            CREATE FUNCTION desk_stays_a_drill() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              RAISE EXCEPTION 'a matter is a drill from its beginning, or never'
                USING ERRCODE = 'insufficient_privilege';
            END $$;
            CREATE TRIGGER stays_a_drill BEFORE UPDATE ON matter
              FOR EACH ROW WHEN (OLD.drill IS DISTINCT FROM NEW.drill) EXECUTE FUNCTION desk_stays_a_drill();
            """,
            """
            DROP TRIGGER stays_a_drill ON matter; DROP FUNCTION desk_stays_a_drill();
            DROP TRIGGER drills_only ON reading; DROP TRIGGER drills_only ON event; DROP FUNCTION desk_drills_only();
            DROP TRIGGER only_added ON training; DROP TRIGGER only_added ON reading; DROP TRIGGER only_added ON event;
            CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON event
              FOR EACH STATEMENT EXECUTE FUNCTION desk_only_added();
            """,
        ),
    ]
