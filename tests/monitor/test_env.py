"""The typed readers: what they take, and the one clear line with which they refuse the rest."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from monitor import env

NAME = "VIEWKEEPER_TRIAL"
# The same in every parallel worker, as they are part of the names of tests.
KEY, OTHER = (base64.urlsafe_b64encode(letter * 32).decode() for letter in (b"K", b"O"))


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv(NAME, raising=False)
    return monkeypatch


@pytest.mark.parametrize("word", ["1", "true", "YES", " on "])
def test_flag_understands_yes(given: pytest.MonkeyPatch, word: str) -> None:
    given.setenv(NAME, word)
    assert env.flag(NAME) is True


@pytest.mark.parametrize("word", ["0", "False", "no", "OFF"])
def test_flag_understands_no(given: pytest.MonkeyPatch, word: str) -> None:
    given.setenv(NAME, word)
    assert env.flag(NAME, default=True) is False


@pytest.mark.parametrize("default", [True, False])
def test_flag_unset_or_empty_is_its_default(given: pytest.MonkeyPatch, default: bool) -> None:
    assert env.flag(NAME, default) is default
    given.setenv(NAME, "  ")
    assert env.flag(NAME, default) is default


def test_flag_refuses_other_words_and_says_what_it_wants(given: pytest.MonkeyPatch) -> None:
    given.setenv(NAME, "maybe")
    with pytest.raises(env.SettingError, match=f"{NAME}: 'maybe' is neither yes nor no; expected 1 or 0"):
        env.flag(NAME)


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("60", 60), (" 7 ", 7)])
def test_whole_takes_both_ends_of_its_range(given: pytest.MonkeyPatch, text: str, number: int) -> None:
    given.setenv(NAME, text)
    assert env.whole(NAME, 5, 1, 60) == number


@pytest.mark.parametrize("text", ["0", "61", "-1", "5.0", "five", "١", "9999999999999"])
def test_whole_refuses_what_is_outside_or_no_number(given: pytest.MonkeyPatch, text: str) -> None:
    given.setenv(NAME, text)
    with pytest.raises(env.SettingError, match="a whole number from 1 to 60"):
        env.whole(NAME, 5, 1, 60)


def test_whole_unset_is_its_default(given: pytest.MonkeyPatch) -> None:
    assert env.whole(NAME, 5, 1, 60) == 5


def test_words_drop_blanks_and_empty_items(given: pytest.MonkeyPatch) -> None:
    given.setenv(NAME, " a, ,b,")
    assert env.words(NAME) == ["a", "b"]


def test_folder_must_be_absolute(given: pytest.MonkeyPatch) -> None:
    given.setenv(NAME, "/var/lib/x")
    assert env.folder(NAME, Path("/tmp")) == Path("/var/lib/x")
    given.setenv(NAME, "media")
    with pytest.raises(env.SettingError, match="'media' is not absolute"):
        env.folder(NAME, Path("/tmp"))


def test_web_address_loses_its_trailing_slash(given: pytest.MonkeyPatch) -> None:
    given.setenv(NAME, "https://viewkeeper.example:8443/")
    assert env.web_address(NAME) == "https://viewkeeper.example:8443"


@pytest.mark.parametrize("text", ["viewkeeper.example", "ftp://x", "https://", "http://x:99999", "http://[::1"])
def test_web_address_refuses_what_a_browser_could_not_open(given: pytest.MonkeyPatch, text: str) -> None:
    given.setenv(NAME, text)
    with pytest.raises(env.SettingError, match=NAME):
        env.web_address(NAME)


def test_web_address_may_stay_empty(given: pytest.MonkeyPatch) -> None:
    assert env.web_address(NAME) == ""


def test_secret_must_be_long_and_is_not_repeated(given: pytest.MonkeyPatch) -> None:
    given.setenv(NAME, "x" * 50)
    assert env.secret(NAME, "") == "x" * 50
    given.setenv(NAME, "hunter2" * 7)
    with pytest.raises(env.SettingError, match="only 49 characters long") as refused:
        env.secret(NAME, "")
    assert "hunter2" not in str(refused.value)


def test_fernet_keys_keep_their_order(given: pytest.MonkeyPatch) -> None:
    given.setenv(NAME, f"{KEY}, {OTHER}")
    assert env.fernet_keys(NAME) == (KEY, OTHER)


def test_a_bad_fernet_key_is_named_by_its_place_and_not_repeated(given: pytest.MonkeyPatch) -> None:
    given.setenv(NAME, f"{KEY},{OTHER[:-2]}")
    with pytest.raises(env.SettingError, match="key 2 is no Fernet key") as refused:
        env.fernet_keys(NAME)
    assert OTHER[:10] not in str(refused.value)


@pytest.mark.parametrize("text", [f"local={KEY},demo={OTHER}", f'{{"local": "{KEY}", "demo": ["{OTHER}"]}}'])
def test_zone_keys_as_list_or_json(given: pytest.MonkeyPatch, text: str) -> None:
    given.setenv(NAME, text)
    assert env.zone_keys(NAME) == {"local": (KEY,), "demo": (OTHER,)}


def test_a_zone_named_again_gets_a_further_key(given: pytest.MonkeyPatch) -> None:
    given.setenv(NAME, f"local={KEY},local={OTHER}")
    assert env.zone_keys(NAME) == {"local": (KEY, OTHER)}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (KEY[:-1], "an item has no '='"),
        (f"Local={KEY}", "'Local' is no zone name"),
        (f"{'z' * 33}={KEY}", "is no zone name"),
        ("local=short", "the key of zone local is no Fernet key"),
        ("{", "not valid JSON"),
        ('{"local": 5}', "a key is not text"),
    ],
)
def test_zone_keys_refuse_nonsense(given: pytest.MonkeyPatch, text: str, problem: str) -> None:
    given.setenv(NAME, text)
    with pytest.raises(env.SettingError, match=problem):
        env.zone_keys(NAME)


def test_no_zone_keys_when_unset(given: pytest.MonkeyPatch) -> None:
    assert env.zone_keys(NAME) == {}


def test_database_address_in_its_parts(given: pytest.MonkeyPatch) -> None:
    given.setenv(NAME, "postgresql://us%40er:p%2Fw@db.example:6432/na%20me?sslmode=require")
    assert env.database(NAME) == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "na me",
        "USER": "us@er",
        "PASSWORD": "p/w",
        "HOST": "db.example",
        "PORT": "6432",
        "OPTIONS": {"sslmode": "require"},
    }


def test_database_over_a_socket_folder(given: pytest.MonkeyPatch) -> None:
    given.setenv(NAME, "postgres://user:pw@/name?host=%2Frun%2Fa%20b")
    found = env.database(NAME)
    assert (found["HOST"], found["PORT"], found["OPTIONS"]) == ("/run/a b", "", {})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mysql://u:hunter2@h/n", "scheme 'mysql' is not PostgreSQL's"),
        ("postgresql://u:hunter2@h/", "no database name"),
        ("postgresql://u:hunter2@h:port/n", "not a well-formed address"),
        ("postgresql://u:hunter2@h:0/n", "not a well-formed address"),
        ("postgresql://u:hunter2@h/n?colour=red", "unknown option 'colour'"),
    ],
)
def test_database_refuses_nonsense_without_its_password(given: pytest.MonkeyPatch, text: str, problem: str) -> None:
    given.setenv(NAME, text)
    with pytest.raises(env.SettingError, match=problem) as refused:
        env.database(NAME)
    assert "hunter2" not in str(refused.value)


def test_no_database_when_unset(given: pytest.MonkeyPatch) -> None:
    assert env.database(NAME) == {}


@pytest.mark.parametrize("text", ["redis://:pw@127.0.0.1:6379/3", "rediss://redis.example", "redis://h/"])
def test_redis_addresses(given: pytest.MonkeyPatch, text: str) -> None:
    given.setenv(NAME, text)
    assert env.redis_address(NAME) == text


@pytest.mark.parametrize("text", ["http://h", "redis://", "redis://h/name", "redis://h:x"])
def test_redis_address_refuses_nonsense(given: pytest.MonkeyPatch, text: str) -> None:
    given.setenv(NAME, text)
    with pytest.raises(env.SettingError, match=NAME):
        env.redis_address(NAME)


@pytest.mark.parametrize(
    ("text", "port", "starttls", "tls"),
    [
        ("smtp://relay", 25, False, False),
        ("smtp+tls://relay", 587, True, False),
        ("smtps://relay", 465, False, True),
        ("smtp://relay:2525", 2525, False, False),
    ],
)
def test_mail_server(given: pytest.MonkeyPatch, text: str, port: int, starttls: bool, tls: bool) -> None:
    given.setenv(NAME, text)
    found = env.mail_server(NAME, "")
    shown = (found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"])
    assert shown == ("relay", port, starttls, tls)


def test_mail_login_is_decoded(given: pytest.MonkeyPatch) -> None:
    given.setenv(NAME, "smtp+tls://a%40b:p%3Aw@relay")
    found = env.mail_server(NAME, "")
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("a@b", "p:w")


@pytest.mark.parametrize("text", ["http://relay", "smtp://", "relay"])
def test_mail_server_refuses_nonsense(given: pytest.MonkeyPatch, text: str) -> None:
    given.setenv(NAME, text)
    with pytest.raises(env.SettingError, match=NAME):
        env.mail_server(NAME, "")


def test_require_names_the_first_that_is_missing(given: pytest.MonkeyPatch) -> None:
    given.setenv("VIEWKEEPER_THERE", "x")
    env.require("VIEWKEEPER_THERE")
    with pytest.raises(env.SettingError, match=f"{NAME}: not set"):
        env.require("VIEWKEEPER_THERE", NAME)


def test_a_refusal_is_one_line_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, env.one_line_refusals(3):
        raise env.SettingError("NAME", "a problem", "something else")
    assert ended.value.code == 3
    assert capsys.readouterr().err == "NAME: a problem; expected something else\n"


def test_nothing_happens_without_a_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    with env.one_line_refusals():
        pass
    assert capsys.readouterr().err == ""
