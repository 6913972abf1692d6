"""Specification of signing in, signing out and the language."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from devices.models import User
from tests import factories

COOKIE = settings.LANGUAGE_COOKIE_NAME


@pytest.fixture
def person(db: None) -> User:
    return factories.user(username="wang", language="zh-hans")


def sign_in(client: Client, password: str = factories.PASSWORD) -> object:
    return client.post(reverse("login"), {"username": "wang", "password": password})


def test_signing_in_leads_to_the_first_page_in_the_persons_language(person: User, client: Client) -> None:
    answer = client.post(reverse("login"), {"username": "wang", "password": factories.PASSWORD})

    assert answer.headers["Location"] == "/"
    assert client.cookies[COOKIE].value == "zh-hans"
    assert client.get("/").headers["Content-Language"] == "zh-hans"


def test_a_language_chosen_before_signing_in_is_kept(person: User, client: Client) -> None:
    client.post(reverse("language"), {"language": "en"})
    sign_in(client)

    assert client.get("/").headers["Content-Language"] == "en"


def test_a_wrong_password_says_so_and_nothing_more(person: User, client: Client) -> None:
    answer = client.post(reverse("login"), {"username": "wang", "password": "wrong password"})

    assert answer.status_code == 200
    assert "alert" in answer.content.decode()
    assert "wrong password" not in answer.content.decode()


def test_who_has_signed_in_need_not_do_so_again(person: User, client: Client) -> None:
    client.force_login(person)

    assert client.get(reverse("login")).headers["Location"] == "/"


def test_the_language_is_switched_for_pages_and_mails(person: User, client: Client) -> None:
    client.force_login(person)

    answer = client.post(reverse("language"), {"language": "en", "next": "/devices/?q=x"})

    person.refresh_from_db()
    assert answer.headers["Location"] == "/devices/?q=x"
    assert person.language == "en"
    assert 'lang="en"' in client.get("/").content.decode()


def test_a_language_we_do_not_speak_changes_nothing(person: User, client: Client) -> None:
    client.force_login(person)

    client.post(reverse("language"), {"language": "tlh"})

    person.refresh_from_db()
    assert person.language == "zh-hans"
    assert COOKIE not in client.cookies


@pytest.mark.parametrize("to", ["https://elsewhere.example/", "//elsewhere.example", "", "javascript:alert(1)"])
def test_the_switch_leads_nowhere_else(db: None, client: Client, to: str) -> None:
    assert client.post(reverse("language"), {"language": "en", "next": to}).headers["Location"] == "/"


def test_the_language_cookie_is_kept_for_a_year_and_not_for_scripts(db: None, client: Client) -> None:
    client.post(reverse("language"), {"language": "en"})

    cookie = client.cookies[COOKIE]
    assert (cookie["max-age"], cookie["httponly"], cookie["samesite"]) == (31_536_000, True, "Lax")


@pytest.mark.parametrize("name", ["language", "logout"])
def test_a_link_neither_switches_nor_signs_out(person: User, client: Client, name: str) -> None:
    client.force_login(person)

    assert client.get(reverse(name)).status_code == 405


def test_signing_out_ends_the_session(person: User, client: Client) -> None:
    client.force_login(person)

    client.post(reverse("logout"))

    assert client.get("/").status_code == 302


def test_the_login_page_shows_nobodys_data(person: User, client: Client) -> None:
    content = client.get(reverse("login")).content.decode()

    assert reverse("devices") not in content
    assert reverse("language") in content
