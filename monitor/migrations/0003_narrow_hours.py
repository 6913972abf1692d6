import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

import monitor.models.states

_NARROW = """
ALTER TABLE monitor_devicehour DROP CONSTRAINT monitor_devicehour_pkey;
ALTER TABLE monitor_devicehour DROP CONSTRAINT device_hour_once;
DROP INDEX device_hour_start;
DROP INDEX monitor_devicehour_device_id_b1c9cf70;
ALTER TABLE monitor_devicehour DROP COLUMN id,
    ALTER COLUMN online_s TYPE real, ALTER COLUMN offline_s TYPE real, ALTER COLUMN usable_s TYPE real,
    ALTER COLUMN clock_ok_s TYPE real, ALTER COLUMN blind_s TYPE real, ALTER COLUMN excluded_s TYPE real,
    ALTER COLUMN looks TYPE smallint, ALTER COLUMN pictures TYPE smallint,
    ADD PRIMARY KEY (device_id, start);
CREATE INDEX device_hour_start ON monitor_devicehour USING brin (start);
"""


class Migration(migrations.Migration):
    """Hours in half the room. Django cannot change a primary key, so the table is altered by hand; its rows stay."""

    dependencies = [("devices", "0003_zone_canaries"), ("monitor", "0002_polling_engine")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(_NARROW)],
            state_operations=[
                migrations.DeleteModel("DeviceHour"),
                migrations.CreateModel(
                    name="DeviceHour",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "device", "start", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("start", models.DateTimeField()),
                        *((name, monitor.models.states.RealField()) for name in (
                            "online_s", "offline_s", "usable_s", "clock_ok_s", "blind_s", "excluded_s"
                        )),
                        ("looks", models.PositiveSmallIntegerField()),
                        ("pictures", models.PositiveSmallIntegerField()),
                        (
                            "device",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="hours",
                                to="devices.device",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "device hour",
                        "verbose_name_plural": "device hours",
                        "indexes": [
                            django.contrib.postgres.indexes.BrinIndex(fields=["start"], name="device_hour_start")
                        ],
                    },
                ),
            ],
        )
    ]
