"""A drill goes with its clocks, letters and determinations; of a matter that is none, nothing of them is deleted."""

from typing import ClassVar

from django.db import migrations

_MATTER_OF = {
    "letter": "OLD.matter_id",
    "determined": "OLD.matter_id",
    "letter_step": "(SELECT matter_id FROM letter WHERE letter.id = OLD.letter_id)",
    "clock_event": "(SELECT matter_id FROM matter_clock WHERE matter_clock.id = OLD.clock_id)",
}
_EACH = "FOR EACH STATEMENT EXECUTE FUNCTION desk_only_added()"
_DO = """
DROP TRIGGER only_added ON {table};
CREATE TRIGGER only_added BEFORE UPDATE OR TRUNCATE ON {table} {each};
CREATE FUNCTION desk_drills_only_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM matter WHERE matter.id = {matter} AND matter.drill) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION '% is only added to', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER drills_only BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION desk_drills_only_{table}();
"""
_UNDO = """
DROP TRIGGER drills_only ON {table};
DROP FUNCTION desk_drills_only_{table}();
DROP TRIGGER only_added ON {table};
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} {each};
"""


class Migration(migrations.Migration):
    """Four tables that are only added to, but for drills."""

    dependencies: ClassVar = [("desk", "0002_intake")]
    operations: ClassVar = [
        migrations.RunSQL(
            _DO.format(table=table, matter=matter, each=_EACH), _UNDO.format(table=table, each=_EACH)
        )
        for table, matter in _MATTER_OF.items()
    ]
