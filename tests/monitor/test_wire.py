"""Specification of what travels: it comes out as it went in, shows nothing on its way, and cannot be forged."""

from __future__ import annotations

import base64
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
import time_machine
from cryptography.fernet import Fernet, MultiFernet
from hypothesis import given
from hypothesis import strategies as st

from monitor.wire import (
    Aspect,
    Credential,
    Finding,
    Order,
    PictureNote,
    Probe,
    Reading,
    Refused,
    Request,
    Results,
    Subject,
    Target,
    Tier,
    Verdict,
    finding_from,
    open_order,
    open_results,
    plain,
    seal,
)

KEY, OTHER = Fernet(base64.urlsafe_b64encode(b"k" * 32)), Fernet(base64.urlsafe_b64encode(b"o" * 32))
KEYS = MultiFernet([KEY])
AT = datetime(2026, 3, 1, 16, 0, tzinfo=timezone(timedelta(hours=8)))

TARGET = Target(
    endpoint_id=7,
    zone="local",
    host="10.0.0.9",
    port=8080,
    subjects=(
        Subject(
            device_id=3,
            tiers=frozenset({Tier.HEARTBEAT, Tier.PICTURE}),
            channel=2,
            passport={"path": "/snap"},
            model=b"\x00model\xff",
            trail=b"trail",
            serial="S-1",
            sees=False,
            keep_original=True,
        ),
        Subject(device_id=4, tiers=frozenset()),
    ),
    lease="lease",
    scheme="https",
    probe=Probe.HTTP,
    credential=Credential("admin", "geheim-7"),
    worked=True,
    hold_until=AT,
    hold_cause="login_refused",
    basic_in_clear=True,
    loopback=True,
    deadline_s=4.5,
    burst=9,
    refill_s=2.5,
)
READING = Reading(
    device_id=3,
    endpoint_id=7,
    at=AT,
    took_ms=12.5,
    findings={Aspect.LINK: Finding(Verdict.OK), Aspect.PICTURE: Finding(Verdict.FAULTY, "obstructed", {"share": 0.6})},
    lease="lease",
    passport={"path": None},
    facts={"model": "X1"},
    picture=PictureNote(
        label="obstructed",
        score=0.1,
        checkable=True,
        phase="day",
        width=1920,
        height=1080,
        size=150_000,
        sha256="ab" * 32,
        covered_share=0.6,
        blocks=(1, 2),
        shift=(0.5, -1.0),
        reason="blocks",
        trail=b"\xfftrail",
        key="picture:3:x",
    ),
    credential="worked",
    hold_s=2100,
    requests=(Request("GetSnapshot", "http://10.0.0.9/snap", 12.0, "200"),),
)


def test_a_target_comes_out_as_it_went_in() -> None:
    assert open_order(seal(Order((TARGET,)), KEYS), KEYS, 60).targets == (TARGET,)


def test_a_reading_comes_out_as_it_went_in() -> None:
    assert open_results(seal(Results((READING,)), KEYS), KEYS, 60).readings == (READING,)


def test_the_least_that_can_be_said_comes_out_as_it_went_in() -> None:
    target = Target(1, "local", "10.0.0.1", 80, ())
    reading = Reading(1, 1, AT, 0.0, {}, picture=PictureNote("normal", 1.0, True, "day", 1, 1, 1, "0" * 64))

    assert open_order(seal(Order((target,)), KEYS), KEYS, 60).targets == (target,)
    assert open_results(seal(Results((reading,)), KEYS), KEYS, 60).readings == (reading,)
    assert open_results(seal(Results(), KEYS), KEYS, 60).readings == ()


@pytest.mark.parametrize("sha256", ["", "ab" * 31, "AB" * 32, "/../../../../../" + "a" * 48, "ab" * 32 + "\n"])
def test_what_becomes_part_of_a_file_s_name_is_a_hash_and_nothing_else(sha256: str) -> None:
    reading = Reading(1, 1, AT, 0.0, {}, picture=PictureNote("normal", 1.0, True, "day", 1, 1, 1, sha256))

    with pytest.raises(Refused):
        open_results(seal(Results((reading,)), KEYS), KEYS, 60)


STORABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@given(st.datetimes(timezones=st.just(UTC)), st.binary(max_size=50), STORABLE)
def test_any_time_bytes_and_text_survive(at: datetime, blob: bytes, text: str) -> None:
    reading = Reading(1, 1, at, 0.0, {Aspect.LINK: Finding(Verdict.UNKNOWN, text, {"text": text})}, lease=text)
    subject = Subject(1, frozenset(Tier), model=blob, trail=blob, serial=text)

    assert open_results(seal(Results((reading,)), KEYS), KEYS, 60).readings == (reading,)
    assert open_order(seal(Order((Target(1, text, text, 1, (subject,)),)), KEYS), KEYS, 60).targets[0].subjects == (
        subject,
    )


@pytest.mark.parametrize("bad", ["\0", "\ud800", "\udfff"])
def test_what_no_database_takes_is_taken_out_of_readings(bad: str) -> None:
    found = Finding(Verdict.FAULTY, "locked_out", {"text": f"locked{bad}", bad: [bad, {"deep": bad}]})

    [reading] = open_results(seal(Results((Reading(1, 1, AT, 0.0, {Aspect.ACCESS: found}),)), KEYS), KEYS, 60).readings

    assert reading.findings[Aspect.ACCESS].detail == {"text": "locked�", "�": ["�", {"deep": "�"}]}


def test_a_password_reaches_the_probe_as_it_is() -> None:
    login = Credential("admin", "a\0b")

    [target] = open_order(seal(Order((Target(1, "z", "h", 80, (), credential=login),)), KEYS), KEYS, 60).targets

    assert target.credential == login


def test_times_keep_knowing_their_zone() -> None:
    [reading] = open_results(seal(Results((READING,)), KEYS), KEYS, 60).readings

    assert reading.at.utcoffset() == timedelta(hours=8)


# -- sealed


@pytest.mark.parametrize("secret", [b"geheim-7", b"admin", b"10.0.0.9", b"login_refused", b"/snap"])
def test_nothing_shows_on_the_way(secret: bytes) -> None:
    token = seal(Order((TARGET,)), KEYS)

    assert secret not in token.encode()
    assert secret not in base64.urlsafe_b64decode(token)


def token_of(how: str) -> str:
    """A token that was not sealed by us, or not wholly."""
    whole = seal(Results((READING,)), KEYS)
    return {"foreign": seal(Order((TARGET,)), MultiFernet([OTHER])), "cut": whole[:-6]}.get(how, how)


@pytest.mark.parametrize("opener", [open_order, open_results])
@pytest.mark.parametrize("how", ["", "not a token", "foreign", "cut"])
def test_what_was_forged_or_damaged_is_refused(opener: Callable[[str, MultiFernet, int], object], how: str) -> None:
    with pytest.raises(Refused):
        opener(token_of(how), KEYS, 60)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(Refused):
        open_results(KEYS.encrypt(b"not json").decode(), KEYS, 60)


@pytest.mark.parametrize(("age_s", "opened"), [(60, True), (61, False)])
def test_a_message_has_a_life(age_s: int, opened: bool) -> None:
    with time_machine.travel(AT, tick=False) as now:
        token = seal(Results((READING,)), KEYS)
        now.shift(age_s)
        if opened:
            assert open_results(token, KEYS, 60)
        else:
            with pytest.raises(Refused):
                open_results(token, KEYS, 60)


def test_an_old_key_still_opens_while_a_new_one_seals() -> None:
    both = MultiFernet([OTHER, KEY])

    assert open_results(seal(Results((READING,)), KEYS), both, 60).readings == (READING,)
    with pytest.raises(Refused):
        open_results(seal(Results((READING,)), both), KEYS, 60)


# -- in plain


def test_a_finding_comes_out_of_its_plain_form() -> None:
    finding = Finding(Verdict.FAULTY, "time_zone", {"offset_s": 28_800})

    assert finding_from(plain(finding)) == finding
    assert finding_from({"verdict": "ok"}) == Finding(Verdict.OK)


def test_no_password_in_a_repr_or_a_traceback() -> None:
    try:
        open_order(seal(Order((TARGET,)), KEYS), MultiFernet([OTHER]), 60)
    except Refused as error:
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    assert "geheim-7" not in told
    assert "geheim-7" not in repr(TARGET)
    assert "admin" in repr(TARGET)
