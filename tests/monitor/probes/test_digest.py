"""HTTP authentication against the examples of its RFCs."""

from __future__ import annotations

import hashlib
import re

import pytest

from monitor.probes import digest
from monitor.wire import Credential

RFC2617 = (
    'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
    'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
RFC7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
RFC7616_CLIENT = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def _answer(header: str, client: str, credential: Credential) -> dict[str, str]:
    kept = digest.Kept(digest.parse([header])[0], client=client)
    said = kept.authorization("GET", "/dir/index.html", credential)
    return {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', said)}


def test_the_example_of_rfc_2617() -> None:
    said = _answer(RFC2617, "0a4f113b", Credential("Mufasa", "Circle Of Life"))
    assert said["response"] == "6629fae49393a05397450978507c4ef1"
    assert (said["nc"], said["qop"], said["cnonce"]) == ("00000001", "auth", "0a4f113b")
    assert said["opaque"] == "5ccc069c403ebaf9f0171e9517f40e41"
    assert "algorithm" not in said


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(algorithm: str, response: str) -> None:
    said = _answer(RFC7616.format(algorithm), RFC7616_CLIENT, Credential("Mufasa", "Circle of Life"))
    assert said["response"] == response
    assert said["algorithm"] == algorithm


def test_without_qop_it_is_rfc_2069() -> None:
    said = _answer('Digest realm="r", nonce="n"', "c", Credential("u", "p"))
    expected = hashlib.md5  # the formula, written out
    one = expected(b"u:r:p").hexdigest()
    two = expected(b"GET:/dir/index.html").hexdigest()
    assert said["response"] == expected(f"{one}:n:{two}".encode()).hexdigest()
    assert "nc" not in said
    assert "cnonce" not in said


def test_md5_sess_binds_the_secret_to_the_nonce() -> None:
    said = _answer('Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess', "c", Credential("u", "p"))
    md5 = hashlib.md5
    one = md5(f"{md5(b'u:r:p').hexdigest()}:n:c".encode()).hexdigest()
    two = md5(b"GET:/dir/index.html").hexdigest()
    assert said["response"] == md5(f"{one}:n:00000001:c:auth:{two}".encode()).hexdigest()
    assert said["algorithm"] == "MD5-sess"


def test_a_kept_nonce_is_counted_up() -> None:
    kept = digest.Kept(digest.parse([RFC2617])[0])
    counts = [re.search(r"nc=(\w+)", kept.authorization("GET", "/", Credential("u", "p"))) for _ in range(2)]
    assert [match and match[1] for match in counts] == ["00000001", "00000002"]


def test_a_quote_in_a_name_is_escaped() -> None:
    said = digest.Kept(digest.parse([RFC2617])[0]).authorization("GET", "/", Credential('a"b\\', "p"))
    assert 'username="a\\"b\\\\"' in said


def test_several_challenges_in_one_header() -> None:
    found = digest.parse(['Basic realm="a, b", Digest realm="c\\"d", nonce=n1 , qop="auth", stale=TRUE', "Negotiate"])
    assert [one.scheme for one in found] == ["basic", "digest", "negotiate"]
    assert found[0].params == {"realm": "a, b"}
    assert found[1].params == {"realm": 'c"d', "nonce": "n1", "qop": "auth", "stale": "TRUE"}
    assert found[1].stale
    assert not found[0].stale


@pytest.mark.parametrize("header", ["", ",,,", "=", 'Digest realm="unended', "\x00\xff", 'nonce="x"', "Digest ="])
def test_a_broken_challenge_is_not_answered(header: str) -> None:
    assert digest.choose(digest.parse([header]), basic=True) is None


@pytest.mark.parametrize(
    ("header", "usable"),
    [
        ('Digest nonce="n"', True),
        ('Digest nonce="n", algorithm=md5', True),
        ('Digest nonce="n", algorithm="SHA-256-sess"', True),
        ('Digest nonce="n", algorithm=SHA-512-256', False),
        ('Digest nonce="n", qop="auth-int"', False),
        ('Digest nonce="n", qop="AUTH"', True),
        ('Digest nonce=""', False),
        ("Bearer x", False),
        ('Basic realm="x"', True),
    ],
)
def test_what_can_be_answered(header: str, usable: bool) -> None:
    assert digest.parse([header])[0].usable is usable


def test_the_first_digest_is_chosen_before_basic() -> None:
    offered = digest.parse(['Basic realm="x"', 'Digest nonce="1", algorithm=SHA-256', 'Digest nonce="2"'])
    chosen = digest.choose(offered, basic=True)
    assert chosen is not None
    assert chosen.params["nonce"] == "1"


def test_basic_only_where_it_is_allowed() -> None:
    offered = digest.parse(['Basic realm="x"'])
    assert digest.choose(offered, basic=False) is None
    assert digest.choose(offered, basic=True) == offered[0]


def test_basic_hides_nothing() -> None:
    assert digest.basic(Credential("Aladdin", "open sesame")) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
