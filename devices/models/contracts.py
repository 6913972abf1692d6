"""Contracts: who maintains what for whom, and within which limits."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Contract(models.Model):
    """A maintenance contract. Only devices under a contract count in its figures (domain notes, section 3)."""

    class Form(models.TextChoices):
        """How the money comes (domain notes, section 1)."""

        FEE = "fee", _("Service fee")
        CONCESSION = "concession", _("Concession")

    number = models.CharField(_("number"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    form = models.CharField(_("form"), max_length=12, choices=Form.choices, default=Form.FEE)
    contractor = models.ForeignKey(
        "devices.Organisation", models.PROTECT, related_name="contracts", verbose_name=_("maintenance contractor")
    )
    client = models.ForeignKey("devices.Organisation", models.PROTECT, related_name="+", verbose_name=_("client"))
    starts = models.DateField(_("starts"))
    ends = models.DateField(_("ends"))
    response_limit_h = models.PositiveSmallIntegerField(_("response limit (hours)"), default=1)
    repair_limit_h = models.PositiveSmallIntegerField(_("repair limit (hours)"), default=24)
    demo = models.BooleanField(_("demo data"), default=False, editable=False)

    class Meta:
        verbose_name = _("contract")
        verbose_name_plural = _("contracts")
        constraints = (
            models.CheckConstraint(
                name="contract_ends_after_start",
                condition=models.Q(ends__gte=models.F("starts")),
                violation_error_message=_("A contract cannot end before it starts."),
            ),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.name}"
