"""Every cause the platform can name: its aspect, its place on the first page, its words.

One literal registry, so that a search finds every kind. Texts are English message ids; pages and mails translate them.
`title` is the badge and the start of a mail's subject, `sentence` tells a technician what was seen (with named
parameters from the finding's detail), `next_step` what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.wire import Aspect


def gettext_noop(text: str) -> str:
    """Mark a text for translation; the name is the one that message extractors know."""
    return text


class Category(StrEnum):
    """The four numbers of the first page."""

    OFFLINE = "offline"
    OBSTRUCTED = "obstructed"
    PICTURE = "picture"
    LOGIN = "login"


@dataclass(frozen=True, slots=True)
class Cause:
    """One named cause. `rank` orders by consequence: the lower, the more is unseen."""

    key: str
    aspect: Aspect
    category: Category
    rank: int
    title: str
    sentence: str
    next_step: str


_ = gettext_noop
_LINK, _ACCESS, _CLOCK = Aspect.LINK, Aspect.ACCESS, Aspect.CLOCK
_PICTURE, _IDENTITY = Aspect.PICTURE, Aspect.IDENTITY
_OFF, _COVER, _PIC, _LOGIN = Category.OFFLINE, Category.OBSTRUCTED, Category.PICTURE, Category.LOGIN

_ALL = (
    # -- link
    Cause(
        "port_closed",
        _LINK,
        _OFF,
        10,
        _("Offline"),
        _("The port answers no connection: the device is off, or its service has stopped."),
        _("Check power and network at the pole, then look again."),
    ),
    Cause(
        "no_answer",
        _LINK,
        _OFF,
        10,
        _("Offline"),
        _("Nothing answers at this address."),
        _("Check power, network cable and switch port, then look again."),
    ),
    Cause(
        "no_route",
        _LINK,
        _OFF,
        10,
        _("Offline"),
        _("The network has no way to this address."),
        _("Check the address in the register and the network of the compound."),
    ),
    Cause(
        "name_unknown",
        _LINK,
        _OFF,
        10,
        _("Offline"),
        _("The host name in the register is not known to the name server."),
        _("Correct the address in the register."),
    ),
    Cause(
        "silent",
        _LINK,
        _OFF,
        11,
        _("Silent"),
        _("The port accepts the connection but nothing is ever answered."),
        _("Restart the device; if it happens again, update its firmware."),
    ),
    Cause(
        "address_refused",
        _LINK,
        _OFF,
        12,
        _("Address not allowed"),
        _("The register's address may not be dialled by the platform."),
        _("Correct the address in the register."),
    ),
    Cause(
        "parent_down",
        _LINK,
        _OFF,
        10,
        _("Offline"),
        _("The recorder this channel hangs on cannot be reached."),
        _("Repair the recorder first."),
    ),
    Cause(
        "inferred_down",
        _LINK,
        _OFF,
        10,
        _("Offline"),
        _(
            "Nothing that hangs on it answers (%(down)s of %(of)s are down): inferred, since it has no address of its own."
        ),
        _("Check its power and its uplink, then look again at what hangs on it."),
    ),
    # -- access
    Cause(
        "login_refused",
        _ACCESS,
        _LOGIN,
        60,
        _("Login refused"),
        _("User name or password is wrong; login is suspended so that the device does not lock."),
        _("Check the password and enter it in the register; polling resumes at once."),
    ),
    Cause(
        "locked_out",
        _ACCESS,
        _LOGIN,
        60,
        _("Login locked"),
        _("The device has locked this address after wrong passwords."),
        _("Wait until the lock ends; check the password before it does."),
    ),
    Cause(
        "clock_refuses_login",
        _ACCESS,
        _LOGIN,
        61,
        _("Login refused"),
        _("The device refuses the login because its clock is off."),
        _("Set the device's clock and time zone."),
    ),
    Cause(
        "credential_missing",
        _ACCESS,
        _LOGIN,
        62,
        _("Login missing"),
        _("The device asks for a login and the register has none."),
        _("Enter user name and password in the register."),
    ),
    Cause(
        "login_in_clear",
        _ACCESS,
        _LOGIN,
        62,
        _("Login in clear"),
        _("The device takes the password only in clear (Basic over HTTP), which the register does not allow."),
        _("Switch the device to digest or HTTPS; allow Basic in the register only where the network is trusted."),
    ),
    Cause(
        "service_missing",
        _ACCESS,
        _LOGIN,
        63,
        _("ONVIF not enabled"),
        _("The device is online, but no ONVIF service answers."),
        _("Enable ONVIF on the device; on Hikvision it needs its own ONVIF user."),
    ),
    Cause(
        "onvif_off",
        _ACCESS,
        _LOGIN,
        63,
        _("ONVIF not enabled"),
        _("The device is online and its video stream (RTSP) answers, but ONVIF is not enabled."),
        _("Enable ONVIF on the device; on Hikvision it needs its own ONVIF user."),
    ),
    Cause(
        "onvif_port_closed",
        _ACCESS,
        _LOGIN,
        63,
        _("ONVIF port closed"),
        _("The device is online, its video stream (RTSP) answers, but port %(port)s of the register is closed."),
        _("Enable ONVIF on the device, or correct the port in the register."),
    ),
    Cause(
        "onvif_user_missing",
        _ACCESS,
        _LOGIN,
        62,
        _("ONVIF user missing"),
        _("The login works on the device itself, but ONVIF refuses it: ONVIF has users of its own."),
        _("Add an ONVIF user with the same name and password on the device."),
    ),
    Cause(
        "https_only",
        _ACCESS,
        _LOGIN,
        63,
        _("HTTPS only"),
        _("The device answers plain HTTP with a request for HTTPS."),
        _("Set the scheme in the register to https, with the device's HTTPS port."),
    ),
    Cause(
        "not_a_camera",
        _ACCESS,
        _LOGIN,
        62,
        _("Not a camera"),
        _("Another kind of device answers at this address: its page is called “%(page)s”."),
        _("Check address and port in the register."),
    ),
    Cause(
        "busy",
        _ACCESS,
        _LOGIN,
        64,
        _("Device busy"),
        _("The device says that it is busy."),
        _("Close other clients of the device, or restart it."),
    ),
    Cause(
        "connections_used_up",
        _ACCESS,
        _LOGIN,
        64,
        _("Connections used up"),
        _("The device says that all its connections or sessions are in use: it is no wrong password."),
        _("Close other clients of the device (recorders, browsers, players), or restart it."),
    ),
    Cause(
        "protocol",
        _ACCESS,
        _LOGIN,
        65,
        _("Protocol fault"),
        _("The device's replies cannot be understood."),
        _("Update the firmware, or add its address as a plain HTTP device."),
    ),
    # -- clock
    Cause(
        "clock_off",
        _CLOCK,
        _LOGIN,
        72,
        _("Clock off"),
        _("The clock is %(offset)s."),
        _("Switch on NTP on the device, or set its clock."),
    ),
    Cause(
        "time_zone",
        _CLOCK,
        _LOGIN,
        71,
        _("Wrong time zone"),
        _("The clock is %(offset)s, exactly whole hours: the time zone is set wrong."),
        _("Set the time zone of the device to Beijing time (UTC+8)."),
    ),
    Cause(
        "clock_dead",
        _CLOCK,
        _LOGIN,
        73,
        _("Clock reset"),
        _("The clock shows %(device_time)s: it was reset, its battery is probably empty."),
        _("Switch on NTP on the device, or replace its battery."),
    ),
    # -- picture: what the picture shows
    Cause(
        "obstructed",
        _PICTURE,
        _COVER,
        20,
        _("Obstructed"),
        _("About %(share)s of the picture is covered."),
        _("Clear what is in front of the lens, then look again."),
    ),
    Cause(
        "black",
        _PICTURE,
        _PIC,
        21,
        _("Black picture"),
        _("The picture is black: no video signal, or the lens is fully covered."),
        _("Check the lens, the sensor cable and the camera's settings."),
    ),
    Cause(
        "white",
        _PICTURE,
        _PIC,
        22,
        _("Too bright"),
        _("The picture is burnt out: nothing can be made out."),
        _("Check exposure settings, light sources and the infrared lamp."),
    ),
    Cause(
        "dark",
        _PICTURE,
        _PIC,
        23,
        _("Too dark"),
        _("The picture is too dark to make anything out."),
        _("Check the light, the infrared lamp and the exposure settings."),
    ),
    Cause(
        "moved",
        _PICTURE,
        _PIC,
        24,
        _("View moved"),
        _("The camera no longer looks where it was accepted to look."),
        _("Turn the camera back to its reference view, then look again."),
    ),
    Cause(
        "blur",
        _PICTURE,
        _PIC,
        25,
        _("Out of focus"),
        _("The picture is out of focus: fine edges of the reference are gone."),
        _("Clean the lens and focus again."),
    ),
    Cause(
        "frozen",
        _PICTURE,
        _PIC,
        26,
        _("Frozen"),
        _("The picture no longer changes."),
        _("Restart the camera; if it happens again, update its firmware."),
    ),
    Cause(
        "noise",
        _PICTURE,
        _PIC,
        27,
        _("Noise"),
        _("The picture is full of noise."),
        _("Check the sensor, the power supply and the gain settings."),
    ),
    Cause(
        "stripes",
        _PICTURE,
        _PIC,
        28,
        _("Stripes"),
        _("Stripes run through the picture."),
        _("Check power supply, earthing and video cable."),
    ),
    Cause(
        "cast",
        _PICTURE,
        _PIC,
        29,
        _("Colour cast"),
        _("The colours are shifted."),
        _("Check white balance and the infrared cut filter."),
    ),
    Cause(
        "lowcontrast",
        _PICTURE,
        _PIC,
        30,
        _("Low visibility"),
        _("The picture has hardly any contrast: fog, rain or a dirty dome."),
        _("Look again in clear weather; clean the dome if it stays."),
    ),
    Cause(
        "corrupt",
        _PICTURE,
        _PIC,
        31,
        _("Corrupt picture"),
        _("The picture data is damaged."),
        _("Check the network path and the camera's firmware."),
    ),
    # -- picture: why there is none
    Cause(
        "not_a_picture",
        _PICTURE,
        _LOGIN,
        40,
        _("Snapshot fault"),
        _("The snapshot address answers %(content)s instead of a picture."),
        _("Check the snapshot address and the login rights of the user."),
    ),
    Cause(
        "empty_picture",
        _PICTURE,
        _LOGIN,
        41,
        _("Snapshot fault"),
        _("The snapshot address answers with nothing."),
        _("Restart the camera; if it happens again, update its firmware."),
    ),
    Cause(
        "picture_too_slow",
        _PICTURE,
        _LOGIN,
        42,
        _("Too slow"),
        _("The picture comes at %(rate)s and was not complete within %(limit)s s."),
        _("Check the network path: cable, duplex, wireless bridge."),
    ),
    Cause(
        "picture_too_large",
        _PICTURE,
        _LOGIN,
        43,
        _("Snapshot fault"),
        _("The picture is larger than the platform accepts."),
        _("Lower the snapshot's resolution on the device."),
    ),
    Cause(
        "snapshot_refused",
        _PICTURE,
        _LOGIN,
        44,
        _("Snapshot refused"),
        _("The device refuses the snapshot (HTTP %(status)s)."),
        _("Give the user the right to take snapshots."),
    ),
    Cause(
        "snapshot_missing",
        _PICTURE,
        _LOGIN,
        45,
        _("No snapshot"),
        _("The device offers no snapshot address."),
        _("Enable snapshots (JPEG capture) on the device."),
    ),
    # -- identity
    Cause(
        "identity_changed",
        _IDENTITY,
        _LOGIN,
        80,
        _("Not the accepted device"),
        _("Serial number %(serial)s answers where %(expected)s was accepted."),
        _("Check whether the device was replaced, and correct the register."),
    ),
)

CAUSES: Mapping[str, Cause] = {cause.key: cause for cause in _ALL}

# Why a verdict is unknown. Ours: no figure counts it. Theirs: the fact was not shown (DESIGN, decision 11).
UNKNOWN_OURS: Mapping[str, str] = {
    "not_looked": _("Not looked at yet."),
    "paused": _("Polling is paused."),
    "platform_silent": _("The platform did not look."),
    "late": _("The platform did not finish the look in time."),
    "icmp_not_allowed": _("The platform's machine may not send an echo (ping) without more rights."),
    "collector_blind": _("The collector could not see into its network."),
    "collector_lagging": _("The collector was too busy to be believed."),
    "batch_doubtful": _("Most devices were lost at once: it is looked at once more before it counts."),
}
UNKNOWN_THEIRS: Mapping[str, str] = {
    "link_down": _("Cannot be known while the link is down."),
    "login_held": _("Cannot be known while the login is refused or suspended."),
    "login_doubtful": _("A login that had worked was refused once; it is tried once more before it counts."),
    "needs_login": _("The device answers this only after a login."),
    "no_reply": _("The device gave no usable reply."),
    "not_offered": _("The device does not offer this."),
    "not_checkable": _("The picture cannot be judged."),
    "switching": _("The picture changes between day and night; the verdict waits."),
}

# What a vendor's own menus are called: by cause and vendor, more precise than the cause's own next step.
_HIK = _("Device online, ONVIF not enabled. Hikvision: Configuration > Network > Advanced > Integration protocol (recorders: System > System service > ONVIF); it needs its own ONVIF user.")
_DAHUA = _("Device online, ONVIF not enabled. Dahua: Setting > Network > Access platform > ONVIF; its users are under System > Account > ONVIF user.")
_UNV = _("Device online, no ONVIF. Uniview: ONVIF is on from the factory and takes the device's own users; check the HTTP port under Setup > Network > Port.")
_TP = _("Device online, no ONVIF. TP-Link Tapo: ONVIF answers at port 2020, with the camera account that is made in the app.")
_XM = _("Device online, no ONVIF. Xiongmai: ONVIF answers at port 8899; correct the port in the register.")
_STEPS: Mapping[str, str] = {"hikvision": _HIK, "dahua": _DAHUA, "uniview": _UNV, "tp_link": _TP, "xiongmai": _XM}
VENDOR_STEPS: Mapping[tuple[str, str], str] = {
    **{(cause, vendor): text for cause in ("service_missing", "onvif_off") for vendor, text in _STEPS.items()},
    ("onvif_user_missing", "hikvision"): _("Hikvision: Configuration > Network > Advanced > Integration protocol, add a user with the same name and password."),
    ("onvif_user_missing", "dahua"): _("Dahua: Setting > System > Account > ONVIF user, add a user with the same name and password."),
    ("onvif_user_missing", "axis"): _("Axis: System > ONVIF accounts, add an account with the same name and password."),
}

# What a finding may know besides: told after the sentence, where its detail has it.
ADDITIONS: Mapping[tuple[str, str], str] = {
    ("login_refused", "attempts_left"): _("By its own words it leaves %(attempts_left)s more attempts."),
    ("locked_out", "wait"): _("By its own words the lock lasts %(wait)s."),
    ("service_missing", "page"): _("Its page is called “%(page)s”."),
    ("onvif_off", "page"): _("Its page is called “%(page)s”."),
}


def sentences(cause: str, detail: Mapping[str, object]) -> list[str]:
    """The message ids that tell a finding: its sentence, and what is known besides."""
    more = [text for (key, name), text in ADDITIONS.items() if key == cause and detail.get(name) not in (None, "")]
    return [CAUSES[cause].sentence, *more]


def next_step(cause: str, detail: Mapping[str, object]) -> str:
    """The message id of what to do: the vendor's own menu where the vendor and its menu are known."""
    return VENDOR_STEPS.get((cause, str(detail.get("vendor", ""))), CAUSES[cause].next_step)
