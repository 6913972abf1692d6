"""Authentication without harm: who is asked for what, how often, and when it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.probes.login import DOUBT_S, REST_S
from monitor.wire import Aspect, Reading, Verdict
from tests.monitor.probes.device import ASKED_TODAY, CHALLENGE, JPEG, LEARNED, Script, information, look, looks
from tests.monitor.probes.fake import (
    FACTS,
    HEARTBEAT,
    PICTURE,
    Asked,
    Fake,
    clock,
    fault,
    http,
    serving,
    subject,
    target,
)
from tests.monitor.probes.test_visit import causes

ACCESS, SIGHT, IDENTITY, CLOCK = Aspect.ACCESS, Aspect.PICTURE, Aspect.IDENTITY, Aspect.CLOCK
REFUSES = fault("NotAuthorized", "Sender not authorized")
WRONG = Script({"GetDeviceInformation": REFUSES, "GetProfiles": REFUSES, "GetSnapshotUri": REFUSES})
SOON = timedelta(minutes=10)


def signed(fake: Fake) -> list[Asked]:
    """The requests that carried a credential."""
    return [one for one in fake.asked if one.signed]


def _verdict(reading: Reading) -> tuple[Verdict, str]:
    finding = reading.findings[ACCESS]
    return finding.verdict, finding.cause


def test_one_refused_login_ends_them_all() -> None:
    with serving(WRONG) as fake:
        reading = look(target(fake.port))[0]
    assert len(signed(fake)) == 1
    assert causes(reading) == {ACCESS: "login_refused", SIGHT: "login_held", IDENTITY: "login_held"}
    assert _verdict(reading)[0] is Verdict.FAULTY
    assert (reading.credential, reading.hold_s) == ("refused", REST_S)
    assert REST_S == 35 * 60
    assert "soap_auth" not in reading.passport


def test_a_login_that_had_worked_is_doubted_first() -> None:
    with serving(WRONG) as fake:
        reading = look(target(fake.port, worked=True))[0]
    assert len(signed(fake)) == 1
    assert _verdict(reading) == (Verdict.UNKNOWN, "login_doubtful")
    assert causes(reading)[SIGHT] == "login_doubtful"
    assert (reading.credential, reading.hold_s) == ("refused", DOUBT_S)
    assert DOUBT_S == 90


def test_after_the_doubt_it_counts() -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    with serving(WRONG) as fake:
        reading = look(target(fake.port, worked=True, hold_until=past, hold_cause="login_doubtful"))[0]
    assert _verdict(reading) == (Verdict.FAULTY, "login_refused")
    assert reading.hold_s == REST_S


def test_a_hold_uses_no_credential_and_goes_on_with_link_and_clock() -> None:
    with serving(Script()) as fake:
        reading = look(target(fake.port, hold_until=datetime.now(UTC) + SOON, hold_cause="locked_out"))[0]
    assert signed(fake) == []
    assert causes(reading) == {ACCESS: "locked_out", SIGHT: "login_held", IDENTITY: "login_held"}
    assert reading.findings[CLOCK].verdict is Verdict.OK
    assert (reading.credential, reading.hold_s) == ("", 0)


def test_a_hold_without_a_cause_is_a_refused_login() -> None:
    with serving(Script()) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT), hold_until=datetime.now(UTC) + SOON))[0]
    assert _verdict(reading) == (Verdict.FAULTY, "login_refused")


def test_a_hold_in_doubt_stays_in_doubt() -> None:
    until = datetime.now(UTC) + SOON
    with serving(Script()) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE), hold_until=until, hold_cause="login_doubtful"))[0]
    assert _verdict(reading) == (Verdict.UNKNOWN, "login_doubtful")
    assert causes(reading)[SIGHT] == "login_doubtful"


def test_a_hold_does_not_close_a_snapshot_that_needs_no_login() -> None:
    passport = {**LEARNED, "snapshot_auth": "none"}
    with serving(Script({"/snap.jpg": http(200, JPEG)})) as fake:
        reading = look(
            target(fake.port, subject(tiers=PICTURE, passport=passport), hold_until=datetime.now(UTC) + SOON)
        )
    assert reading[0].findings[SIGHT].verdict is Verdict.OK
    assert _verdict(reading[0]) == (Verdict.FAULTY, "login_refused")


def test_a_hold_that_is_over_is_none() -> None:
    with serving(Script()) as fake:
        reading = look(
            target(fake.port, hold_until=datetime.now(UTC) - timedelta(seconds=1), hold_cause="login_refused")
        )
    assert causes(reading[0]) == {}


def test_no_credential_in_the_register() -> None:
    with serving(Script()) as fake:
        reading = look(target(fake.port, password=None))[0]
    assert causes(reading) == {ACCESS: "credential_missing", SIGHT: "needs_login", IDENTITY: "needs_login"}
    assert reading.credential == ""


def test_an_open_device_is_accessible_without_a_login() -> None:
    open_one = Script(
        {
            "GetDeviceInformation": information(),
            "GetProfiles": lambda asked: Script()._soap(asked),
            "GetSnapshotUri": lambda asked: Script()._soap(asked),
            "/snap.jpg": http(200, JPEG),
        }
    )
    with serving(open_one) as fake:
        reading = look(target(fake.port, password=None))[0]
    assert causes(reading) == {}
    assert reading.findings[ACCESS].verdict is Verdict.OK
    assert reading.credential == ""


@pytest.mark.parametrize(
    ("words", "cause", "detail"),
    [
        ("The account is locked, try again in 29 minutes", "locked_out", {"wait_s": 1740}),
        ("You still have 4 attempt(s)", "login_refused", {"attempts_left": 4}),
        ("0 attempts left", "locked_out", {}),
    ],
)
def test_the_device_s_own_words_leave_no_doubt(words: str, cause: str, detail: dict[str, int]) -> None:
    script = Script({"GetDeviceInformation": lambda asked: fault("NotAuthorized", words) if asked.signed else REFUSES})
    with serving(script) as fake:
        reading = look(target(fake.port, worked=True))[0]
    assert _verdict(reading) == (Verdict.FAULTY, cause)
    assert detail.items() <= reading.findings[ACCESS].detail.items()
    assert words in reading.findings[ACCESS].detail["text"]
    assert reading.hold_s == REST_S


def test_a_longer_lock_is_waited_for() -> None:
    words = "locked, wait 2 hours"
    script = Script({"GetDeviceInformation": lambda asked: fault("NotAuthorized", words) if asked.signed else REFUSES})
    with serving(script) as fake:
        assert look(target(fake.port))[0].hold_s == 7200


def test_a_lock_is_believed_before_a_credential_is_sent() -> None:
    with serving(Script({"/snap.jpg": http(401, b"locked", CHALLENGE.format("n1"))})) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE, passport=LEARNED)))[0]
    assert signed(fake) == []
    assert _verdict(reading) == (Verdict.FAULTY, "locked_out")


@pytest.mark.parametrize(
    ("offset_s", "cause"), [(400, "clock_refuses_login"), (-400, "clock_refuses_login"), (200, "login_refused")]
)
def test_a_clock_that_is_off_explains_a_refused_token(offset_s: int, cause: str) -> None:
    script = Script(dict(WRONG.replies), shows=datetime.now(UTC) + timedelta(seconds=offset_s))
    with serving(script) as fake:
        assert _verdict(look(target(fake.port))[0]) == (Verdict.FAULTY, cause)


def test_a_clock_that_is_off_explains_no_refused_digest() -> None:
    challenged = http(401, b"", CHALLENGE.format("n1"))
    script = Script({"GetDeviceInformation": challenged}, shows=datetime.now(UTC) + timedelta(seconds=4000))
    with serving(script) as fake:
        assert _verdict(look(target(fake.port, subject(tiers=HEARTBEAT | FACTS)))[0])[1] == "login_refused"
    assert len(signed(fake)) == 1


# -- schemes


def test_a_challenge_of_http_is_answered_over_http() -> None:
    def wants_digest(asked: Asked) -> bytes:
        return information() if "authorization" in asked.headers else http(401, b"", CHALLENGE.format("n1"))

    with serving(Script({"GetDeviceInformation": wants_digest})) as fake:
        reading = look(target(fake.port, subject(tiers=FACTS)))[0]
    assert reading.passport["soap_auth"] == "digest"
    assert causes(reading) == {}
    assert not any(b"UsernameToken" in one.body for one in fake.asked)


def test_a_known_token_is_sent_at_once() -> None:
    with serving(Script()) as fake:
        look(target(fake.port, subject(tiers=HEARTBEAT | FACTS, passport=LEARNED | ASKED_TODAY)))
    assert [(one.operation, one.signed) for one in fake.asked] == [
        ("GetSystemDateAndTime", False),
        ("GetDeviceInformation", True),
    ]


def test_the_clock_is_asked_before_signing_even_where_it_is_not_due() -> None:
    with serving(Script()) as fake:
        look(target(fake.port, subject(tiers=FACTS, passport=LEARNED | ASKED_TODAY)))
    assert fake.names() == ["GetSystemDateAndTime", "GetDeviceInformation"]


def test_a_clock_that_is_not_told_is_asked_once_only() -> None:
    script = Script({"GetSystemDateAndTime": http(401)})
    with serving(script) as fake:
        look(target(fake.port, subject(tiers=FACTS | PICTURE, passport={"soap_auth": "wsse"})))
    assert fake.names().count("GetSystemDateAndTime") == 1


BASIC = 'WWW-Authenticate: Basic realm="cam"'


def _basic(asked: Asked) -> bytes:
    return http(200, JPEG) if asked.signed else http(401, b"", BASIC)


def test_basic_is_not_sent_in_clear_unless_the_policy_says_so() -> None:
    with serving(Script({"/snap.jpg": _basic})) as fake:
        goal = subject(tiers=PICTURE, passport={**LEARNED, "snapshot_auth": ""})
        refused = look(target(fake.port, goal))[0]
        assert signed(fake) == []
        allowed = look(target(fake.port, goal, basic_in_clear=True))[0]
    assert causes(refused) == {SIGHT: "snapshot_refused"}
    assert causes(allowed) == {}
    assert allowed.passport["snapshot_auth"] == "basic"


def test_a_remembered_basic_is_not_sent_once_the_policy_forbids_it() -> None:
    with serving(Script({"/snap.jpg": _basic})) as fake:
        look(target(fake.port, subject(tiers=PICTURE, passport={**LEARNED, "snapshot_auth": "basic"})))
    assert signed(fake) == []


def test_basic_that_is_refused_is_refused() -> None:
    with serving(Script({"/snap.jpg": http(401, b"", BASIC)})) as fake:
        passport = {**LEARNED, "snapshot_auth": "basic"}
        reading = look(target(fake.port, subject(tiers=PICTURE, passport=passport), basic_in_clear=True))[0]
    assert len(signed(fake)) == 1
    assert causes(reading) == {ACCESS: "login_refused", SIGHT: "login_held"}


# -- nonces


def test_a_stale_nonce_is_renewed_once_and_is_no_refusal() -> None:
    script = Script()
    with serving(script) as fake:
        goal = target(fake.port, subject(tiers=PICTURE, passport=LEARNED))
        script.replies["/snap.jpg"] = lambda asked: _renewing(script, asked)
        first, second = looks(goal, goal)
    assert causes(first) == causes(second) == {}
    assert [one.signed for one in fake.asked] == [False, True, True, True]


def _renewing(script: Script, asked: Asked) -> bytes:
    """A nonce is good for one request only, and nothing says stale."""
    answer = script._snapshot(asked)
    if answer.startswith(b"HTTP/1.1 200"):
        script.nonces.append(f"n{len(script.nonces) + 1}")
    return answer


def test_a_nonce_that_is_stale_for_ever_is_given_up() -> None:
    stale = http(401, b"", CHALLENGE.format("n1") + ", stale=true")
    with serving(Script({"/snap.jpg": stale})) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE, passport=LEARNED)))[0]
    assert len(signed(fake)) == 2
    assert causes(reading) == {ACCESS: "protocol", SIGHT: "login_held"}
    assert (reading.credential, reading.hold_s) == ("refused", REST_S)


def test_a_fresh_nonce_refused_without_stale_is_a_wrong_password() -> None:
    with serving(Script({"/snap.jpg": lambda _: http(401, b"", CHALLENGE.format(len(fake.asked)))})) as fake:
        reading = look(target(fake.port, subject(tiers=PICTURE, passport=LEARNED)))[0]
    assert len(signed(fake)) == 1
    assert causes(reading) == {ACCESS: "login_refused", SIGHT: "login_held"}
    assert reading.passport == {"snapshot_auth": ""}


def test_a_password_that_was_changed_costs_two_requests_at_most() -> None:
    script = Script()
    with serving(script) as fake:
        goal = target(fake.port, subject(tiers=PICTURE, passport=LEARNED), worked=True)

        def changed(asked: Asked) -> bytes:
            return script._snapshot(asked) if len(fake.asked) <= 2 else http(401, b"", CHALLENGE.format("n9"))

        script.replies["/snap.jpg"] = changed
        _, second = looks(goal, goal)
    assert _verdict(second) == (Verdict.UNKNOWN, "login_doubtful")
    assert len(signed(fake)) == 3


def test_the_same_kept_nonce_refused_is_not_tried_again() -> None:
    script = Script()
    with serving(script) as fake:
        goal = target(fake.port, subject(tiers=PICTURE, passport=LEARNED))
        script.replies["/snap.jpg"] = lambda asked: (
            script._snapshot(asked) if len(fake.asked) <= 2 else http(401, b"", CHALLENGE.format("n1"))
        )
        looks(goal, goal)
    assert len(signed(fake)) == 2


def test_the_password_is_in_no_reading() -> None:
    with serving(WRONG) as fake:
        told: list[str] = []
        goal = target(fake.port, password="s3cret-pass")
        readings = look(goal, on_step=lambda *given: told.append(repr(given)))
    assert "s3cret-pass" not in repr(readings) + "".join(told) + repr(goal)


def test_a_held_endpoint_still_tells_its_clock() -> None:
    with serving(lambda _: clock()) as fake:
        reading = look(target(fake.port, subject(tiers=HEARTBEAT), hold_until=datetime.now(UTC) + SOON))[0]
    assert CLOCK in reading.findings
    assert reading.findings[CLOCK].verdict is Verdict.OK


def _clear_only(asked: Asked) -> bytes:
    return http(401, b"", 'WWW-Authenticate: Basic realm="cam"')


def test_a_device_that_wants_the_password_in_clear_is_not_called_a_wrong_password() -> None:
    with serving(Script({"GetDeviceInformation": _clear_only})) as fake:
        reading = look(target(fake.port, subject(tiers=FACTS)))[0]

    assert _verdict(reading) == (Verdict.FAULTY, "login_in_clear")
    assert "authorization" not in {name for one in fake.asked for name in one.headers}


def test_a_token_that_is_understood_and_refused_is_a_wrong_password_though_basic_is_offered() -> None:
    script = Script({"GetDeviceInformation": lambda asked: REFUSES if asked.signed else _clear_only(asked)})
    with serving(script) as fake:
        assert _verdict(look(target(fake.port, subject(tiers=FACTS)))[0])[1] == "login_refused"


def test_where_basic_is_allowed_its_refusal_is_a_wrong_password() -> None:
    with serving(Script({"GetDeviceInformation": _clear_only})) as fake:
        reading = look(target(fake.port, subject(tiers=FACTS), basic_in_clear=True))[0]

    assert _verdict(reading)[1] == "login_refused"
    assert [one.headers["authorization"][:6] for one in signed(fake)] == ["Basic "]
