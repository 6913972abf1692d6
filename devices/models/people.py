"""Organisations and the people who act for them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _


class Organisation(models.Model):
    """Police, contractor or owner: whoever decides must not belong to whoever built (DESIGN, decision 17)."""

    class Kind(models.TextChoices):
        """What an organisation is to the cameras."""

        POLICE = "police", _("Police")
        CONTRACTOR = "contractor", _("Maintenance contractor")
        OWNER = "owner", _("Owner")

    name = models.CharField(_("name"), max_length=120, unique=True)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    demo = models.BooleanField(_("demo data"), default=False, editable=False)

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person who signs in. The name is one text: Chinese names have no first and last."""

    class Language(models.TextChoices):
        """Languages of pages and mails."""

        CHINESE = "zh-hans", "简体中文"
        ENGLISH = "en", "English"

    name = models.CharField(_("name"), max_length=80, blank=True)
    phone = models.CharField(_("phone"), max_length=32, blank=True)
    language = models.CharField(_("language"), max_length=8, choices=Language.choices, default=Language.CHINESE)
    demo = models.BooleanField(_("demo data"), default=False, editable=False)

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.name or self.username


class Role(models.TextChoices):
    """What a person does for an organisation."""

    ADMIN = "admin", _("Platform administrator")
    OFFICER = "officer", _("Police tech officer")
    MANAGER = "manager", _("Contractor manager")
    TECHNICIAN = "technician", _("Technician")
    VIEWER = "viewer", _("Viewer")


class Membership(models.Model):
    """A person's role in an organisation, and what it is narrowed to: a district, a compound or a contract."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships", verbose_name=_("user"))
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=16, choices=Role.choices)
    district = models.ForeignKey("devices.District", models.CASCADE, null=True, blank=True, verbose_name=_("district"))
    compound = models.ForeignKey("devices.Compound", models.CASCADE, null=True, blank=True, verbose_name=_("compound"))
    contract = models.ForeignKey("devices.Contract", models.CASCADE, null=True, blank=True, verbose_name=_("contract"))
    wants_mail = models.BooleanField(_("gets outage mails"), default=False)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = (
            models.CheckConstraint(
                name="membership_one_scope",
                condition=(
                    models.Q(district=None, compound=None)
                    | models.Q(district=None, contract=None)
                    | models.Q(compound=None, contract=None)
                ),
                violation_error_message=_("Choose one of district, compound and contract, not several."),
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"

    @property
    def has_scope(self) -> bool:
        """Whether the membership is narrowed at all."""
        return any((self.district_id, self.compound_id, self.contract_id))

    def clean(self) -> None:
        """Roles belong to kinds of organisation; an officer needs a scope, an administrator has none."""
        wanted: dict[str, set[Any]] = {
            Role.ADMIN: {Organisation.Kind.POLICE},
            Role.OFFICER: {Organisation.Kind.POLICE},
            Role.MANAGER: {Organisation.Kind.CONTRACTOR},
            Role.TECHNICIAN: {Organisation.Kind.CONTRACTOR},
        }
        if self.organisation.kind not in wanted.get(self.role, set(Organisation.Kind)):
            raise ValidationError({"role": _("This role does not belong to this kind of organisation.")})
        if self.role == Role.ADMIN and self.has_scope:
            told = _("An administrator's membership covers everything; leave district, compound and contract empty.")
            raise ValidationError({"role": told})
        if self.role == Role.OFFICER and not (self.district_id or self.compound_id):
            raise ValidationError({"district": _("An officer needs a district or a compound.")})
