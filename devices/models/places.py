"""Where things are, and what must be seen there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from devices.models.kinds import Kind
from devices.visibility import compounds_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from devices.models.people import User


class District(models.Model):
    """An urban district by its GB/T 2260 code, such as 370203 Shibei."""

    code = models.CharField(_("code"), max_length=6, unique=True)
    name = models.CharField(_("name"), max_length=60)
    demo = models.BooleanField(_("demo data"), default=False, editable=False)

    class Meta:
        verbose_name = _("district")
        verbose_name_plural = _("districts")
        ordering = ("code",)

    def __str__(self) -> str:
        return self.name


class CompoundGroup(models.Model):
    """Neighbouring compounds that were designed together."""

    district = models.ForeignKey(District, models.PROTECT, related_name="groups", verbose_name=_("district"))
    name = models.CharField(_("name"), max_length=80)
    demo = models.BooleanField(_("demo data"), default=False, editable=False)

    class Meta:
        verbose_name = _("compound group")
        verbose_name_plural = _("compound groups")

    def __str__(self) -> str:
        return self.name


class CompoundQuerySet(models.QuerySet["Compound"]):
    """Compounds, narrowed to who looks."""

    def visible_to(self, user: User | AnonymousUser) -> CompoundQuerySet:
        """Only the compounds that this user may see."""
        return self.filter(compounds_for(user))


class Compound(models.Model):
    """A residential compound; its type decides the construction standard."""

    class Type(models.TextChoices):
        """Each type has its own construction standard (domain notes, section 1)."""

        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")
        SINGLE = "single", _("Single building")

    district = models.ForeignKey(District, models.PROTECT, related_name="compounds", verbose_name=_("district"))
    group = models.ForeignKey(
        CompoundGroup, models.PROTECT, null=True, blank=True, related_name="compounds", verbose_name=_("compound group")
    )
    name = models.CharField(_("name"), max_length=80)
    type = models.CharField(_("type"), max_length=8, choices=Type.choices)
    address = models.CharField(_("address"), max_length=200, blank=True)
    owner = models.ForeignKey(
        "devices.Organisation", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    demo = models.BooleanField(_("demo data"), default=False, editable=False)

    objects = CompoundQuerySet.as_manager()

    class Meta:
        verbose_name = _("compound")
        verbose_name_plural = _("compounds")
        ordering = ("name",)
        constraints = (models.UniqueConstraint(name="compound_name_in_district", fields=("district", "name")),)

    def __str__(self) -> str:
        return self.name


class Slot(models.Model):
    """What must be seen at a place, whether a device is there yet or not."""

    compound = models.ForeignKey(Compound, models.CASCADE, related_name="slots", verbose_name=_("compound"))
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    position = models.CharField(_("position"), max_length=80)
    sees = models.CharField(_("what it must see"), max_length=160, blank=True)
    mandatory = models.BooleanField(_("mandatory"), default=True)

    class Meta:
        verbose_name = _("slot")
        verbose_name_plural = _("slots")
        constraints = (models.UniqueConstraint(name="slot_position_in_compound", fields=("compound", "position")),)

    def __str__(self) -> str:
        return f"{self.compound} · {self.position}"
