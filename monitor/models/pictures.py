"""Pictures that are kept, and what a camera has learned to look like."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Picture(models.Model):
    """A kept picture: the accepted reference of a phase, the proof of an incident, or what a proposal is about.

    `file` lies below the media root. A reference that the contractor accepted before the police had accepted any
    (`by_contractor`) does not bind: it may still be replaced without a proposal (DESIGN, decision 18).
    """

    class Role(models.TextChoices):
        """Why it is kept."""

        REFERENCE = "reference", _("Reference view")
        PROOF = "proof", _("Proof")
        PROPOSAL = "proposal", _("Proposed picture")

    device = models.ForeignKey("devices.Device", models.CASCADE, related_name="pictures")
    role = models.CharField(max_length=10, choices=Role.choices)
    phase = models.CharField(max_length=8)
    taken_at = models.DateTimeField()
    file = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    incident = models.ForeignKey("monitor.Incident", models.CASCADE, null=True, related_name="proofs")
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey("devices.User", models.SET_NULL, null=True, related_name="+")
    by_contractor = models.BooleanField(default=False)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        constraints = (
            models.UniqueConstraint(
                name="picture_one_reference_per_phase",
                fields=("device", "phase"),
                condition=models.Q(role="reference", retired_at=None),
            ),
        )
        indexes = (models.Index(name="picture_device_role", fields=("device", "role", "-taken_at")),)

    def __str__(self) -> str:
        return f"{self.device_id} {self.role} {self.phase}"


class LearnedView(models.Model):
    """The camera model of `vision`, as the compact signature that travels to a probe (at most 8 kB)."""

    device = models.OneToOneField("devices.Device", models.CASCADE, primary_key=True, related_name="learned_view")
    signature = models.BinaryField()
    learned = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("learned view")
        verbose_name_plural = _("learned views")

    def __str__(self) -> str:
        return str(self.device_id)


class ViewWeek(models.Model):
    """How much of a camera's structure was lost against its day reference, the mean of a week (`trends`).

    `lost` is a share 0..1 over `pictures`, one a day; `week` is its Monday, `measured_on` the last day it was tried on.
    """

    device = models.ForeignKey("devices.Device", models.CASCADE, related_name="view_weeks")
    week = models.DateField()
    measured_on = models.DateField()
    pictures = models.PositiveSmallIntegerField()
    lost = models.FloatField()

    class Meta:
        verbose_name = _("week of a view")
        verbose_name_plural = _("weeks of views")
        constraints = (models.UniqueConstraint(name="viewweek_one_a_week", fields=("device", "week")),)

    def __str__(self) -> str:
        return f"{self.device_id} {self.week}"
