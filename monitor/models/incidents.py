"""Incidents, what is to be told about them, and to whom it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from devices.models import Device
from monitor.models.states import ASPECTS

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser

    from devices.models import User


class IncidentQuerySet(models.QuerySet["Incident"]):
    """Incidents, narrowed to who looks and to what is open."""

    def visible_to(self, user: User | AnonymousUser) -> IncidentQuerySet:
        """Only the incidents of devices that this user may see."""
        return self.filter(device__in=Device.objects.visible_to(user))

    def open(self) -> IncidentQuerySet:
        """Incidents that have not ended."""
        return self.filter(ended_at=None)

    def roots(self) -> IncidentQuerySet:
        """Incidents that are nobody's consequence."""
        return self.filter(root=None)


class Incident(models.Model):
    """A confirmed fault of one aspect of one device, from its first bad reading to its first good one.

    `root` names the incident it is a consequence of: a dead switch makes one cause, not thirty (DESIGN, decision 13).
    """

    device = models.ForeignKey("devices.Device", models.CASCADE, related_name="incidents", verbose_name=_("device"))
    aspect = models.CharField(_("aspect"), max_length=12, choices=ASPECTS)
    cause = models.CharField(_("cause"), max_length=32)
    detail = models.JSONField(default=dict)
    root = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="consequences")
    started_at = models.DateTimeField(_("since"))
    decided_at = models.DateTimeField(_("confirmed"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end_decided_at = models.DateTimeField(null=True, blank=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ("-started_at",)
        constraints = (
            models.UniqueConstraint(
                name="incident_one_open", fields=("device", "aspect"), condition=models.Q(ended_at=None)
            ),
        )
        indexes = (
            models.Index(name="incident_open", fields=("started_at",), condition=models.Q(ended_at=None)),
            models.Index(name="incident_device", fields=("device", "-started_at")),
        )

    def __str__(self) -> str:
        return f"{self.device_id} {self.cause}"

    @property
    def is_open(self) -> bool:
        """Whether the fault still lasts."""
        return self.ended_at is None

    def lasted_s(self, now: datetime | None = None) -> float:
        """Seconds from the first bad reading to the first good one, or to now."""
        return ((self.ended_at or now or timezone.now()) - self.started_at).total_seconds()


class Event(models.Model):
    """Something to be told, written in the same transaction as what happened (the outbox; DESIGN, decision 15).

    It waits until `ready_at`, so that a root found within the settle time adopts its consequences silently.
    """

    class Kind(models.TextChoices):
        """What happened."""

        OPENED = "opened", _("opened")
        CLOSED = "closed", _("recovered")

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="events")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    at = models.DateTimeField()
    ready_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = (models.Index(name="event_ready", fields=("ready_at",), condition=models.Q(done_at=None)),)

    def __str__(self) -> str:
        return f"{self.incident_id} {self.kind}"


class Notification(models.Model):
    """One event told to one person by one route; written once, delivered by whoever claims it."""

    class Route(models.TextChoices):
        """How it is told."""

        MAIL = "mail", _("Mail")

    event = models.ForeignKey(Event, models.CASCADE, related_name="notifications")
    user = models.ForeignKey("devices.User", models.CASCADE, related_name="notifications")
    route = models.CharField(max_length=8, choices=Route.choices, default=Route.MAIL)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = (models.UniqueConstraint(name="notification_once", fields=("event", "user", "route")),)
        indexes = (
            models.Index(name="notification_due", fields=("due_at",), condition=models.Q(sent_at=None, failed_at=None)),
        )

    def __str__(self) -> str:
        return f"{self.event_id} → {self.user_id}"
