"""Redirects that lead away, and challenges that fish for the password or for the reader's time."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from monitor.simulator.hostile.acts import (
    INFORMATION,
    JPEG,
    SNAPSHOT,
    always,
    challenge,
    device,
    digest,
    fault,
    http,
    picture,
    pictures,
)
from monitor.simulator.hostile.stage import Act, Asked, Misbehaviour, Stage

_FOUND = "302 Found"
_TRAP = "127.0.0.2:TRAP!"
_COUNT = itertools.count()


def _moved(location: str, status: str = _FOUND) -> Act:
    return always(http(b"", f"Location: {location}", status=status))


def _picture_moved(location: str) -> Act:
    return pictures(http(b"", f"Location: {location}", status=_FOUND))


async def _ping_pong(stage: Stage, asked: Asked) -> None:
    other = "/onvif/b" if asked.target.endswith("/a") else "/onvif/a"
    await stage.say(http(b"", f"Location: {other}", status=_FOUND))


async def _stale_for_ever(stage: Stage, _asked: Asked) -> None:
    await stage.say(challenge(digest(f"n{next(_COUNT)}", ", stale=true")))


async def _another_nonce(stage: Stage, _asked: Asked) -> None:
    await stage.say(challenge(digest(f"n{next(_COUNT)}")))


async def _password_in_clear(stage: Stage, asked: Asked) -> None:
    """Digest at first, and once it is answered only Basic will do."""
    await stage.say(challenge('Basic realm="cam"' if asked.credential else digest()))


_MANY = tuple(f'Scheme{number} realm="r{number}"' for number in range(10_000))
_UNKNOWN = 'Digest realm="cam", nonce="n1", qop="auth", algorithm=SHA3-9000'

LOGINS: Mapping[str, Misbehaviour] = {
    # -- redirects
    "redirect_self": Misbehaviour("302 to itself.", _moved("/onvif/device_service")),
    "redirect_relative": Misbehaviour("302 to a path beside it.", _moved("other")),
    "redirect_ping_pong": Misbehaviour("302 from a to b and back.", always(_ping_pong)),
    "redirect_foreign": Misbehaviour("302 to another host.", _moved(f"http://{_TRAP}/onvif/device_service")),
    "redirect_307": Misbehaviour("307, which keeps the method, to another host.", _moved(f"http://{_TRAP}/", "307 X")),
    "redirect_port": Misbehaviour("302 to another port of the same host.", _moved("http://127.0.0.1:TRAP!/")),
    "redirect_https": Misbehaviour("302 to TLS on another port.", _moved("https://127.0.0.1:TRAP!/")),
    "redirect_file": Misbehaviour("302 to a file.", _moved("file:///etc/passwd")),
    "redirect_metadata": Misbehaviour("302 to a cloud's secrets.", _moved("http://169.254.169.254/latest/meta-data/")),
    "redirect_colons": Misbehaviour("302 to 30 kB of colons.", _moved("//" + ":" * 30_000)),
    "redirect_split": Misbehaviour(
        "302 with an address that would add a header.", _moved(f"http://{_TRAP}/%0d%0aX:%20y")
    ),
    "redirect_nowhere": Misbehaviour("302 without an address.", always(http(b"", status=_FOUND))),
    "redirect_picture": Misbehaviour(
        "302 of the snapshot to another host.", _picture_moved(f"http://{_TRAP}/snap.jpg")
    ),
    "redirect_refresh": Misbehaviour(
        "A Refresh header to another host.", always(http(b"<html>", f"Refresh: 0; url=http://{_TRAP}/"))
    ),
    # -- challenges
    "login_bare": Misbehaviour("401 without a challenge.", always(challenge())),
    "login_403": Misbehaviour("403 for everything.", always(http(b"no", status="403 Forbidden"))),
    "login_proxy": Misbehaviour(
        "407: asks for a proxy's password.", always(http(b"", 'Proxy-Authenticate: Basic realm="p"', status="407 X"))
    ),
    "login_10000": Misbehaviour("Ten thousand challenges.", always(challenge(*_MANY))),
    "login_one_line": Misbehaviour("A thousand challenges in one header.", always(challenge(", ".join(_MANY[:1000])))),
    "login_nonce_1_mb": Misbehaviour("A nonce of 1 MB.", always(challenge(digest("n" * 1_000_000)))),
    "login_nonce_30_kb": Misbehaviour("A nonce of 30 kB.", always(challenge(digest("n" * 30_000)))),
    "login_blanks": Misbehaviour(
        "A challenge with 30 kB of blanks.", always(challenge('Digest realm="x"' + " " * 30_000 + "?"))
    ),
    "login_quotes": Misbehaviour(
        "A realm of quotes and escapes.", always(challenge('Digest realm="' + '\\"' * 900 + '", nonce="n\\"1"'))
    ),
    "login_unclosed": Misbehaviour(
        "A quotation that never ends.", always(challenge('Digest realm="cam, nonce=n1' + "\\" * 999))
    ),
    "login_newlines": Misbehaviour(
        "A realm over many lines.", always(challenge('Digest realm="a\r\n b\r\n\tc", nonce="n1", qop="auth"'))
    ),
    "login_algorithm": Misbehaviour("An algorithm that does not exist.", always(challenge(_UNKNOWN))),
    "login_auth_int": Misbehaviour(
        "Digest of the body only.", always(challenge('Digest realm="cam", nonce="n1", qop="auth-int"'))
    ),
    "login_negotiate": Misbehaviour("Kerberos and NTLM.", always(challenge("Negotiate", "NTLM"))),
    "login_stale_storm": Misbehaviour("Every nonce is stale at once.", always(_stale_for_ever)),
    "login_new_nonces": Misbehaviour("Another nonce each time, never satisfied.", always(_another_nonce)),
    "login_basic": Misbehaviour("Asks for Basic in clear.", always(challenge('Basic realm="cam"'))),
    "login_basic_picture": Misbehaviour(
        "Asks for Basic in clear for its snapshot.", pictures(challenge('Basic realm="cam"'))
    ),
    "login_downgrade": Misbehaviour("Digest at first, then only Basic.", pictures(_password_in_clear)),
    "login_on_200": Misbehaviour(
        "A challenge with a good picture.", pictures(http(picture(), JPEG, 'WWW-Authenticate: Basic realm="x"'))
    ),
    # -- words
    "words_of_locks": Misbehaviour(
        "All words of a lock, 400 kB of them.", always(fault("locked try again in 9 hours " * 16_000))
    ),
    "words_of_markup": Misbehaviour("A refusal of 400 kB of brackets.", always(http(b"<" * 400_000, status="401 X"))),
    "words_of_digits": Misbehaviour(
        "A refusal of 400 kB of digits and blanks.", always(http(b"1 " * 200_000, status="401 X"))
    ),
    "words_of_billions": Misbehaviour(
        "Locked for 999,999 hours.",
        device({INFORMATION: fault("locked, try again in 999999 hours"), SNAPSHOT: challenge()}),
    ),
}
