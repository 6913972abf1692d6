"""The platform's figures for a Prometheus: whether it is well to anybody, the rest to whoever has the token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from monitor.metrics import SHARES, WINDOW_S, Figures, ZoneFigures, gather
from monitor.overview.wellbeing import wellbeing

BEARER = "Bearer "


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures in Prometheus' text format; a token that is given and wrong is told so."""
    given = request.headers.get("Authorization", "")
    if given and not _knows_token(given):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    now = timezone.now()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told([*_public(now), *(_details(gather(now)) if given else ())]))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _knows_token(given: str) -> bool:
    token: str = settings.VIEWKEEPER_METRICS_TOKEN
    return bool(token) and given.startswith(BEARER) and constant_time_compare(given.removeprefix(BEARER), token)


class _Told(Collector):
    """Families that were made for one answer."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self.families = list(families)

    def collect(self) -> Iterable[Metric]:
        """Part of prometheus_client's interface."""
        return self.families


def _gauge(name: str, about: str, rows: Iterable[tuple[tuple[str, ...], float | None]], *labels: str) -> Metric:
    family = GaugeMetricFamily(f"viewkeeper_{name}", about, labels=labels)
    for values, number in rows:
        if number is not None:
            family.add_metric(values, number)
    return family


def _public(now: datetime) -> Iterator[Metric]:
    well = wellbeing(now)
    yield _gauge("up", "The web server answers.", [((), 1.0)])
    yield _gauge("ok", "The devices are watched (as /healthz/ has it).", [((), float(well["ok"]))])


def _details(told: Figures) -> Iterator[Metric]:
    yield from _of_zones(told.zones)
    yield from _of_batches(told.zones)
    yield _gauge("queue_messages", "Messages that wait.", (((q.name,), q.length) for q in told.queues), "queue")
    waits = (((q.name,), q.oldest_s) for q in told.queues)
    yield _gauge("queue_oldest_seconds", "How long the oldest message has waited.", waits, "queue")
    ages = (((name,), age) for name, age in told.pulses.items())
    yield _gauge("pulse_age_seconds", "Since a recurring duty was last done.", ages, "duty")
    yield _gauge("mails_waiting", "Mails that are to be sent.", [((), told.mails_waiting)])
    yield _gauge("mails_failed", "Mails that were given up.", [((), told.mails_failed)])


def _of_zones(zones: Iterable[ZoneFigures]) -> Iterator[Metric]:
    zones = list(zones)
    known = [(zone.name, zone.state) for zone in zones if zone.state]
    yield _gauge("zone_endpoints", "Endpoints that are polled.", (((z.name,), z.endpoints) for z in zones), "zone")
    blind = (((name,), float(state.blind_since is not None)) for name, state in known)
    yield _gauge("zone_blind", "Whether the platform does not see into the zone.", blind, "zone")
    offsets = (((name,), state.clock_offset_s) for name, state in known)
    yield _gauge(
        "zone_clock_offset_seconds", "How far the collector's clock is ahead of the broker's.", offsets, "zone"
    )
    tiers = [
        ((name, tier), getattr(state, f"{tier}_stretch")) for name, state in known for tier in ("heartbeat", "picture")
    ]
    yield _gauge("zone_stretch", "By what factor intervals are lengthened.", tiers, "zone", "tier")
    shares = (((name,), state.picture_share) for name, state in known)
    yield _gauge(
        "zone_picture_share", "What pictures may take up: less than 1 while heartbeats are late.", shares, "zone"
    )
    late = (((zone.name,), zone.overdue_s) for zone in zones)
    yield _gauge("zone_overdue_seconds", "How long the endpoint has been due that waits longest.", late, "zone")


def _of_batches(zones: Iterable[ZoneFigures]) -> Iterator[Metric]:
    zones, window = list(zones), f"in the last {WINDOW_S} s"
    polls = [((zone.name, word), number) for zone in zones for word, number in sorted(zone.outcomes.items())]
    yield _gauge("polls", f"Readings {window}.", polls, "zone", "outcome")
    records = (((zone.name,), zone.polls / WINDOW_S) for zone in zones)
    yield _gauge("records_per_second", f"Readings recorded a second {window}.", records, "zone")
    counts = [((zone.name, word), number) for zone in zones for word, number in sorted(zone.batches.items())]
    yield _gauge("batches", f"Batches sent {window}, by what became of them.", counts, "zone", "state")
    took = [((zone.name, str(share)), zone.batch_s(share)) for zone in zones for share in SHARES]
    yield _gauge("batch_seconds", f"What batches took {window}.", took, "zone", "quantile")
    cpu = [
        ((zone.name, part), seconds / zone.polls)
        for zone in zones
        if zone.polls
        for part, seconds in (("probe", zone.cpu_s), ("record", zone.record_s))
    ]
    yield _gauge("cpu_seconds_per_poll", f"Processor time for each reading {window}.", cpu, "zone", "part")
    lags = [((z.name, c.name), c.lag_s) for z in zones for c in z.collectors.values()]
    yield _gauge(
        "collector_lag_seconds", f"How late a collector's loop ran at its worst {window}.", lags, "zone", "collector"
    )
