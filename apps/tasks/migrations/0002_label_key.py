"""Labels are compared whatever their case; those that differ in nothing else become the first."""

from django.db import migrations, models

from apps.core.text import fold


def give_keys(apps, schema_editor):
    """Give each label its key, and a later one's cards to the first one of that key."""
    Label = apps.get_model("tasks", "Label")
    Worn = apps.get_model("tasks", "Task").labels.through
    first = {}
    for label in Label.objects.order_by("pk"):
        label.key = fold(" ".join(label.name.split()))
        kept = first.setdefault((label.team_id, label.key), label)
        if kept is label:
            label.save(update_fields=["key"])
            continue
        has = Worn.objects.filter(label=kept).values("task")
        Worn.objects.filter(label=label).exclude(task__in=has).update(label=kept)
        Worn.objects.filter(label=label).delete()
        label.delete()
    schema_editor.connection.check_constraints()  # PostgreSQL alters no table that awaits this


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='label',
            name='key',
            field=models.CharField(default='', editable=False, max_length=120),
            preserve_default=False,
        ),
        migrations.RunPython(give_keys, migrations.RunPython.noop),
        migrations.RemoveConstraint(
            model_name='label',
            name='label_once',
        ),
        migrations.AddConstraint(
            model_name='label',
            constraint=models.UniqueConstraint(fields=('team', 'key'), name='label_once'),
        ),
    ]
