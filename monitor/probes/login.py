"""Authentication without harm (DESIGN, decision 6).

Asked without a credential first; the scheme is chosen from the challenge and remembered per use. A credential-free 401
is no attempt. One refused request ends the use of the credential; a stale nonce is renewed once and does not count.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from monitor.causes import UNKNOWN_THEIRS
from monitor.probes import clock, digest, http1, refusals, reply, vendor, wallclock
from monitor.probes.failure import NeedsLogin, Refused, faulty, unknown
from monitor.probes.memory import Memory
from monitor.probes.talk import SOAP_CAP, Headers, Talk
from monitor.wire import Aspect, Credential, Finding, Verdict

UNAUTHORISED: Final = 401
REST_S: Final = 35 * 60
# However long a device says that its lock lasts: nobody is kept from looking for more than a day by its word.
LONGEST_REST_S: Final = 24 * 3600
DOUBT_S: Final = 90
DOUBT: Final = "login_doubtful"


class Login:
    """Decides for one visit whether and how the credential is used, and what came of it."""

    def __init__(self, talk: Talk, memory: Memory) -> None:
        self._talk = talk
        self._memory = memory
        target = talk.target
        self._held = target.hold_until is not None and target.hold_until > wallclock.now()
        self.used = ""
        self.sent = 0
        self.hold_s = 0
        self._wants_clear = False
        self.access: Finding | None = self._hold_finding() if self._held else None

    def _hold_finding(self) -> Finding:
        target = self._talk.target
        cause = target.hold_cause or "login_refused"
        until = target.hold_until.isoformat() if target.hold_until else ""
        return (unknown if cause in UNKNOWN_THEIRS else faulty)(cause, until=until)

    @property
    def after_rest(self) -> bool:
        """Whether this is the first use of the credential after it had to rest, and nobody has changed it."""
        return self._talk.target.hold_until is not None and not self._held

    @property
    def after_doubt(self) -> bool:
        """Whether the one more try is due that a login gets which had worked before."""
        return self.after_rest and self._talk.target.hold_cause == DOUBT

    @property
    def resting(self) -> bool:
        """Whether the credential must not be used: held from before, or refused in this visit."""
        return self._held or self.used == "refused"

    @property
    def credential(self) -> Credential | None:
        """The credential, where it may be used."""
        return None if self.resting else self._talk.target.credential

    def needed(self) -> Credential:
        """The credential; raise `NeedsLogin` where there is none to be used, with the finding for the access."""
        credential = self.credential
        if credential is None:
            if self.access is None:
                self._decide(faulty("credential_missing"))
            raise NeedsLogin(self.why_not())
        return credential

    def why_not(self) -> str:
        """The cause for what cannot be known without a login."""
        if not self.resting:
            return "needs_login"
        return DOUBT if self.access is not None and self.access.cause == DOUBT else "login_held"

    def worked(self) -> None:
        """The device has accepted the credential."""
        self.used = self.used or "worked"
        if self.after_doubt:  # it was no wrong password: the device had too many connections, or was starting
            self._memory.learn("login_strained", wallclock.now().isoformat())
        self.proved()

    def proved(self) -> None:
        """The device has answered what only who may log in is told, or asks nobody for a login."""
        if self.access is None:
            self._decide(Finding(Verdict.OK))

    def refuse(self, body: bytes, *, signed: bool = False, sent: bool = True, stale: bool = False) -> Refused:
        """Book a refusal: credentials end here. Returns the failure to raise.

        What worked a moment before is refused under load, not for a wrong password: that stays in doubt. A device that
        calls every nonce `stale` says that the password is right, and cannot be logged in to: its software is at fault.
        """
        said = refusals.refusal(body)
        had_worked = self.used == "worked" or (self._talk.target.worked and self._talk.target.hold_cause != DOUBT)
        self.used = "refused"
        self._talk.endpoint.nonces.clear()
        definite = said.locked or said.attempts_left is not None or not sent
        if had_worked and not definite:
            found, self.hold_s = unknown(DOUBT), DOUBT_S
        elif stale and not definite:
            found, self.hold_s = faulty("protocol", reason="every nonce is stale"), REST_S
        else:
            rest_s = max(REST_S, min(said.wait_s or 0, LONGEST_REST_S))
            found, self.hold_s = self._verdict(said, signed), rest_s
        self._decide(found)
        return Refused(found.cause)

    def only_there(self) -> None:
        """The refusal concerned one address alone: the login had worked a moment before."""
        self.used, self.hold_s = "worked", 0
        self._decide(Finding(Verdict.OK))

    def _decide(self, access: Finding) -> None:
        """Hold an access finding, and tell whoever watches."""
        self.access = access
        self._talk.step(Aspect.ACCESS.value, access)

    def _verdict(self, said: refusals.Refusal, signed: bool) -> Finding:
        if said.locked:
            wait = {} if said.wait_s is None else {"wait_s": said.wait_s}
            return faulty("locked_out", text=said.text, **wait)
        if self._wants_clear and not said.is_fault:  # a fault has understood the token, and refused it
            return faulty("login_in_clear")
        skew = self._talk.endpoint.skew_s or 0.0
        if signed and abs(skew) > clock.REFUSES_LOGIN_S:
            return faulty("clock_refuses_login", offset_s=round(skew, 1))
        left = {} if said.attempts_left is None else {"attempts_left": said.attempts_left, "text": said.text}
        return faulty("login_refused", **left)

    @property
    def basic(self) -> bool:
        """Whether the scheme that hides nothing may be used."""
        target = self._talk.target
        return target.scheme == "https" or target.basic_in_clear

    async def ask(
        self,
        use: str,
        what: str,
        method: str,
        path: str,
        *,
        headers: Headers = (),
        body: bytes = b"",
        cap: int = SOAP_CAP,
        until: float | None = None,
    ) -> http1.Response:
        """A request that logs in over HTTP where it is asked to, with what is known of the last time.

        A 401 that HTTP cannot answer is returned as it is; a refusal raises `Refused`.
        """
        nonces = self._talk.endpoint.nonces
        fresh = renewed = False
        while True:
            header = self._authorization(use, method, path)
            extra = [("Authorization", header)] if header else []
            self.sent += len(extra)
            response = await self._talk.send(
                what, method, path, headers=[*headers, *extra], body=body, cap=cap, until=until
            )
            if not _is_challenge(response):
                self._accepted(use, response, bool(header))
                return response
            self.heed(response)
            chosen = digest.choose(digest.parse(response.head.all("www-authenticate")), basic=self.basic)
            if header and not self._may_renew(chosen, nonces.get(use), fresh, renewed):
                raise self._ended(use, response, stale=chosen is not None and chosen.stale)
            renewed = renewed or bool(header)
            if not self._prepare(use, chosen, response):
                return response
            fresh = True

    def heed(self, response: http1.Response) -> None:
        """Remember who made the device, where a reply lets that slip and it is not known yet."""
        if not self._memory.shared("vendor"):
            self._memory.learn("vendor", vendor.by_reply(response))

    def _authorization(self, use: str, method: str, path: str) -> str:
        credential, scheme = self.credential, self._memory.shared(f"{use}_auth")
        kept = self._talk.endpoint.nonces.get(use)
        if credential is None:
            return ""
        if scheme == "basic" and self.basic:
            return digest.basic(credential)
        return kept.authorization(method, path, credential) if scheme == "digest" and kept else ""

    def _accepted(self, use: str, response: http1.Response, sent: bool) -> None:
        if sent:
            self.worked()
        elif use != "soap" and response.status == HTTPStatus.OK:
            self._memory.learn(f"{use}_auth", "none")

    @staticmethod
    def _may_renew(chosen: digest.Challenge | None, kept: digest.Kept | None, fresh: bool, renewed: bool) -> bool:
        """Whether a 401 means the nonce and not the password: said stale, or a kept nonce met a new one."""
        if chosen is None or chosen.scheme != "digest" or kept is None or renewed:
            return False
        return chosen.stale or (not fresh and chosen.params["nonce"] != kept.nonce)

    def _ended(self, use: str, response: http1.Response, *, stale: bool) -> Refused:
        self._memory.learn(f"{use}_auth", "")
        return self.refuse(response.body, stale=stale)

    def _prepare(self, use: str, chosen: digest.Challenge | None, response: http1.Response) -> bool:
        """Take up a challenge; False where HTTP offers nothing that we may answer."""
        if refusals.refusal(response.body).locked:
            raise self.refuse(response.body, sent=False)
        if chosen is None:
            self._wants_clear = self._wants_clear or (not self.basic and _offers_basic(response))
            return False
        self.needed()
        self._memory.learn(f"{use}_auth", chosen.scheme)
        if chosen.scheme == "digest":
            self._talk.endpoint.nonces[use] = digest.Kept(chosen)
        return True


def _is_challenge(response: http1.Response) -> bool:
    """Whether a reply asks for a login over HTTP: a 401, or a fault that says so under another status (QUIRKS 14)."""
    if response.status == UNAUTHORISED or not response.head.get("www-authenticate"):
        return response.status == UNAUTHORISED
    answer = reply.read(response.body)
    return answer is not None and answer.fault is not None and answer.fault.unauthorised


def _offers_basic(response: http1.Response) -> bool:
    """Whether it can be logged in to by Basic."""
    return any(one.scheme == "basic" for one in digest.parse(response.head.all("www-authenticate")))
