"""The register: what exists, where, and who answers for it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DevicesConfig(AppConfig):
    """Django's name of the register."""

    name = "devices"
    verbose_name = _("Register")
