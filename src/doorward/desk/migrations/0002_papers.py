"""Keys of papers, holds, disposals; what the database itself refuses of them."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

_RULES = """
-- The same rule as `doorward.desk.papers.holds.covers`, over the holds that stand.
CREATE FUNCTION desk_held(of_tenant text, of_kind text, of_matter uuid, first timestamptz, last timestamptz)
RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT FROM hold_step placed
    WHERE placed.step = 'hold'
      AND NOT EXISTS (SELECT FROM hold_step l WHERE l.hold = placed.hold AND l.step = 'lift')
      AND CASE placed.scope
        WHEN 'matter' THEN placed.matter_id IS NOT DISTINCT FROM of_matter AND of_matter IS NOT NULL
        WHEN 'tenant' THEN placed.tenant = of_tenant
        ELSE placed.tenant IN ('', of_tenant) AND placed.kind IN ('', of_kind)
          AND (placed.begins IS NULL OR last >= placed.begins)
          AND (placed.ends IS NULL OR first < placed.ends)
      END)
$$;

CREATE FUNCTION desk_matter_held(of_matter uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT desk_held(m.tenant, m.kind, m.id, least(m.received, m.filed), greatest(
    m.filed,
    (SELECT max(e.at) FROM event e WHERE e.matter_id = m.id),
    (SELECT max(p.presented) FROM paper p WHERE p.matter_id = m.id)))
  FROM matter m WHERE m.id = of_matter
$$;

CREATE FUNCTION desk_refuse_held() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE held boolean; known boolean := true;
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    RAISE EXCEPTION '% is not emptied', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
  END IF;
  CASE TG_TABLE_NAME
    WHEN 'matter' THEN held := desk_matter_held(OLD.id);
    WHEN 'paper_key' THEN
      SELECT desk_matter_held(p.matter_id),
        p.standing <> 'evidence' OR m.drill
          OR EXISTS (SELECT FROM disposal_step d WHERE d.paper_id = p.id AND d.step = 'dispose')
      INTO held, known FROM paper p JOIN matter m ON m.id = p.matter_id WHERE p.id = OLD.paper_id;
    WHEN 'visit' THEN
      SELECT desk_held(p.tenant, 'visit', NULL, least(OLD.opened, OLD.received), greatest(OLD.opened, OLD.received))
      INTO held FROM place p WHERE p.id = OLD.place_id;
    WHEN 'phone' THEN
      SELECT desk_held(p.tenant, 'phone', NULL, OLD.enrolled, 'infinity') INTO held FROM place p WHERE p.id = OLD.place_id;
  END CASE;
  IF held IS NOT FALSE THEN
    RAISE EXCEPTION '% is under a legal hold', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF known IS NOT TRUE THEN
    RAISE EXCEPTION 'evidence goes by a disposal of two people' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN OLD;
END $$;

CREATE FUNCTION desk_keep_paper() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'UPDATE' THEN
    IF EXISTS (SELECT FROM matter m WHERE m.id = OLD.matter_id AND m.drill AND NOT desk_matter_held(m.id)) THEN
      RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the row of a paper stays' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF OLD.erased IS NOT NULL OR (to_jsonb(OLD) - '{erased,file_name}'::text[]) <> (to_jsonb(NEW) - '{erased,file_name}'::text[])
    OR (NEW.file_name <> OLD.file_name AND NEW.erased IS NULL)
    OR (NEW.erased IS NOT NULL AND EXISTS (SELECT FROM paper_key k WHERE k.paper_id = NEW.id)) THEN
    RAISE EXCEPTION 'what is said of a paper is not changed' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;

-- Two people: what one proposed, another does; whatever the desk's own code says.
CREATE FUNCTION desk_two_people() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE before_step text; before_by bigint;
BEGIN
  IF TG_TABLE_NAME = 'hold_step' AND NEW.step = 'lift' THEN
    SELECT step, by_id INTO before_step, before_by FROM hold_step WHERE hold = NEW.hold ORDER BY entry DESC LIMIT 1;
    IF before_step IS DISTINCT FROM 'propose-lift' OR before_by = NEW.by_id THEN
      RAISE EXCEPTION 'a hold is lifted by two people' USING ERRCODE = 'insufficient_privilege';
    END IF;
  ELSIF TG_TABLE_NAME = 'disposal_step' AND NEW.step = 'dispose' THEN
    SELECT step, by_id INTO before_step, before_by FROM disposal_step WHERE paper_id = NEW.paper_id ORDER BY entry DESC LIMIT 1;
    IF before_step IS DISTINCT FROM 'propose-disposal' OR before_by = NEW.by_id THEN
      RAISE EXCEPTION 'a paper is disposed of by two people' USING ERRCODE = 'insufficient_privilege';
    END IF;
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON hold_step
  FOR EACH STATEMENT EXECUTE FUNCTION desk_only_added();
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON disposal_step
  FOR EACH STATEMENT EXECUTE FUNCTION desk_only_added();
CREATE TRIGGER two_people BEFORE INSERT ON hold_step FOR EACH ROW EXECUTE FUNCTION desk_two_people();
CREATE TRIGGER two_people BEFORE INSERT ON disposal_step FOR EACH ROW EXECUTE FUNCTION desk_two_people();
CREATE TRIGGER keep_paper BEFORE UPDATE OR DELETE ON paper FOR EACH ROW EXECUTE FUNCTION desk_keep_paper();
"""
_HELD = ("matter", "visit", "phone", "paper_key")
_REFUSE = "".join(
    f"""
CREATE TRIGGER refuse_held BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION desk_refuse_held();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION desk_refuse_held();
"""
    for table in _HELD
)
_UNDO = "".join(
    f"DROP TRIGGER {trigger} ON {table};"
    for table, triggers in {
        "hold_step": ("only_added", "two_people"), "disposal_step": ("only_added", "two_people"), "paper": ("keep_paper",),
        **dict.fromkeys(_HELD, ("refuse_held", "not_emptied")),
    }.items()
    for trigger in triggers
) + "".join(
    f"DROP FUNCTION {function};"
    for function in (
        "desk_two_people", "desk_keep_paper", "desk_refuse_held", "desk_matter_held", "desk_held",
    )
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0002_reports"),
    ]

    operations = [
        migrations.CreateModel(
            name="PaperKey",
            fields=[
                (
                    "paper",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="key",
                        serialize=False,
                        to="desk.paper",
                    ),
                ),
                ("wrapped", models.BinaryField(max_length=60)),
                ("wrapped_by", models.CharField(max_length=16)),
            ],
            options={
                "db_table": "paper_key",
            },
        ),
        migrations.RemoveField(
            model_name="matter",
            name="held",
        ),
        migrations.AddField(
            model_name="paper",
            name="erased",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="paper",
            name="file_flags",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=16), default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="paper",
            name="standing",
            field=models.CharField(
                choices=[
                    ("evidence", "evidence"),
                    ("drill", "of a drill"),
                    ("retake", "a take that will be made again"),
                    ("scratch", "a scratch copy"),
                ],
                default="evidence",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="phone",
            name="taken_back",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="phone",
            name="digest",
            field=models.BinaryField(max_length=32),
        ),
        migrations.AddConstraint(
            model_name="phone",
            constraint=models.UniqueConstraint(
                condition=models.Q(("taken_back", None)), fields=("digest",), name="phone_once"
            ),
        ),
        migrations.CreateModel(
            name="DisposalStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("step", models.CharField(max_length=20)),
                ("at", models.DateTimeField()),
                ("office", models.CharField(max_length=32)),
                ("item", models.CharField(max_length=63)),
                ("certificate", models.CharField(max_length=40)),
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
                    "paper",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="disposals", to="desk.paper"
                    ),
                ),
            ],
            options={
                "db_table": "disposal_step",
                "ordering": ["entry"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("step", "dispose")), fields=("paper",), name="paper_goes_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HoldStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hold", models.UUIDField()),
                ("step", models.CharField(max_length=16)),
                ("at", models.DateTimeField()),
                ("office", models.CharField(max_length=32)),
                ("scope", models.CharField(blank=True, max_length=8)),
                ("tenant", models.CharField(blank=True, max_length=64)),
                ("kind", models.CharField(blank=True, max_length=64)),
                ("begins", models.DateTimeField(null=True)),
                ("ends", models.DateTimeField(null=True)),
                ("reason", models.CharField(max_length=500)),
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
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="desk.matter",
                    ),
                ),
            ],
            options={
                "db_table": "hold_step",
                "ordering": ["entry"],
                "indexes": [models.Index(fields=["hold"], name="hold_step_hold")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("step__in", ("hold", "lift"))),
                        fields=("hold", "step"),
                        name="hold_once",
                    )
                ],
            },
        ),
        migrations.RunSQL(_RULES + _REFUSE, _UNDO),
    ]
