"""Settings of the tests and of mypy's Django plugin: production's, with keys made up and slow things made quick."""

from __future__ import annotations

import base64
import os
import tempfile

from tests.servers import own_number

# Whatever installation this shell knows, the tests must neither read its keys nor touch its files.
for _name in [name for name in os.environ if name.startswith("VIEWKEEPER_") and name != "VIEWKEEPER_NEED_BROWSER"]:
    del os.environ[_name]
# Any bytes will do, but not secret ones: these are in a public file.
_KEY = base64.urlsafe_b64encode(b"viewkeeper tests, not a secret!!").decode()
os.environ |= {
    "VIEWKEEPER_SECRET_KEY": "only for tests " * 4,
    "VIEWKEEPER_FIELD_KEYS": _KEY,
    "VIEWKEEPER_ZONE_KEYS": f"local={_KEY},demo={_KEY}",
    "VIEWKEEPER_STATIC_HASHED": "0",
    "VIEWKEEPER_MEDIA": f"{tempfile.gettempdir()}/viewkeeper-tests-media-{os.getpid()}",
}
# Each parallel worker has a Redis database to itself.
if os.environ.get("REDIS_URL"):
    os.environ["REDIS_URL"] = own_number(os.environ["REDIS_URL"], os.environ.get("PYTEST_XDIST_WORKER", ""))

from monitor.settings import *

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

# Tests speak the language of the message ids; what is Chinese is tested by name.
LANGUAGE_CODE = "en"
