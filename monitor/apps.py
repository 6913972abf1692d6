"""The journal: what was observed, what it means, who was told, who decided."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MonitorConfig(AppConfig):
    """Django's name of the journal."""

    name = "monitor"
    verbose_name = _("Journal")
