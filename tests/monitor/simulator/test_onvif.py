"""A virtual camera answers ONVIF as a real one does, and checks the login of each call."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree
from PIL import Image

from monitor.simulator.server import RunningCity
from monitor.simulator.soap import MEDIA_OPERATIONS, REPLIES
from tests.monitor.simulator.conftest import SMALL
from tests.monitor.simulator.talk import SNAPSHOT, Client, Reply, envelope, fetch, security, snapshot, soap


def values(reply: Reply, name: str) -> list[str]:
    """The texts of all elements of a local name."""
    return [node.text or "" for node in etree.fromstring(reply.body).iter("{*}" + name)]


def told_time(reply: Reply, field: str = "UTCDateTime") -> datetime:
    """The instant of a clock reply."""
    node = next(etree.fromstring(reply.body).iter("{*}" + field))
    year, month, day, hour, minute, second = (
        int(next(node.iter("{*}" + name)).text or "") for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")
    )
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def seconds_off(reply: Reply, field: str = "UTCDateTime") -> float:
    return (told_time(reply, field) - datetime.now(UTC)).total_seconds()


# -- operations


@pytest.mark.parametrize("operation", REPLIES)
def test_each_operation_is_answered_in_its_namespace(city: RunningCity, operation: str) -> None:
    reply = soap(city.port("cam"), operation)
    answer = etree.fromstring(reply.body)[0][0]
    service = "media" if operation in MEDIA_OPERATIONS else "device"
    assert reply.status == 200
    assert answer.tag == f"{{http://www.onvif.org/ver10/{service}/wsdl}}{operation}Response"


def test_the_device_tells_who_it_is(city: RunningCity) -> None:
    reply = soap(city.port("cam"), "GetDeviceInformation")
    told = [values(reply, name)[0] for name in ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber")]
    assert told == ["Viewkeeper", "VC-2", "1.4.2", "SN-1"]


def test_its_addresses_lead_back_to_it(city: RunningCity) -> None:
    here = f"http://127.0.0.1:{city.port('cam')}"
    assert values(soap(city.port("cam"), "GetCapabilities"), "XAddr") == [
        f"{here}/onvif/device_service",
        f"{here}/onvif/media_service",
    ]
    assert values(soap(city.port("cam"), "GetSnapshotUri"), "Uri") == [here + SNAPSHOT]
    assert values(soap(city.port("cam"), "GetStreamUri"), "Uri") == ["rtsp://127.0.0.1:554/Profile_1"]


def test_a_recorder_has_a_profile_and_a_snapshot_for_each_channel(city: RunningCity) -> None:
    port = city.port("rec")
    profiles = etree.fromstring(soap(port, "GetProfiles").body).iter("{*}Profiles")
    assert [profile.get("token") for profile in profiles] == ["Profile_1", "Profile_2"]
    second = values(soap(port, "GetSnapshotUri", "<p:ProfileToken xmlns:p='urn:p'>Profile_2</p:ProfileToken>"), "Uri")
    assert second == [f"http://127.0.0.1:{port}/onvif-http/snapshot?Profile_2"]
    pictures = [Image.open(io.BytesIO(snapshot(port, uri).body)) for uri in (SNAPSHOT, SNAPSHOT[:-1] + "2")]
    means = [sum(picture.convert("L").resize((1, 1)).tobytes()) for picture in pictures]
    assert means[0] < 200 < means[1]


def test_a_recorder_tells_what_it_has_recorded_and_a_camera_knows_of_no_such_thing(city: RunningCity) -> None:
    port = city.port("rec")
    assert [one.rpartition("/")[2] for one in values(soap(port, "GetServices"), "XAddr")] == [
        "device_service",
        "media_service",
        "recording_service",
        "search_service",
    ]
    assert "search_service" in soap(port, "GetCapabilities").text
    summary = soap(port, "GetRecordingSummary", path="search_service")
    assert values(summary, "NumberRecordings") == ["2"]
    assert values(summary, "DataFrom")[0] < values(summary, "DataUntil")[0]
    assert len(values(soap(port, "GetRecordings", path="recording_service"), "RecordingToken")) == 2
    assert "ter:ActionNotSupported" in soap(city.port("cam"), "GetRecordingSummary", path="search_service").text


def test_only_the_camera_of_a_fire_lane_can_call_out(city: RunningCity) -> None:
    answer = etree.fromstring(soap(city.port("lane"), "GetAudioOutputs").body)[0][0]
    assert [one.get("token") for one in answer] == ["audio_1"]
    refused = soap(city.port("cam"), "GetAudioOutputs")
    assert (refused.status, "ter:AudioOutputNotSupported" in refused.text) == (400, True)


def test_a_profile_that_does_not_exist_is_a_fault(city: RunningCity) -> None:
    reply = soap(city.port("cam"), "GetSnapshotUri", "<ProfileToken>Profile_9</ProfileToken>")
    assert (reply.status, "ter:NoProfile" in reply.text) == (400, True)
    assert snapshot(city.port("cam"), "/onvif-http/snapshot?Profile_9").status == 404


@pytest.mark.parametrize("operation", ["SetSystemDateAndTime", "CreatePullPointSubscription", "SystemReboot"])
def test_what_only_writes_is_not_supported(city: RunningCity, operation: str) -> None:
    reply = soap(city.port("cam"), operation)
    assert (reply.status, "ter:ActionNotSupported" in reply.text) == (400, True)


@pytest.mark.parametrize("body", [b"", b"<a", b"<a/>", b"<Envelope/>", b"<Envelope><Body/></Envelope>"])
def test_what_is_no_soap_is_a_fault(city: RunningCity, body: bytes) -> None:
    reply = fetch(city.port("cam"), "POST", "/onvif/device_service", body)
    assert (reply.status, "ter:WellFormed" in reply.text) == (400, True)


def test_an_entity_is_not_expanded(city: RunningCity) -> None:
    body = b"<!DOCTYPE a [<!ENTITY e 'Profile_1'>]>" + envelope("GetSnapshotUri", "<ProfileToken>&e;</ProfileToken>")
    assert b"MediaUri" not in fetch(city.port("cam"), "POST", "/onvif/media_service", body).body


def test_only_posts_reach_the_services_and_only_known_addresses_exist(city: RunningCity) -> None:
    port = city.port("cam")
    assert fetch(port, path="/onvif/device_service").status == 405
    assert fetch(port, path="/onvif/events").status == 404
    assert (fetch(port).status, fetch(port, "HEAD").body) == (200, b"")


def test_what_is_no_camera_has_a_page_and_no_onvif(city: RunningCity) -> None:
    assert "A&lt;B" in fetch(city.port("horn")).text
    assert soap(city.port("horn"), "GetDeviceInformation").status == 404
    assert fetch(city.port("horn"), path=SNAPSHOT).status == 404


# -- login


def test_the_clock_is_told_to_anybody_and_all_else_is_not(city: RunningCity) -> None:
    port = city.port("cam")
    clock = soap(port, "GetSystemDateAndTime", header="")
    assert (clock.status, abs(seconds_off(clock)) < 2) == (200, True)
    refused = soap(port, "GetDeviceInformation", header="")
    assert (refused.status, "ter:NotAuthorized" in refused.text) == (401, True)
    assert refused.headers["WWW-Authenticate"].startswith("Digest ")


def test_a_wrong_password_is_a_fault_whose_status_can_be_either(city: RunningCity) -> None:
    port = city.port("cam")
    refused = soap(port, "GetProfiles", header=security("wrong"))
    assert (refused.status, "ter:NotAuthorized" in refused.text) == (400, True)
    city.set_faults("cam", soap_401=True)
    assert soap(port, "GetProfiles", header=security("wrong")).status == 401
    city.set_faults("cam", fault_200=True)
    assert soap(port, "GetProfiles", header=security("wrong")).status == 200


def test_a_token_is_good_for_one_call(city: RunningCity) -> None:
    once = security()
    assert [soap(city.port("cam"), "GetProfiles", header=once).status for _ in range(2)] == [200, 400]


def test_a_password_changed_on_the_device_is_refused(city: RunningCity) -> None:
    city.set_faults("cam", wrong_password=True)
    assert (soap(city.port("cam"), "GetProfiles").status, snapshot(city.port("cam")).status) == (400, 401)


def digest_soap(port: int) -> int:
    """The status of a SOAP call after an HTTP digest login."""
    path = "/onvif/device_service"
    challenge = soap(port, "GetProfiles", header="").headers["WWW-Authenticate"]
    header = Client(challenge).header(uri=path, method="POST")
    return fetch(port, "POST", path, envelope("GetProfiles"), Authorization=header).status


@pytest.mark.parametrize(("key", "by_token", "by_digest"), [("cam", 200, 200), ("sha", 200, 200), ("digest", 401, 200)])
def test_soap_takes_the_logins_of_its_kind(city: RunningCity, key: str, by_token: int, by_digest: int) -> None:
    assert (soap(city.port(key), "GetProfiles").status, digest_soap(city.port(key))) == (by_token, by_digest)


def test_a_device_for_tokens_only_offers_no_challenge(city: RunningCity) -> None:
    refused = soap(city.port("wsse"), "GetProfiles", header="")
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, None)
    assert soap(city.port("wsse"), "GetProfiles").status == 200


def test_an_open_device_asks_for_nothing(city: RunningCity) -> None:
    assert soap(city.port("open"), "GetProfiles", header="").status == 200
    assert fetch(city.port("open"), path=SNAPSHOT).status == 200


def test_a_device_with_basic_says_so(city: RunningCity) -> None:
    port = city.port("basic")
    assert fetch(port, path=SNAPSHOT).headers["WWW-Authenticate"].startswith("Basic ")
    assert fetch(port, path=SNAPSHOT, Authorization="Basic YWRtaW46cyZjcmV0").status == 200
    assert fetch(port, path=SNAPSHOT, Authorization="Basic YWRtaW46d3Jvbmc=").status == 401


def test_a_snapshot_wants_digest_and_is_a_jpeg_of_the_planned_size(city: RunningCity) -> None:
    assert fetch(city.port("cam"), path=SNAPSHOT).status == 401
    reply = snapshot(city.port("cam"))
    assert (reply.status, reply.headers["Content-Type"]) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(reply.body)).size == SMALL
    assert snapshot(city.port("sha")).status == 200


def test_a_nonce_for_one_request_comes_back_as_stale(city: RunningCity) -> None:
    port = city.port("cam")
    city.set_faults("cam", stale_each=True, lockout_after=1)
    client = Client(fetch(port, path=SNAPSHOT).headers["WWW-Authenticate"])
    replies = [fetch(port, path=SNAPSHOT, Authorization=client.header(count, SNAPSHOT)) for count in (1, 2)]
    assert [reply.status for reply in replies] == [200, 401]
    assert "stale=true" in replies[1].headers["WWW-Authenticate"]
    assert snapshot(port).status == 200  # it did not count as a refused login


def test_refused_logins_lock_the_address_out_with_a_countdown(city: RunningCity) -> None:
    port = city.port("cam")
    city.set_faults("cam", lockout_after=2, lockout_s=600)
    assert "still have 1 attempt" in soap(port, "GetProfiles", header=security("wrong")).text
    assert "Try again in 600 seconds" in snapshot(port, password="wrong").text
    for refused in (soap(port, "GetProfiles"), snapshot(port), fetch(port, path=SNAPSHOT)):
        assert "The account is locked" in refused.text
    city.clear("cam")
    assert snapshot(port).status == 200


def test_a_lock_ends_by_itself(city: RunningCity) -> None:
    city.set_faults("cam", lockout_after=1, lockout_s=0)
    assert soap(city.port("cam"), "GetProfiles", header=security("wrong")).status == 400
    assert soap(city.port("cam"), "GetProfiles").status == 200


def test_created_in_local_style_is_refused_where_z_is_needed(city: RunningCity) -> None:
    city.set_faults("cam", created_needs_z=True)
    assert soap(city.port("cam"), "GetProfiles").status == 200
    plus = security().replace("Z</h:Created>", "+00:00</h:Created>")
    assert soap(city.port("cam"), "GetProfiles", header=plus).status == 400


# -- clock


def test_a_wrong_zone_moves_the_clock_and_the_login_with_it(city: RunningCity) -> None:
    city.set_faults("cam", clock_offset_s=28_800)
    port = city.port("cam")
    assert abs(seconds_off(soap(port, "GetSystemDateAndTime", header="")) - 28_800) < 2
    assert soap(port, "GetProfiles").status == 400
    shifted = security(at=datetime.now(UTC) + timedelta(hours=8))
    assert soap(port, "GetProfiles", header=shifted).status == 200


def test_a_tolerant_device_takes_an_old_created(city: RunningCity) -> None:
    old = datetime.now(UTC) - timedelta(seconds=100)
    assert soap(city.port("cam"), "GetProfiles", header=security(at=old)).status == 400
    city.set_faults("cam", wsse_tolerance_s=200)
    assert soap(city.port("cam"), "GetProfiles", header=security(at=old)).status == 200


def test_local_time_in_the_field_for_utc_leaves_the_login_alone(city: RunningCity) -> None:
    city.set_faults("cam", clock_local_in_utc=True)
    clock = soap(city.port("cam"), "GetSystemDateAndTime", header="")
    assert told_time(clock) == told_time(clock, "LocalDateTime")
    assert abs(seconds_off(clock) - 28_800) < 2
    assert soap(city.port("cam"), "GetProfiles").status == 200


def test_a_right_clock_tells_beijing_time_as_local(city: RunningCity) -> None:
    assert abs(seconds_off(soap(city.port("cam"), "GetSystemDateAndTime", header=""), "LocalDateTime") - 28_800) < 2


def test_a_dead_clock_runs_from_new_year(city: RunningCity) -> None:
    city.set_faults("cam", clock_dead=2000)
    told = told_time(soap(city.port("cam"), "GetSystemDateAndTime", header=""))
    assert timedelta() <= told - datetime(2000, 1, 1, tzinfo=UTC) < timedelta(minutes=10)


def test_some_clocks_are_told_after_a_login_only(city: RunningCity) -> None:
    city.set_faults("cam", clock_needs_login=True)
    statuses = [soap(city.port("cam"), "GetSystemDateAndTime", header=header).status for header in ("", None)]
    assert statuses == [401, 200]
