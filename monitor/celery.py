"""The Celery app: Redis as broker, JSON only, no results, no remote control; the beat schedule in code.

Queues by latency class: `probe.<zone>` and `look.<zone>` for the probe workers, `record`, `alerts` and `default` for
those with a database (DESIGN, "Polling"). `alerts` waits for a mail server, so that production gives it a worker of
its own: polling goes on while mails hang.
"""

from __future__ import annotations

import os
import time
from typing import Any

from celery import Celery
from celery.signals import beat_init, before_task_publish, celeryd_init, worker_process_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "monitor.settings")

from django.conf import settings

from monitor import env, heap

HOUSEKEEP_S = 60
VISIBILITY_TIMEOUT_S = 3600  # after which Redis hands an unacknowledged task out again; every task is far shorter

with env.one_line_refusals():
    tick_s: int = settings.VIEWKEEPER_TICK_S
    broker_url: str = settings.REDIS_URL


def every(task: str, seconds: int, queue: str = "default") -> dict[str, Any]:
    """A beat entry whose task is dropped when nobody took it before the next one, so that no backlog stampedes."""
    return {"task": task, "schedule": float(seconds), "options": {"queue": queue, "expires": seconds}}


app = Celery("viewkeeper")
app.conf.update(
    broker_url=broker_url,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": VISIBILITY_TIMEOUT_S},
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    task_default_queue="default",
    task_routes={
        "monitor.tasks.deliver": {"queue": "alerts"},
        "monitor.tasks.record": {"queue": "record"},
        "monitor.tasks.look_step": {"queue": "record"},
    },
    task_send_sent_event=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_prefetch_multiplier=1,  # a waiting task is better taken by a free worker
    enable_utc=True,
    timezone=settings.TIME_ZONE,
    beat_schedule={
        "tick": every("monitor.tasks.tick", tick_s),
        "deliver": every("monitor.tasks.deliver", tick_s, "alerts"),
        "housekeep": every("monitor.tasks.housekeep", HOUSEKEEP_S),
    },
)
app.autodiscover_tasks(["monitor"])


def stamp(headers: dict[str, Any], **_kwargs: object) -> None:
    """Date each message, so that the metrics can tell how long the oldest one of a queue has waited."""
    headers["sent_at"] = int(time.time())


def refuse_unset(**_kwargs: object) -> None:
    """A worker or beat without keys and addresses ends with one line; single commands need not have them all."""
    with env.one_line_refusals():
        env.require(*env.TO_SERVE)


def settle(**_kwargs: object) -> None:
    """A worker has loaded what it needs, in each of its processes."""
    heap.settle()


before_task_publish.connect(stamp)
for starts in (celeryd_init, beat_init):
    starts.connect(refuse_unset)
for is_ready in (worker_ready, worker_process_init):
    is_ready.connect(settle)
