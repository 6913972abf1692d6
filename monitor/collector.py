"""The probe worker: its own Celery app, with the broker and the zones' keys, without Django and without a database.

    celery -A monitor.collector worker -P threads -Q probe.<zone>,look.<zone>

A task opens the sealed targets, hands them to the process's one event loop, and sends sealed readings on to `record` as
they come in, so that one slow camera does not hold up the news of the others (DESIGN, decisions 1, 2 and 10).
"""

from __future__ import annotations

import json
import uuid
from base64 import b64encode

import redis
from celery import Celery
from cryptography.fernet import Fernet, MultiFernet

from monitor import env

# A sealed batch older than this is worthless: the targets are due again. Seconds.
TARGETS_MAX_AGE_S = 60
# How long a picture waits for `record` at the broker. Seconds.
PICTURE_LIFE_S = 600
# Readings travel on in helpings of this many seconds.
HELPING_S = 1.0

with env.one_line_refusals():
    _KEYS = {
        zone: MultiFernet([Fernet(key) for key in keys]) for zone, keys in env.zone_keys("VIEWKEEPER_ZONE_KEYS").items()
    }
    _BROKER = env.redis_address("REDIS_URL")

app = Celery("collector")
app.conf.update(
    broker_url=_BROKER,
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_prefetch_multiplier=1,
)


class Pictures:
    """Pictures on their way: sealed with the zone's key under a broker key with a short life."""

    def __init__(self, zone: str) -> None:
        self._keys = _KEYS[zone]
        self._store = redis.Redis.from_url(_BROKER)

    def put(self, device_id: int, thumbnail: bytes, original: bytes | None) -> str:
        """Seal a picture and give the key it waits under."""
        key = f"picture:{device_id}:{uuid.uuid4().hex}"
        parts = [b64encode(thumbnail).decode(), b64encode(original).decode() if original else ""]
        self._store.set(key, self._keys.encrypt(json.dumps(parts).encode()), ex=PICTURE_LIFE_S)
        return key
