import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """One index less; by name, since SQLite would copy the whole journal to alter the field."""

    dependencies = [("teams", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "DROP INDEX IF EXISTS teams_event_team_id_49f40bba",
                    "CREATE INDEX teams_event_team_id_49f40bba ON teams_event (team_id)",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="event",
                    name="team",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="teams.team",
                    ),
                )
            ],
        )
    ]
