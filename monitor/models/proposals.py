"""What a contractor would do to the view of an accepted device, waiting for the police (DESIGN, decision 18)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ProposalQuerySet(models.QuerySet["Proposal"]):
    """Proposals."""

    def waiting(self) -> ProposalQuerySet:
        """Only those that nobody has decided."""
        return self.filter(decided_at=None)


class Proposal(models.Model):
    """An act on the view of a device, with the picture it is about; at most one of each kind waits per device.

    `doubt` is the cause the platform saw when it was proposed, "" where it saw none; `reason` goes with a refusal.
    """

    class Act(models.TextChoices):
        """What is proposed; the values are those of `overview.acts.Act`."""

        ACCEPT = "accept", _("Accept this view as reference")
        FINE = "fine", _("This is fine")
        FAULT = "fault", _("This is a fault")
        ANEW = "anew", _("Learn anew")

    class Outcome(models.TextChoices):
        """What the police decided."""

        GRANTED = "granted", _("granted")
        REFUSED = "refused", _("refused")

    device = models.ForeignKey("devices.Device", models.CASCADE, related_name="proposals")
    act = models.CharField(max_length=8, choices=Act.choices)
    picture = models.OneToOneField("monitor.Picture", models.SET_NULL, null=True, related_name="proposal")
    phase = models.CharField(max_length=8)
    doubt = models.CharField(max_length=32, blank=True)
    note = models.CharField(max_length=160, blank=True)
    proposed_by = models.ForeignKey("devices.User", models.SET_NULL, null=True, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey("devices.User", models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True)
    reason = models.CharField(max_length=160, blank=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")
        constraints = (
            models.UniqueConstraint(
                name="proposal_one_waiting", fields=("device", "act"), condition=models.Q(decided_at=None)
            ),
            models.CheckConstraint(
                name="proposal_decided_whole",
                condition=models.Q(decided_at=None, outcome="")
                | (models.Q(decided_at__isnull=False) & ~models.Q(outcome="")),
            ),
            models.CheckConstraint(
                name="proposal_decided_by_another",
                condition=models.Q(decided_by=None) | ~models.Q(decided_by=models.F("proposed_by")),
            ),
        )
        indexes = (models.Index(name="proposal_device_at", fields=("device", "-proposed_at")),)

    def __str__(self) -> str:
        return f"{self.device_id} {self.act}"

    @property
    def waits(self) -> bool:
        """Whether nobody has decided it."""
        return self.decided_at is None
