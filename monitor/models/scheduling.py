"""When each endpoint is due, and by which rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from devices.models import Kind

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


# A visit must end before its lease does (`schedule.LEASE_S` is made from this).
LONGEST_DEADLINE_S = 30
# As far apart as a database's whole numbers go.
NO_LIMIT = 2_147_483_647


def _seconds(
    label: _StrPromise, least: int, most: int = NO_LIMIT
) -> models.PositiveIntegerField[int | None, int | None]:
    bounds = [MinValueValidator(least), MaxValueValidator(most)]
    return models.PositiveIntegerField(label, null=True, blank=True, validators=bounds)


class PolicyRule(models.Model):
    """A row that changes the default policy for a zone, a kind or a compound; empty fields keep what is below.

    The more specific rule wins: zone, then kind, then compound, then both.
    """

    zone = models.ForeignKey("devices.Zone", models.CASCADE, null=True, blank=True, verbose_name=_("zone"))
    compound = models.ForeignKey("devices.Compound", models.CASCADE, null=True, blank=True, verbose_name=_("compound"))
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices, blank=True)
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
            models.UniqueConstraint(name="policy_rule_once", fields=("zone", "compound", "kind"), nulls_distinct=False),
        )

    def __str__(self) -> str:
        return " · ".join(str(part) for part in (self.zone, self.compound, self.kind) if part) or str(_("everywhere"))

    @property
    def specificity(self) -> int:
        """Order in which rules are laid over each other."""
        return 4 * bool(self.compound_id) + 2 * bool(self.kind) + bool(self.zone_id)


class Schedule(models.Model):
    """One narrow row per endpoint: its intervals, when each tier is due, who holds its lease, whether logins rest.

    `due` is the earliest of the tiers' instants and the only indexed one. Instants follow the endpoint's phase
    (DESIGN, decision 4), never "last + interval", so nothing herds after an outage.
    """

    endpoint = models.OneToOneField(
        "devices.Endpoint", models.CASCADE, primary_key=True, related_name="schedule", verbose_name=_("endpoint")
    )
    zone = models.ForeignKey("devices.Zone", models.CASCADE, related_name="+", verbose_name=_("zone"))
    heartbeat_every = models.PositiveIntegerField()
    picture_every = models.PositiveIntegerField(null=True)
    facts_every = models.PositiveIntegerField()
    heartbeat_due = models.DateTimeField()
    picture_due = models.DateTimeField(null=True)
    facts_due = models.DateTimeField()
    recheck_due = models.DateTimeField(null=True)
    due = models.DateTimeField()
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    worked = models.BooleanField(default=False)
    hold_until = models.DateTimeField(null=True)
    hold_cause = models.CharField(max_length=32, blank=True)
    holds = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        indexes = (models.Index(name="schedule_due", fields=("zone", "due")),)

    def __str__(self) -> str:
        return f"{self.endpoint_id} @ {self.due:%H:%M:%S}"


class Pulse(models.Model):
    """When a recurring duty of ours was last done: what watches the watcher."""

    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("pulse")
        verbose_name_plural = _("pulses")

    def __str__(self) -> str:
        return f"{self.name} {self.at:%H:%M:%S}"
