"""The settings as an operator meets them: separate processes with an environment of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.conf import settings

BASE = Path(__file__).resolve().parents[2]
KEY = Fernet.generate_key().decode()
PRODUCTION = {
    "VIEWKEEPER_SECRET_KEY": Fernet.generate_key().decode() * 2,
    "VIEWKEEPER_FIELD_KEYS": KEY,
    "VIEWKEEPER_ZONE_KEYS": f"local={KEY}",
    "VIEWKEEPER_PUBLIC_URL": "https://viewkeeper.example",
    "DATABASE_URL": "postgresql://viewkeeper@127.0.0.1:1/viewkeeper",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


def run(*arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    private = ("VIEWKEEPER_", "DATABASE_URL", "REDIS_URL", "DJANGO_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(private)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=BASE, env={**clean, **given}, capture_output=True, text=True, check=False
    )


def test_production_settings_pass_the_deployment_checks() -> None:
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert (done.returncode, done.stdout) == (0, "System check identified no issues (0 silenced).\n"), done.stderr


def test_a_single_command_runs_with_nothing_set() -> None:
    done = run("manage.py", "check")
    assert done.returncode == 0, done.stderr


def test_nonsense_is_one_line_and_exit_code_2() -> None:
    done = run("manage.py", "check", VIEWKEEPER_TICK_S="soon")
    assert done.returncode == 2
    assert done.stderr == "VIEWKEEPER_TICK_S: 'soon' will not do; expected a whole number from 1 to 60\n"


def test_a_command_that_needs_the_database_says_that_there_is_none() -> None:
    done = run("manage.py", "showmigrations")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("DATABASE_URL: not set; expected postgresql://")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("missing", ["VIEWKEEPER_SECRET_KEY", "VIEWKEEPER_ZONE_KEYS", "DATABASE_URL", "REDIS_URL"])
def test_the_web_server_does_not_start_without(missing: str) -> None:
    done = run("-c", "import monitor.wsgi", **{name: value for name, value in PRODUCTION.items() if name != missing})
    assert done.returncode == 3  # gunicorn's code for "do not try again"
    assert done.stderr.startswith(f"{missing}: not set")


def test_a_worker_does_not_start_without_its_keys() -> None:
    worker = ("-m", "celery", "-A", "monitor.celery", "worker", "-P", "solo")
    done = run(*worker, **{**PRODUCTION, "VIEWKEEPER_FIELD_KEYS": ""})
    assert done.returncode == 2
    assert "VIEWKEEPER_FIELD_KEYS: not set" in done.stderr
    assert "Traceback" not in done.stderr


def shown(expression: str, **given: str) -> str:
    code = f"import django; django.setup(); from django.conf import settings; print({expression})"
    done = run("-c", code, DJANGO_SETTINGS_MODULE="monitor.settings", **given)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_cookies_are_secure_behind_tls_and_usable_without() -> None:
    flags = "settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.SECURE_HSTS_SECONDS > 0"
    assert shown(flags, **PRODUCTION) == "True True True"
    assert shown(flags, **{**PRODUCTION, "VIEWKEEPER_PUBLIC_URL": "http://10.0.0.5:8000"}) == "False False False"


def test_only_named_hosts_are_answered() -> None:
    hosts = shown("settings.ALLOWED_HOSTS", **PRODUCTION, VIEWKEEPER_ALLOWED_HOSTS="10.0.0.5")
    assert hosts == "['viewkeeper.example', '127.0.0.1', 'localhost', '10.0.0.5']"


def test_static_files_are_hashed_in_production() -> None:
    storage = shown("settings.STORAGES['staticfiles']['BACKEND']", **PRODUCTION)
    assert storage == "whitenoise.storage.CompressedManifestStaticFilesStorage"


def test_the_content_policy_lets_only_our_own_scripts_run() -> None:
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    assert directives["default-src"] == directives["script-src"] == directives["style-src"] == ["'self'"]
    assert directives["frame-ancestors"] == ["'none'"]


def test_the_default_language_is_chinese_and_the_time_is_beijings() -> None:
    from monitor import settings as product  # the tests' own are in English

    assert (product.LANGUAGE_CODE, product.TIME_ZONE, product.USE_TZ) == ("zh-hans", "Asia/Shanghai", True)


def test_connections_are_kept_and_checked() -> None:
    database = settings.DATABASES["default"]
    assert (database["CONN_MAX_AGE"], database["CONN_HEALTH_CHECKS"]) == (60, True)


def test_the_queue_takes_json_only_and_keeps_no_results() -> None:
    from monitor.celery import app

    assert app.conf.accept_content == ["json"]
    assert app.conf.task_ignore_result is True
    assert app.conf.result_backend is None
    assert app.conf.worker_enable_remote_control is False


def test_every_beat_entry_expires_before_the_next_one() -> None:
    from monitor.celery import app

    schedule = app.conf.beat_schedule.values()
    assert {entry["task"] for entry in schedule} == {
        "monitor.tasks.tick",
        "monitor.tasks.deliver",
        "monitor.tasks.housekeep",
    }
    assert all(entry["options"]["expires"] <= entry["schedule"] for entry in schedule)
