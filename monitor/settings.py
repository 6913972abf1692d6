"""Django settings, all of them from the environment; `deploy/viewkeeper.env.example` explains each variable.

A name that starts with VIEWKEEPER_ is the same here and in the environment. Single commands (check, probe,
makemigrations) run with nothing set; what serves refuses to start without its keys and addresses (`wsgi.py`,
`celery.py`).
"""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import urlparse

import django_stubs_ext
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from monitor import env

django_stubs_ext.monkeypatch()  # Django's generic classes take their type arguments at run time, too

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

# -- Viewkeeper's own
VIEWKEEPER_DEMO = env.flag("VIEWKEEPER_DEMO")
VIEWKEEPER_TICK_S = env.whole("VIEWKEEPER_TICK_S", 2, 1, 60)
VIEWKEEPER_PUBLIC_URL = env.web_address("VIEWKEEPER_PUBLIC_URL", "http://127.0.0.1:8000")
VIEWKEEPER_FIELD_KEYS = env.fernet_keys("VIEWKEEPER_FIELD_KEYS")
VIEWKEEPER_ZONE_KEYS = env.zone_keys("VIEWKEEPER_ZONE_KEYS")
VIEWKEEPER_RAW_DAYS = env.whole("VIEWKEEPER_RAW_DAYS", 3, 1, 60)
VIEWKEEPER_PROOF_DAYS = env.whole("VIEWKEEPER_PROOF_DAYS", 365, 30, 3650)
VIEWKEEPER_DEMO_MAIL_DIR = env.folder("VIEWKEEPER_DEMO_MAIL_DIR", VAR_DIR / "mail")
VIEWKEEPER_SIMULATOR_URL = env.web_address("VIEWKEEPER_SIMULATOR_URL")
VIEWKEEPER_SIMULATOR_TOKEN = env.raw("VIEWKEEPER_SIMULATOR_TOKEN")
VIEWKEEPER_METRICS_TOKEN = env.raw("VIEWKEEPER_METRICS_TOKEN")
VIEWKEEPER_HEARTBEAT_URL = env.web_address("VIEWKEEPER_HEARTBEAT_URL")
REDIS_URL = env.redis_address("REDIS_URL")

# -- Django
DEBUG = env.flag("VIEWKEEPER_DEBUG")
# A command that signs nothing lasting (check, probe) needs no key of its own to be configured.
SECRET_KEY = env.secret("VIEWKEEPER_SECRET_KEY", default=secrets.token_urlsafe(env.MIN_SECRET))
_public = urlparse(VIEWKEEPER_PUBLIC_URL)
ALLOWED_HOSTS = [_public.hostname or "localhost", "127.0.0.1", "localhost", *env.words("VIEWKEEPER_ALLOWED_HOSTS")]
ROOT_URLCONF = "monitor.urls"
WSGI_APPLICATION = "monitor.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = True

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "django_htmx",
    "devices",
    "monitor",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ],
        },
    },
]

# -- People
AUTH_USER_MODEL = "devices.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
SESSION_COOKIE_AGE = 8 * 3600  # a working day

# -- Database, cache
_database = env.database("DATABASE_URL")
DATABASES = {"default": {**_database, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True} if _database else {}}
_LOCAL_CACHE = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
_SHARED_CACHE = {
    "BACKEND": "django.core.cache.backends.redis.RedisCache",
    "LOCATION": REDIS_URL,
    "KEY_PREFIX": "viewkeeper",
}
CACHES = {"default": _SHARED_CACHE if REDIS_URL else _LOCAL_CACHE}
SESSION_ENGINE = "monitor.sessions"

# -- Languages, time
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "monitor" / "locale"]
USE_I18N = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

# -- Files. Hashed names need `collectstatic` first; without them whitenoise serves the source folders as they are.
STATIC_URL = "/static/"
_hashed = env.flag("VIEWKEEPER_STATIC_HASHED", default=True)
STATIC_ROOT = env.folder("VIEWKEEPER_STATIC_ROOT", VAR_DIR / "static") if _hashed else None
WHITENOISE_USE_FINDERS = not _hashed
_STATIC_STORAGE = {
    True: "whitenoise.storage.CompressedManifestStaticFilesStorage",
    False: "django.contrib.staticfiles.storage.StaticFilesStorage",
}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _STATIC_STORAGE[_hashed]},
}
MEDIA_ROOT = env.folder("VIEWKEEPER_MEDIA", VAR_DIR / "media")
FILE_UPLOAD_PERMISSIONS = 0o640

# -- Mail
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
_mail = env.mail_server("VIEWKEEPER_EMAIL_URL", "smtp://127.0.0.1:25")
EMAIL_HOST: str = _mail["EMAIL_HOST"]
EMAIL_PORT: int = _mail["EMAIL_PORT"]
EMAIL_HOST_USER: str = _mail["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD: str = _mail["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS: bool = _mail["EMAIL_USE_TLS"]
EMAIL_USE_SSL: bool = _mail["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = 10  # seconds for each step; a dead mail server must not hold a worker
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.raw("VIEWKEEPER_MAIL_FROM", "Viewkeeper <viewkeeper@localhost>")

# -- Protection. An https public address means production behind TLS; gunicorn tells Django the scheme of its proxy.
_over_tls = _public.scheme == "https"
SECURE_SSL_REDIRECT = _over_tls
SECURE_REDIRECT_EXEMPT = [r"^healthz/$", r"^metrics$"]  # asked on loopback by the machine's own watchers
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _over_tls
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 365 * 86_400 if _over_tls else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _over_tls
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "style-src": [SELF],
        "script-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# -- Logs: plain lines on standard error; whoever runs the process keeps and turns the files.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
    },
}
