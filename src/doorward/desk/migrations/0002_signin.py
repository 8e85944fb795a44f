"""How many times an account's sessions were ended; and where failures and used codes are counted, by digest."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("desk", "0001_desk")]

    operations = [
        migrations.AddField("account", "sessions", models.PositiveIntegerField(default=0)),
        migrations.CreateModel(
            name="SignInCount",
            fields=[
                ("cache_key", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("value", models.TextField()),
                ("expires", models.DateTimeField(db_index=True)),
            ],
            options={"db_table": "sign_in_count"},
        ),
    ]
