"""What a device takes for impolite."""

from __future__ import annotations

from monitor.simulator.auth import Login
from monitor.simulator.fleet.politeness import DESCRIBED, Limits, Stalls, Watch

NOW = 1_000_000.0
LIMITS = Limits(burst=4, look_burst=8, refill_s=5.0, back_off_s=2_100.0, slack_s=0.5)


def watch() -> Watch:
    return Watch(7, LIMITS)


def requests(seen: Watch, count: int, *, at: float = NOW) -> dict[str, int]:
    for _ in range(count):
        seen.request(at, "GetProfiles")
    return seen.violations


def test_a_burst_of_four_is_polite_and_a_fifth_request_is_not() -> None:
    assert requests(watch(), 4) == {}
    assert requests(watch(), 5) == {"bucket": 1}


def test_one_more_is_polite_each_five_seconds() -> None:
    seen = watch()
    requests(seen, 4)
    assert requests(seen, 1, at=NOW + 5) == {}
    assert requests(seen, 1, at=NOW + 5) == {"bucket": 1}


def test_a_little_early_is_still_polite() -> None:
    seen = watch()
    requests(seen, 4)
    assert requests(seen, 1, at=NOW + 4.6) == {}


def test_each_request_too_many_counts_once() -> None:
    seen = watch()
    requests(seen, 100)
    assert seen.violations == {"bucket": 96}
    assert requests(seen, 4, at=NOW + 20) == {"bucket": 96}


def test_what_came_while_the_device_was_held_up_may_have_come_in_time() -> None:
    seen, stalls = watch(), Stalls()
    for beat in (0.0, 0.25, 6.25):
        stalls.beat(NOW + beat, memory_s=20.0)
    for _ in range(5):
        seen.request(NOW + 6.3, "GetProfiles", stalls.worst_s(NOW + 6.3))

    assert seen.violations == {}
    seen.request(NOW + 6.4, "GetProfiles", stalls.worst_s(NOW + 6.4))
    assert seen.violations == {"bucket": 1}
    assert stalls.worst_s(NOW + 6.5) == 5.75
    assert stalls.worst_s(NOW + 9.5) == 5.75
    stalls.beat(NOW + 26.4, memory_s=20.0)
    assert stalls.worst_s(NOW + 26.5) > 19


def test_a_look_may_ask_eight_times() -> None:
    seen = watch()
    seen.look(NOW + 60)
    assert requests(seen, 8) == {}
    assert requests(seen, 1) == {"bucket": 1}
    assert requests(seen, 5, at=NOW + 61) == {"bucket": 2}


def test_only_the_first_are_described() -> None:
    seen = watch()
    requests(seen, 30)
    described = list(seen.told())
    assert len(described) == DESCRIBED
    assert described[0]["rule"] == "bucket"
    assert described[0]["index"] == 7


def test_a_second_refused_login_within_the_back_off_is_impolite() -> None:
    seen = watch()
    seen.login(NOW, Login.REFUSED)
    assert seen.violations == {}
    seen.login(NOW + 2_000, Login.REFUSED)
    assert seen.violations == {"logins": 1}


def test_after_the_back_off_one_more_is_polite() -> None:
    seen = watch()
    seen.login(NOW, Login.REFUSED)
    seen.login(NOW + 2_100, Login.REFUSED)
    assert seen.violations == {}


def test_where_it_had_worked_two_are_polite_once() -> None:
    seen = watch()
    seen.login(NOW, Login.WORKED)
    for later in (10, 100, 100 + 2_100):
        seen.login(NOW + later, Login.REFUSED)
    assert seen.violations == {}
    seen.login(NOW + 100 + 2_100 + 90, Login.REFUSED)
    assert seen.violations == {"logins": 1}


def test_a_login_that_worked_ends_the_back_off() -> None:
    seen = watch()
    for later, outcome in enumerate((Login.REFUSED, Login.WORKED, Login.REFUSED, Login.REFUSED)):
        seen.login(NOW + later, outcome)
    assert seen.violations == {}


def test_a_stale_nonce_and_a_missing_login_are_no_refusals() -> None:
    seen = watch()
    for _ in range(10):
        seen.login(NOW, Login.STALE)
        seen.login(NOW, Login.ABSENT)
    assert seen.violations == {}


def test_only_reading_is_polite() -> None:
    seen = watch()
    for method, target, operation in (
        ("POST", "/onvif/device_service", "GetUsers"),
        ("GET", "/snapshot.cgi", ""),
        ("HEAD", "/", ""),
    ):
        seen.asked(NOW, method, target, operation)
    assert seen.violations == {}
    for method, target, operation in (
        ("POST", "/onvif/device_service", "SetSystemDateAndTime"),
        ("POST", "/onvif/media_service", "CreateProfile"),
        ("PUT", "/ISAPI/System/time", ""),
        ("GET", "/cgi-bin/configManager.cgi?action=setConfig&NTP.Enable=true", ""),
    ):
        seen.asked(NOW, method, target, operation)
    assert seen.violations == {"writes": 4}


def test_a_subscription_is_told_by_name() -> None:
    seen = watch()
    seen.asked(NOW, "POST", "/onvif/event_service", "CreatePullPointSubscription")
    assert seen.violations == {"subscription": 1}


def test_a_second_connection_is_impolite() -> None:
    seen = watch()
    seen.connected(NOW, 0)
    assert seen.violations == {}
    seen.connected(NOW, 1)
    assert seen.violations == {"connections": 1}


def test_everything_can_be_forgotten() -> None:
    seen = watch()
    requests(seen, 9)
    seen.login(NOW, Login.REFUSED)
    seen.forget()
    seen.login(NOW + 1, Login.REFUSED)
    assert (seen.violations, list(seen.told())) == ({}, [])
