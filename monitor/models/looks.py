"""A person's look: a row that a worker answers step by step (DESIGN, decision 21)."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from monitor.models.states import ASPECTS


class Look(models.Model):
    """Somebody asked to look at a device now. The web process never dials: a worker does, and the page follows."""

    device = models.ForeignKey("devices.Device", models.CASCADE, related_name="looks")
    asked_by = models.ForeignKey("devices.User", models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, blank=True)

    class Meta:
        verbose_name = _("look")
        verbose_name_plural = _("looks")
        indexes = (models.Index(name="look_open", fields=("asked_at",), condition=models.Q(finished_at=None)),)

    def __str__(self) -> str:
        return f"{self.device_id} {self.asked_at:%H:%M:%S}"


class LookStep(models.Model):
    """One fact that a look learned, or one request that it made."""

    look = models.ForeignKey(Look, models.CASCADE, related_name="steps")
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField(default=timezone.now)
    aspect = models.CharField(max_length=12, choices=ASPECTS, blank=True)
    verdict = models.CharField(max_length=8, blank=True)
    cause = models.CharField(max_length=32, blank=True)
    detail = models.JSONField(default=dict)
    request = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("step of a look")
        verbose_name_plural = _("steps of a look")
        ordering = ("number",)
        constraints = (models.UniqueConstraint(name="look_step_once", fields=("look", "number")),)

    def __str__(self) -> str:
        return f"{self.look_id}.{self.number}"
