"""Logins are really checked: WS-UsernameToken, HTTP digest and basic; refused ones lead to a lock-out."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.simulator.auth import (
    NONCE_LIFE,
    NONCES_KEPT,
    DigestGate,
    Lockout,
    Login,
    User,
    UsernameToken,
    WsseGate,
    check_basic,
    parse_created,
)
from tests.monitor.simulator.talk import TYPE, Client

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
USER = User("admin", "s&cret")


def token(nonce: bytes = b"one", created: str = "2026-03-01T04:00:00Z", password: str = "s&cret") -> UsernameToken:
    digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()
    return UsernameToken("admin", digest, TYPE, base64.b64encode(nonce).decode(), created)


def wsse(given: UsernameToken | None, gate: WsseGate | None = None, *, needs_z: bool = False) -> Login:
    return (gate or WsseGate()).check(given, USER, NOW, tolerance_s=30, needs_z=needs_z)


def test_a_right_token_works_once() -> None:
    gate = WsseGate()
    assert wsse(token(), gate) is Login.WORKED
    assert wsse(token(), gate) is Login.REFUSED
    assert wsse(token(b"two"), gate) is Login.WORKED


def test_a_refused_token_does_not_use_up_its_nonce() -> None:
    gate = WsseGate()
    assert wsse(token(password="wrong"), gate) is Login.REFUSED
    assert wsse(token(), gate) is Login.WORKED


@pytest.mark.parametrize(
    "given",
    [
        token(password="wrong"),
        replace(token(), username="root"),
        replace(token(), password_type="#PasswordText", password="s&cret"),
        replace(token(), nonce=""),
        replace(token(), nonce="%%%"),
        replace(token(), created="yesterday"),
        replace(token(), created="2026-13-01T04:00:00Z"),
    ],
)
def test_a_token_with_one_part_wrong_is_refused(given: UsernameToken) -> None:
    assert wsse(given) is Login.REFUSED


def test_no_token_is_no_attempt() -> None:
    assert wsse(None) is Login.ABSENT


@pytest.mark.parametrize(("second", "outcome"), [(30, Login.WORKED), (31, Login.REFUSED)])
def test_created_must_be_near_the_clock_of_the_device(second: int, outcome: Login) -> None:
    assert wsse(token(created=f"2026-03-01T04:00:{second}Z")) is outcome
    early = NOW - timedelta(seconds=second)
    assert wsse(token(created=f"{early:%Y-%m-%dT%H:%M:%S}Z")) is outcome


@pytest.mark.parametrize("created", ["2026-03-01T12:00:00+08:00", "2026-03-01T04:00:00", "2026-03-01T04:00:00.123Z"])
def test_created_is_an_instant_however_it_is_written(created: str) -> None:
    assert parse_created(created) == NOW
    assert wsse(token(created=created)) is Login.WORKED


def test_some_devices_want_created_to_end_in_z() -> None:
    assert wsse(token(created="2026-03-01T04:00:00+00:00"), needs_z=True) is Login.REFUSED
    assert wsse(token(), needs_z=True) is Login.WORKED


def login(gate: DigestGate, header: str, target: str = "/snap?1", at: datetime = NOW, *, once: bool = False) -> Login:
    return gate.check(header, "GET", target, USER, at, single_use=once)


@pytest.mark.parametrize("algorithm", [0, 1])
def test_a_right_digest_works_with_each_offered_algorithm(algorithm: int) -> None:
    gate = DigestGate(("SHA-256", "MD5"))
    assert login(gate, Client(gate.challenges(NOW)[algorithm]).header()) is Login.WORKED


def test_the_strongest_algorithm_is_offered_first() -> None:
    assert ["SHA-256" in line for line in DigestGate(("SHA-256", "MD5")).challenges(NOW)] == [True, False]


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "root"},
        {"realm": "elsewhere"},
        {"qop": "auth-int"},
        {"nc": "1"},
        {"nc": "0000000g"},
        {"cnonce": ""},
        {"algorithm": "SHA-256"},
        {"response": "0" * 32},
    ],
)
def test_a_digest_with_one_part_wrong_is_refused(changes: dict[str, str]) -> None:
    gate = DigestGate()
    assert login(gate, Client(gate.challenges(NOW)[0]).header(changes=changes)) is Login.REFUSED


def test_a_wrong_password_or_another_address_is_refused() -> None:
    gate = DigestGate()
    challenge = gate.challenges(NOW)[0]
    assert login(gate, Client(challenge, "wrong").header()) is Login.REFUSED
    assert login(gate, Client(challenge).header(), "/snap?2") is Login.REFUSED
    assert gate.check(Client(challenge).header(), "POST", "/snap?1", USER, NOW) is Login.REFUSED


def test_a_nonce_is_good_for_many_requests_each_count_once() -> None:
    gate = DigestGate()
    client = Client(gate.challenges(NOW)[0])
    assert [login(gate, client.header(count)) for count in (1, 2, 2, 3)] == [
        Login.WORKED,
        Login.WORKED,
        Login.STALE,
        Login.WORKED,
    ]


def test_a_nonce_for_one_request_is_stale_at_the_second() -> None:
    gate = DigestGate()
    client = Client(gate.challenges(NOW)[0])
    assert [login(gate, client.header(count), once=True) for count in (1, 2)] == [Login.WORKED, Login.STALE]


def test_an_old_nonce_is_stale_not_refused() -> None:
    gate = DigestGate()
    client = Client(gate.challenges(NOW)[0])
    assert login(gate, client.header(1), at=NOW + NONCE_LIFE) is Login.WORKED
    assert login(gate, client.header(2), at=NOW + NONCE_LIFE + timedelta(seconds=1)) is Login.STALE


def test_a_nonce_of_somebody_else_is_stale() -> None:
    assert login(DigestGate(), Client(DigestGate().challenges(NOW)[0]).header()) is Login.STALE


def test_the_oldest_nonce_is_forgotten_first() -> None:
    gate = DigestGate()
    first, second = (Client(gate.challenges(NOW)[0]) for _ in range(2))
    for _ in range(NONCES_KEPT - 1):
        gate.challenges(NOW)
    assert (login(gate, first.header()), login(gate, second.header())) == (Login.STALE, Login.WORKED)


def test_a_challenge_says_when_the_nonce_was_stale() -> None:
    gate = DigestGate()
    assert "stale=true" in gate.challenges(NOW, stale=True)[0]
    assert "stale" not in gate.challenges(NOW)[0]


def test_without_an_algorithm_md5_is_meant() -> None:
    gate = DigestGate()
    header = Client(gate.challenges(NOW)[0]).header().replace('algorithm="MD5"', 'opaque="x"')
    assert login(gate, header) is Login.WORKED


@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer x"])
def test_another_scheme_is_no_digest(header: str) -> None:
    assert login(DigestGate(), header) is Login.ABSENT


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("admin:s&cret", Login.WORKED),
        ("admin:wrong", Login.REFUSED),
        ("root:s&cret", Login.REFUSED),
        ("admin", Login.REFUSED),
    ],
)
def test_basic_is_checked(text: str, outcome: Login) -> None:
    assert check_basic("Basic " + base64.b64encode(text.encode()).decode(), USER) is outcome


def test_basic_that_is_none_is_refused_and_another_scheme_is_absent() -> None:
    assert check_basic("Basic %%%", USER) is Login.REFUSED
    assert check_basic("Digest x", USER) is Login.ABSENT


def test_the_last_allowed_refusal_locks_one_client_out_for_a_while() -> None:
    lock = Lockout()
    lock.refuse("a", NOW, after=2, lock_s=10)
    assert (lock.refused("a"), lock.remaining_s("a", NOW)) == (1, 0)
    lock.refuse("a", NOW, after=2, lock_s=10)
    assert lock.remaining_s("a", NOW) == 10
    assert lock.remaining_s("a", NOW + timedelta(seconds=9.5)) == 1
    assert lock.remaining_s("a", NOW + timedelta(seconds=10)) == 0
    assert (lock.remaining_s("b", NOW), lock.refused("a")) == (0, 0)


def test_a_login_that_works_ends_the_count() -> None:
    lock = Lockout()
    lock.refuse("a", NOW, after=5, lock_s=10)
    lock.worked("a")
    assert lock.refused("a") == 0


def test_a_lock_can_be_lifted() -> None:
    lock = Lockout()
    lock.refuse("a", NOW, after=1, lock_s=10)
    lock.reset()
    assert lock.remaining_s("a", NOW) == 0
