"""What is no drill is deleted by nothing: neither a matter nor a visit; and what a visit says is never changed."""

from typing import ClassVar

from django.db import migrations

_DO = """
CREATE FUNCTION desk_deletes_drills() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT OLD.drill THEN
    RAISE EXCEPTION 'a % that is no drill stays', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN OLD;
END $$;
CREATE FUNCTION desk_keep_visit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what a visit says is not changed' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER deletes_drills BEFORE DELETE ON matter FOR EACH ROW EXECUTE FUNCTION desk_deletes_drills();
CREATE TRIGGER deletes_drills BEFORE DELETE ON visit FOR EACH ROW EXECUTE FUNCTION desk_deletes_drills();
CREATE TRIGGER keep_visit BEFORE UPDATE ON visit FOR EACH ROW EXECUTE FUNCTION desk_keep_visit();
"""
_UNDO = """
DROP TRIGGER keep_visit ON visit;
DROP TRIGGER deletes_drills ON visit;
DROP TRIGGER deletes_drills ON matter;
DROP FUNCTION desk_keep_visit();
DROP FUNCTION desk_deletes_drills();
"""


class Migration(migrations.Migration):
    """Two tables whose rows stay, but for drills."""

    dependencies: ClassVar = [("desk", "0003_drills")]
    operations: ClassVar = [migrations.RunSQL(_DO, _UNDO)]
