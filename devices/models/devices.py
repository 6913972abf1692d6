"""Devices: one row each for life; they are never deleted, they leave use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from devices.models.kinds import CAMERAS, INFRASTRUCTURE, Kind
from devices.visibility import devices_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from devices.models.people import User

# A chain of parents longer than this is a mistake in the register, and a loop surely is.
MAX_PARENTS = 8


class Life(models.TextChoices):
    """Where a device is in its life. Polled from `installed` on; counted in figures only while `in_use`."""

    PLANNED = "planned", _("Planned")
    INSTALLED = "installed", _("Installed")
    TRIAL = "trial", _("Trial run")
    IN_USE = "in_use", _("In use")
    REPAIR = "repair", _("In repair")
    REMOVED = "removed", _("Removed")


POLLED = (Life.INSTALLED, Life.TRIAL, Life.IN_USE, Life.REPAIR)


class Ownership(models.TextChoices):
    """Whose device it is (domain notes, section 3)."""

    POLICE = "police", _("Police-built")
    JOINT = "joint", _("Jointly built")
    SOCIETY = "society", _("Society-owned")


class DeviceQuerySet(models.QuerySet["Device"]):
    """Devices, narrowed to who looks and to what is polled."""

    def visible_to(self, user: User | AnonymousUser) -> DeviceQuerySet:
        """Only the devices that this user may see."""
        return self.filter(devices_for(user))

    def polled(self) -> DeviceQuerySet:
        """Devices that are to be looked at: installed, reachable by an endpoint, not paused."""
        return self.filter(life__in=POLLED, endpoint__isnull=False, pause_reason="")

    def points(self) -> DeviceQuerySet:
        """Devices that are there to see: the points of the first page."""
        return self.filter(kind__in=CAMERAS, life__in=POLLED)


class Device(models.Model):
    """A front-end device, or what others hang on (recorder, switch, ONU)."""

    compound = models.ForeignKey("devices.Compound", models.PROTECT, related_name="devices", verbose_name=_("compound"))
    slot = models.OneToOneField(
        "devices.Slot", models.SET_NULL, null=True, blank=True, related_name="device", verbose_name=_("slot")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=80)
    code = models.CharField(
        _("device code"),
        max_length=20,
        blank=True,
        validators=[RegexValidator(r"^\d{20}$", _("20 digits, GB/T 28181."))],
    )
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent device")
    )
    endpoint = models.ForeignKey(
        "devices.Endpoint", models.PROTECT, null=True, blank=True, related_name="devices", verbose_name=_("endpoint")
    )
    channel = models.PositiveSmallIntegerField(_("channel"), default=0)
    life = models.CharField(_("state"), max_length=10, choices=Life.choices, default=Life.INSTALLED)
    ownership = models.CharField(_("ownership"), max_length=8, choices=Ownership.choices, default=Ownership.POLICE)
    contract = models.ForeignKey(
        "devices.Contract", models.PROTECT, null=True, blank=True, related_name="devices", verbose_name=_("contract")
    )
    serial = models.CharField(_("serial number"), max_length=80, blank=True)
    pause_reason = models.CharField(_("why polling is paused"), max_length=160, blank=True)
    paused_at = models.DateTimeField(_("paused since"), null=True, blank=True)
    paused_by = models.ForeignKey("devices.User", models.SET_NULL, null=True, blank=True, related_name="+")

    objects = DeviceQuerySet.as_manager()

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        ordering = ("compound", "name")
        constraints = (
            models.UniqueConstraint(
                name="device_name_in_compound",
                fields=("compound", "name"),
                violation_error_message=_("This compound has a device of that name already."),
            ),
            models.UniqueConstraint(
                name="device_once_on_endpoint",
                fields=("endpoint", "channel"),
                condition=~models.Q(life="removed"),
                violation_error_message=_("Another device has this address and channel."),
            ),
        )

    def __str__(self) -> str:
        return f"{self.compound} · {self.name}"

    @property
    def sees(self) -> bool:
        """Whether the device has a picture."""
        return self.kind in CAMERAS

    @property
    def carries(self) -> bool:
        """Whether others hang on it."""
        return self.kind in INFRASTRUCTURE

    @property
    def demo(self) -> bool:
        """Whether the device belongs to the demo."""
        return self.compound.demo

    def clean(self) -> None:
        """A parent must be in the same compound, carry others, and not hang on the device itself."""
        if self.parent is None:
            return
        if not self.parent.carries:
            raise ValidationError({"parent": _("Only a recorder, switch or ONU can be a parent.")})
        if self.parent.compound_id != self.compound_id:
            raise ValidationError({"parent": _("The parent is in another compound.")})
        above: Device | None = self.parent
        for _level in range(MAX_PARENTS):
            if above is None or above.pk == self.pk:
                break
            above = above.parent
        if above is not None:
            raise ValidationError({"parent": _("The device would hang on itself.")})
