"""Sessions: signing in works as ever, and the database does not know the token."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from monitor.sessions import SessionStore, kept
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_session_lasts_from_request_to_request(client: Client) -> None:
    client.force_login(factories.officer())

    token = client.cookies["sessionid"].value

    assert SessionStore(token).load()["_auth_user_id"]
    assert SessionStore().exists(token)


def test_the_database_keeps_only_a_hash_of_the_token(client: Client) -> None:
    client.force_login(factories.officer())

    token = client.cookies["sessionid"].value

    assert [row.session_key for row in Session.objects.all()] == [kept(token)]
    assert kept(token) != token


def test_the_hash_is_no_token(client: Client) -> None:
    client.force_login(factories.officer())

    assert SessionStore(kept(client.cookies["sessionid"].value)).load() == {}


def test_signing_out_forgets_the_session(client: Client) -> None:
    client.force_login(factories.officer())

    client.logout()

    assert not Session.objects.exists()


def test_saving_again_keeps_one_row() -> None:
    store = SessionStore()
    store["a"] = 1
    store.save()
    store["a"] = 2
    store.save()

    assert Session.objects.count() == 1
    assert SessionStore(store.session_key).load() == {"a": 2}
