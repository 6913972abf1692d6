"""The register and the journal for platform administrators: tables that have no page of their own yet."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.utils.translation import gettext_lazy as _

from devices.models import (
    Compound,
    CompoundGroup,
    Contract,
    Device,
    District,
    Endpoint,
    Membership,
    Organisation,
    Slot,
    User,
    Zone,
)
from monitor.models import PolicyRule

admin.site.site_header = admin.site.site_title = _("Viewkeeper administration")


class MembershipInline(admin.TabularInline[Membership, User]):
    """What a person may see, beside the person."""

    model = Membership
    extra = 0


@admin.register(User)
class PersonAdmin(UserAdmin[User]):
    """People, with their memberships."""

    inlines = (MembershipInline,)
    list_display = ("username", "name", "email", "language", "is_active")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("name", "email", "phone", "language")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser")}),
    )


@admin.register(Device)
class DeviceAdmin(admin.ModelAdmin[Device]):
    """Devices; they are never deleted, they leave use."""

    list_display = ("name", "compound", "kind", "endpoint", "channel", "life")
    list_filter = ("kind", "life", "compound")
    search_fields = ("name", "code", "serial", "endpoint__host")
    raw_id_fields = ("parent", "endpoint", "slot", "paused_by")

    def has_delete_permission(self, *_args: object, **_kwargs: object) -> bool:
        """A device leaves use, it is not deleted (its history stays)."""
        return False


@admin.register(Endpoint)
class EndpointAdmin(admin.ModelAdmin[Endpoint]):
    """Addresses; the credential is changed on the device's page and shown nowhere."""

    list_display = ("__str__", "zone")
    list_filter = ("zone",)
    exclude = ("credential",)


class PolicyRuleForm(forms.ModelForm[PolicyRule]):
    """A lasting rule speaks of a zone, a compound, a kind; an occasion of the devices on its list."""

    def clean(self) -> dict[str, Any]:
        """Say which field belongs to the other sort of rule."""
        given = super().clean() or {}
        if given.get("name") and not given.get("devices"):
            self.add_error("devices", _("An occasion needs the devices that it is about."))
        if not given.get("name") and given.get("devices"):
            self.add_error("name", _("A list of devices is for an occasion: give it a name, a beginning and an end."))
        if given.get("name"):
            for field in ("zone", "compound", "kind"):
                if given.get(field):
                    self.add_error(field, _("An occasion speaks of its list of devices only; leave this empty."))
        return given


@admin.register(PolicyRule)
class PolicyRuleAdmin(admin.ModelAdmin[PolicyRule]):
    """Intervals, deadlines and politeness for a zone, a kind, a compound, or a list of devices for a while."""

    form = PolicyRuleForm
    list_display = ("__str__", "starts_at", "ends_at", "heartbeat_s", "picture_s", "second_look_s", "settle_s")
    list_filter = ("kind", "zone")
    search_fields = ("name", "compound__name")
    raw_id_fields = ("devices", "compound")
    fieldsets = (
        (_("Whom it is about"), {"fields": ("zone", "compound", "kind")}),
        (_("An occasion"), {"fields": ("name", "starts_at", "ends_at", "devices")}),
        (_("How it is asked"), {"fields": ("probe", "ports", "deadline_s", "burst", "refill_s", "clock_limit_s")}),
        (_("How often"), {"fields": ("heartbeat_s", "picture_s", "facts_s", "second_look_s", "settle_s")}),
    )


for model in (District, CompoundGroup, Compound, Slot, Organisation, Contract, Zone):
    admin.site.register(model)
