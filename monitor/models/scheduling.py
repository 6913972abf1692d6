"""When each endpoint is due, and by which rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from devices.addresses import MAX_PORT
from devices.models import Kind
from monitor.wire import Probe

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


# A visit must end before its lease does (`claims.LEASE_S` is made from this).
LONGEST_DEADLINE_S = 30
# As far apart as a database's whole numbers go.
NO_LIMIT = 2_147_483_647


def _seconds(
    label: _StrPromise, least: int, most: int = NO_LIMIT
) -> models.PositiveIntegerField[int | None, int | None]:
    bounds = [MinValueValidator(least), MaxValueValidator(most)]
    return models.PositiveIntegerField(label, null=True, blank=True, validators=bounds)


PROBES = [
    (Probe.ONVIF, _("ONVIF")),
    (Probe.HTTP, _("HTTP")),
    (Probe.TCP, _("TCP ports")),
    (Probe.ICMP, _("ICMP echo")),
]


class PolicyRule(models.Model):
    """A row that changes the default policy for a zone, a kind or a compound; empty fields keep what is below it.

    The more specific rule wins: zone, then kind, then compound, then both. A rule with a name is a temporary one: it
    speaks of the devices on its list, between its two instants, and wins over all others, so that an event can
    tighten the intervals of the cameras around it.
    """

    name = models.CharField(_("occasion"), max_length=80, blank=True)
    zone = models.ForeignKey("devices.Zone", models.CASCADE, null=True, blank=True, verbose_name=_("zone"))
    compound = models.ForeignKey("devices.Compound", models.CASCADE, null=True, blank=True, verbose_name=_("compound"))
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices, blank=True)
    devices = models.ManyToManyField("devices.Device", blank=True, related_name="+", verbose_name=_("devices"))
    starts_at = models.DateTimeField(_("from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    probe = models.CharField(_("asked by"), max_length=8, choices=PROBES, blank=True)
    ports = models.CharField(
        _("TCP ports"),
        max_length=80,
        blank=True,
        validators=[
            RegexValidator(r"^\d{1,5}(,\d{1,5}){0,7}$", _("Up to eight port numbers with commas between them."))
        ],
    )
    heartbeat_s = _seconds(_("heartbeat interval (s)"), 5)
    picture_s = _seconds(_("picture interval (s)"), 5)
    facts_s = _seconds(_("interval of device facts (s)"), 60)
    second_look_s = _seconds(_("second look after (s)"), 1)
    settle_s = _seconds(_("wait before a mail (s)"), 0)
    deadline_s = _seconds(_("deadline of a visit (s)"), 2, most=LONGEST_DEADLINE_S)
    burst = _seconds(_("requests at once"), 1)
    refill_s = _seconds(_("seconds for one more request"), 1)
    clock_limit_s = _seconds(_("clock limit (s)"), 1)
    demo = models.BooleanField(_("demo data"), default=False, editable=False)

    class Meta:
        verbose_name = _("policy rule")
        verbose_name_plural = _("policy rules")
        constraints = (
            models.UniqueConstraint(
                name="policy_rule_once",
                fields=("zone", "compound", "kind"),
                condition=models.Q(name=""),
                nulls_distinct=False,
            ),
        )

    def __str__(self) -> str:
        parts = [str(part) for part in (self.name, self.zone, self.compound, self.get_kind_display()) if part]
        return " · ".join(parts) or str(_("everywhere"))

    def clean(self) -> None:
        """A temporary rule needs both instants, a lasting one neither."""
        if bool(self.name) != bool(self.starts_at and self.ends_at):
            raise ValidationError({"ends_at": _("An occasion has a beginning and an end; a lasting rule has neither.")})
        if self.starts_at and self.ends_at and self.starts_at >= self.ends_at:
            raise ValidationError({"ends_at": _("The end must be after the beginning.")})
        if any(not 1 <= int(port) <= MAX_PORT for port in self.ports.split(",") if port.isdecimal()):
            raise ValidationError({"ports": _("The port is a number from 1 to 65535.")})

    @property
    def specificity(self) -> int:
        """Order in which rules are laid over each other."""
        return 8 * bool(self.name) + 4 * bool(self.compound_id) + 2 * bool(self.kind) + bool(self.zone_id)


class Schedule(models.Model):
    """One narrow row per endpoint: its intervals, when each tier is due, who holds its lease, whether logins rest.

    `due` is the earlier of a heartbeat and a second look. Visits are claimed by it and by `picture_due`; facts ride
    along. Instants follow the endpoint's phase (DESIGN, decision 4), so nothing herds after an outage.
    """

    endpoint = models.OneToOneField(
        "devices.Endpoint", models.CASCADE, primary_key=True, related_name="schedule", verbose_name=_("endpoint")
    )
    # `schedule_due` begins with it.
    zone = models.ForeignKey("devices.Zone", models.CASCADE, related_name="+", verbose_name=_("zone"), db_index=False)
    heartbeat_every = models.PositiveIntegerField()
    picture_every = models.PositiveIntegerField(null=True)
    facts_every = models.PositiveIntegerField()
    heartbeat_due = models.DateTimeField()
    picture_due = models.DateTimeField(null=True)
    facts_due = models.DateTimeField()
    recheck_due = models.DateTimeField(null=True)
    due = models.DateTimeField()
    lease = models.UUIDField(null=True)
    # When the lease ends or, where there is none, has ended: what is due could be claimed from then on.
    leased_until = models.DateTimeField(null=True)
    # The tiers that the lease took along, as the bits of `leases.BITS`: of a lost one just these are due again.
    claimed = models.PositiveSmallIntegerField(default=0)
    worked = models.BooleanField(default=False)
    hold_until = models.DateTimeField(null=True)
    hold_cause = models.CharField(max_length=32, blank=True)
    holds = models.PositiveSmallIntegerField(default=0)
    held_at = models.DateTimeField(null=True)
    # When the endpoint's token bucket is full again, whoever visits it next (DESIGN, decision 3).
    rested_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        indexes = (
            models.Index(name="schedule_due", fields=("zone", "due")),
            models.Index(name="schedule_picture_due", fields=("zone", "picture_due")),
        )

    def __str__(self) -> str:
        return f"{self.endpoint_id} @ {self.due:%H:%M:%S}"


class ZoneState(models.Model):
    """How the polling of a zone goes: how far its intervals are stretched, and whether we can see into it at all.

    `picture_share` is what pictures may have under way, as a share of their usual number: less while heartbeats are
    late.
    """

    zone = models.OneToOneField("devices.Zone", models.CASCADE, primary_key=True, related_name="polling")
    heartbeat_stretch = models.FloatField(default=1.0)
    picture_stretch = models.FloatField(default=1.0)
    picture_share = models.FloatField(default=1.0)
    # The last batch that came back and saw its canaries, and what it told about its collector's clock.
    seen_at = models.DateTimeField(null=True)
    clock_offset_s = models.FloatField(null=True)
    # Since when nothing is known of the zone, why, and when the operators were told.
    blind_since = models.DateTimeField(null=True)
    blind_why = models.CharField(max_length=32, blank=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("state of a zone")
        verbose_name_plural = _("states of zones")

    def __str__(self) -> str:
        return str(self.zone_id)


class Batch(models.Model):
    """One batch of visits: sent with a lease, and what came back. Kept for a few days; the metrics are made of it."""

    class Canary(models.TextChoices):
        """Whether the zone's canaries answered, first and last."""

        NONE = "none", _("no canary")
        SEEN = "seen", _("seen")
        LOST = "lost", _("lost")

    lease = models.UUIDField(primary_key=True)
    zone = models.ForeignKey("devices.Zone", models.CASCADE, related_name="+")
    pictures = models.BooleanField(default=False)
    sent_at = models.DateTimeField()
    endpoints = models.PositiveIntegerField()
    # How long the endpoint that waited longest had been due when the batch was sent.
    overdue_s = models.FloatField(default=0.0)
    done_at = models.DateTimeField(null=True)
    readings = models.PositiveIntegerField(default=0)
    outcomes = models.JSONField(default=dict)
    took_s = models.FloatField(null=True)
    cpu_s = models.FloatField(null=True)
    record_s = models.FloatField(default=0.0)
    lag_s = models.FloatField(null=True)
    canary = models.CharField(max_length=4, choices=Canary.choices, default=Canary.NONE)
    collector = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name = _("batch of visits")
        verbose_name_plural = _("batches of visits")
        indexes = (models.Index(name="batch_sent", fields=("sent_at",)),)

    def __str__(self) -> str:
        return f"{self.zone_id} {self.sent_at:%H:%M:%S}"


class Pulse(models.Model):
    """When a recurring duty of ours was last done: what watches the watcher."""

    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("pulse")
        verbose_name_plural = _("pulses")

    def __str__(self) -> str:
        return f"{self.name} {self.at:%H:%M:%S}"
