"""Send again the mails that were given up, once the mail server is well."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from monitor.alerts.delivery import resend


class Command(BaseCommand):
    """`resend_mail`: what failed for a day is due now, with a day of tries before it."""

    help = "Send again the mails that were given up."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Begin anew, and say with how many."""
        self.stdout.write(f"{resend(timezone.now())} mails are due again.")
