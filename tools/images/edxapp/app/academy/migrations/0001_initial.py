from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Enrolment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("learner", models.CharField(max_length=80)),
                ("course", models.CharField(db_index=True, max_length=80)),
                ("created", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
