
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import monitor.health
import monitor.wire
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('devices', '0002_qingdao'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DeviceState',
            fields=[
                ('device', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='state', serialize=False, to='devices.device')),
                ('status', models.CharField(choices=[(monitor.health.Status['UNKNOWN'], 'Unknown'), (monitor.health.Status['OFFLINE'], 'Offline'), (monitor.health.Status['AUTH_FAILED'], 'Login refused'), (monitor.health.Status['DEGRADED'], 'Degraded'), (monitor.health.Status['ONLINE'], 'Online')], default=monitor.health.Status['UNKNOWN'], max_length=12, verbose_name='status')),
                ('status_since', models.DateTimeField(null=True)),
                ('tracks', models.JSONField(default=dict)),
                ('hour', models.JSONField(default=dict)),
                ('looked_at', models.DateTimeField(null=True, verbose_name='last look')),
                ('picture_at', models.DateTimeField(null=True, verbose_name='last picture')),
                ('picture', models.JSONField(default=dict)),
                ('picture_file', models.CharField(blank=True, max_length=120)),
                ('trail', models.BinaryField(default=b'')),
            ],
            options={
                'verbose_name': 'device state',
                'verbose_name_plural': 'device states',
            },
        ),
        migrations.CreateModel(
            name='LearnedView',
            fields=[
                ('device', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='learned_view', serialize=False, to='devices.device')),
                ('signature', models.BinaryField()),
                ('learned', models.PositiveIntegerField(default=0)),
                ('updated_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'learned view',
                'verbose_name_plural': 'learned views',
            },
        ),
        migrations.CreateModel(
            name='Passport',
            fields=[
                ('device', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='passport', serialize=False, to='devices.device')),
                ('learned', models.JSONField(default=dict)),
                ('facts', models.JSONField(default=dict)),
                ('facts_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'quirk passport',
                'verbose_name_plural': 'quirk passports',
            },
        ),
        migrations.CreateModel(
            name='Pulse',
            fields=[
                ('name', models.CharField(max_length=32, primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'pulse',
                'verbose_name_plural': 'pulses',
            },
        ),
        migrations.CreateModel(
            name='Incident',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('aspect', models.CharField(choices=[(monitor.wire.Aspect['LINK'], 'Link'), (monitor.wire.Aspect['ACCESS'], 'Login'), (monitor.wire.Aspect['CLOCK'], 'Clock'), (monitor.wire.Aspect['PICTURE'], 'Picture'), (monitor.wire.Aspect['IDENTITY'], 'Identity'), (monitor.wire.Aspect['RECORDING'], 'Recording')], max_length=12, verbose_name='aspect')),
                ('cause', models.CharField(max_length=32, verbose_name='cause')),
                ('detail', models.JSONField(default=dict)),
                ('started_at', models.DateTimeField(verbose_name='since')),
                ('decided_at', models.DateTimeField(verbose_name='confirmed')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended')),
                ('end_decided_at', models.DateTimeField(blank=True, null=True)),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='incidents', to='devices.device', verbose_name='device')),
                ('root', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='consequences', to='monitor.incident')),
            ],
            options={
                'verbose_name': 'incident',
                'verbose_name_plural': 'incidents',
                'ordering': ('-started_at',),
            },
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('opened', 'opened'), ('closed', 'recovered')], max_length=8)),
                ('at', models.DateTimeField()),
                ('ready_at', models.DateTimeField()),
                ('done_at', models.DateTimeField(null=True)),
                ('outcome', models.CharField(blank=True, max_length=16)),
                ('incident', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='monitor.incident')),
            ],
            options={
                'verbose_name': 'event',
                'verbose_name_plural': 'events',
            },
        ),
        migrations.CreateModel(
            name='Look',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('sent_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('outcome', models.CharField(blank=True, max_length=16)),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='looks', to='devices.device')),
            ],
            options={
                'verbose_name': 'look',
                'verbose_name_plural': 'looks',
            },
        ),
        migrations.CreateModel(
            name='LookStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('aspect', models.CharField(blank=True, choices=[(monitor.wire.Aspect['LINK'], 'Link'), (monitor.wire.Aspect['ACCESS'], 'Login'), (monitor.wire.Aspect['CLOCK'], 'Clock'), (monitor.wire.Aspect['PICTURE'], 'Picture'), (monitor.wire.Aspect['IDENTITY'], 'Identity'), (monitor.wire.Aspect['RECORDING'], 'Recording')], max_length=12)),
                ('verdict', models.CharField(blank=True, max_length=8)),
                ('cause', models.CharField(blank=True, max_length=32)),
                ('detail', models.JSONField(default=dict)),
                ('request', models.JSONField(default=dict)),
                ('look', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='monitor.look')),
            ],
            options={
                'verbose_name': 'step of a look',
                'verbose_name_plural': 'steps of a look',
                'ordering': ('number',),
            },
        ),
        migrations.CreateModel(
            name='Notification',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('route', models.CharField(choices=[('mail', 'Mail')], default='mail', max_length=8)),
                ('created_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('claimed_until', models.DateTimeField(null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('sent_at', models.DateTimeField(null=True)),
                ('failed_at', models.DateTimeField(null=True)),
                ('error', models.CharField(blank=True, max_length=200)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notifications', to='monitor.event')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notifications', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'notification',
                'verbose_name_plural': 'notifications',
            },
        ),
        migrations.CreateModel(
            name='Picture',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('reference', 'Reference view'), ('proof', 'Proof')], max_length=10)),
                ('phase', models.CharField(max_length=8)),
                ('taken_at', models.DateTimeField()),
                ('file', models.CharField(max_length=120)),
                ('sha256', models.CharField(max_length=64)),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('accepted_at', models.DateTimeField(null=True)),
                ('retired_at', models.DateTimeField(null=True)),
                ('accepted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pictures', to='devices.device')),
                ('incident', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='proofs', to='monitor.incident')),
            ],
            options={
                'verbose_name': 'picture',
                'verbose_name_plural': 'pictures',
            },
        ),
        migrations.CreateModel(
            name='PolicyRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(blank=True, choices=[('entrance', 'Entrance camera'), ('key_road', 'Key road camera'), ('facade', 'Facade camera'), ('fire_lane', 'Fire lane camera'), ('camera', 'Other camera'), ('loudspeaker', 'Loudspeaker'), ('access_control', 'Access control'), ('barrier', 'Barrier'), ('recorder', 'Recorder'), ('switch', 'Switch'), ('onu', 'ONU')], max_length=16, verbose_name='kind')),
                ('heartbeat_s', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(5), django.core.validators.MaxValueValidator(2147483647)], verbose_name='heartbeat interval (s)')),
                ('picture_s', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(5), django.core.validators.MaxValueValidator(2147483647)], verbose_name='picture interval (s)')),
                ('facts_s', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(60), django.core.validators.MaxValueValidator(2147483647)], verbose_name='interval of device facts (s)')),
                ('second_look_s', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(2147483647)], verbose_name='second look after (s)')),
                ('settle_s', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(2147483647)], verbose_name='wait before a mail (s)')),
                ('deadline_s', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(2), django.core.validators.MaxValueValidator(30)], verbose_name='deadline of a visit (s)')),
                ('burst', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(2147483647)], verbose_name='requests at once')),
                ('refill_s', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(2147483647)], verbose_name='seconds for one more request')),
                ('clock_limit_s', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(2147483647)], verbose_name='clock limit (s)')),
                ('demo', models.BooleanField(default=False, editable=False, verbose_name='demo data')),
                ('compound', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='devices.compound', verbose_name='compound')),
                ('zone', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='devices.zone', verbose_name='zone')),
            ],
            options={
                'verbose_name': 'policy rule',
                'verbose_name_plural': 'policy rules',
            },
        ),
        migrations.CreateModel(
            name='Schedule',
            fields=[
                ('endpoint', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='schedule', serialize=False, to='devices.endpoint', verbose_name='endpoint')),
                ('heartbeat_every', models.PositiveIntegerField()),
                ('picture_every', models.PositiveIntegerField(null=True)),
                ('facts_every', models.PositiveIntegerField()),
                ('heartbeat_due', models.DateTimeField()),
                ('picture_due', models.DateTimeField(null=True)),
                ('facts_due', models.DateTimeField()),
                ('recheck_due', models.DateTimeField(null=True)),
                ('due', models.DateTimeField()),
                ('lease', models.UUIDField(null=True)),
                ('leased_until', models.DateTimeField(null=True)),
                ('worked', models.BooleanField(default=False)),
                ('hold_until', models.DateTimeField(null=True)),
                ('hold_cause', models.CharField(blank=True, max_length=32)),
                ('holds', models.PositiveSmallIntegerField(default=0)),
                ('zone', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='devices.zone', verbose_name='zone')),
            ],
            options={
                'verbose_name': 'schedule',
                'verbose_name_plural': 'schedules',
            },
        ),
        migrations.CreateModel(
            name='Transition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('aspect', models.CharField(choices=[(monitor.wire.Aspect['LINK'], 'Link'), (monitor.wire.Aspect['ACCESS'], 'Login'), (monitor.wire.Aspect['CLOCK'], 'Clock'), (monitor.wire.Aspect['PICTURE'], 'Picture'), (monitor.wire.Aspect['IDENTITY'], 'Identity'), (monitor.wire.Aspect['RECORDING'], 'Recording')], max_length=12)),
                ('was', models.CharField(choices=[(monitor.health.State['UNKNOWN'], 'unknown'), (monitor.health.State['OK'], 'ok'), (monitor.health.State['SUSPECT'], 'suspect'), (monitor.health.State['FAULTY'], 'faulty'), (monitor.health.State['RECOVERING'], 'recovering')], max_length=12)),
                ('now', models.CharField(choices=[(monitor.health.State['UNKNOWN'], 'unknown'), (monitor.health.State['OK'], 'ok'), (monitor.health.State['SUSPECT'], 'suspect'), (monitor.health.State['FAULTY'], 'faulty'), (monitor.health.State['RECOVERING'], 'recovering')], max_length=12)),
                ('at', models.DateTimeField()),
                ('decided_at', models.DateTimeField()),
                ('cause', models.CharField(blank=True, max_length=32)),
                ('detail', models.JSONField(default=dict)),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='transitions', to='devices.device')),
            ],
            options={
                'verbose_name': 'transition',
                'verbose_name_plural': 'transitions',
            },
        ),
        migrations.CreateModel(
            name='DeviceHour',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start', models.DateTimeField()),
                ('online_s', models.FloatField()),
                ('offline_s', models.FloatField()),
                ('usable_s', models.FloatField()),
                ('clock_ok_s', models.FloatField()),
                ('blind_s', models.FloatField()),
                ('excluded_s', models.FloatField()),
                ('looks', models.PositiveIntegerField()),
                ('pictures', models.PositiveIntegerField()),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='hours', to='devices.device')),
            ],
            options={
                'verbose_name': 'device hour',
                'verbose_name_plural': 'device hours',
                'indexes': [models.Index(fields=['start'], name='device_hour_start')],
                'constraints': [models.UniqueConstraint(fields=('device', 'start'), name='device_hour_once')],
            },
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(condition=models.Q(('ended_at', None)), fields=['started_at'], name='incident_open'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(fields=['device', '-started_at'], name='incident_device'),
        ),
        migrations.AddConstraint(
            model_name='incident',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('device', 'aspect'), name='incident_one_open'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('done_at', None)), fields=['ready_at'], name='event_ready'),
        ),
        migrations.AddIndex(
            model_name='look',
            index=models.Index(condition=models.Q(('finished_at', None)), fields=['asked_at'], name='look_open'),
        ),
        migrations.AddConstraint(
            model_name='lookstep',
            constraint=models.UniqueConstraint(fields=('look', 'number'), name='look_step_once'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(condition=models.Q(('failed_at', None), ('sent_at', None)), fields=['due_at'], name='notification_due'),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.UniqueConstraint(fields=('event', 'user', 'route'), name='notification_once'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(fields=['device', 'role', '-taken_at'], name='picture_device_role'),
        ),
        migrations.AddConstraint(
            model_name='picture',
            constraint=models.UniqueConstraint(condition=models.Q(('retired_at', None), ('role', 'reference')), fields=('device', 'phase'), name='picture_one_reference_per_phase'),
        ),
        migrations.AddConstraint(
            model_name='policyrule',
            constraint=models.UniqueConstraint(fields=('zone', 'compound', 'kind'), name='policy_rule_once', nulls_distinct=False),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(fields=['zone', 'due'], name='schedule_due'),
        ),
        migrations.AddIndex(
            model_name='transition',
            index=models.Index(fields=['device', '-at'], name='transition_device_at'),
        ),
    ]
