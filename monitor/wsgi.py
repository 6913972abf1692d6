"""The web application for gunicorn: `gunicorn monitor.wsgi`."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from monitor import env

BOOT_ERROR = 3  # gunicorn's code for a worker that cannot boot: its master ends instead of trying for ever

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "monitor.settings")
with env.one_line_refusals(BOOT_ERROR):
    env.require(*env.TO_SERVE)
    application = get_wsgi_application()
