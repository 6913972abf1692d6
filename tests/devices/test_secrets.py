"""Specification of secrets at rest: only we can read them, and nothing of ours tells them."""

from __future__ import annotations

import base64
import io
import json
import traceback

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import call_command
from django.core.serializers.base import DeserializationError
from django.db import connection
from pytest_django import Settings

from devices.models import Credential
from devices.secrets import SEALED, Secret, SecretField, Undecryptable, decrypt, encrypt
from tests import factories

PASSWORD = "tango-7/&ü密码"
OLD, NEW, FOREIGN = (base64.urlsafe_b64encode(letter * 32).decode() for letter in (b"o", b"n", b"f"))


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> Settings:
    settings.VIEWKEEPER_FIELD_KEYS = (OLD,)
    return settings


@pytest.fixture
def credential(db: None) -> Credential:
    row = factories.credential(password=PASSWORD)
    row.refresh_from_db()
    return row


def stored() -> str:
    """What the database holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM devices_credential")
        return str(cursor.fetchone()[0])


# -- keys


def test_a_secret_comes_back() -> None:
    assert decrypt(encrypt(PASSWORD)) == PASSWORD


def test_the_same_secret_never_looks_the_same() -> None:
    assert encrypt(PASSWORD) != encrypt(PASSWORD)


def test_a_new_key_in_front_encrypts_and_the_old_one_still_opens(keys: Settings) -> None:
    before = encrypt(PASSWORD)
    keys.VIEWKEEPER_FIELD_KEYS = (NEW, OLD)
    after = encrypt(PASSWORD)

    assert decrypt(before) == PASSWORD
    assert Fernet(NEW).decrypt(after) == PASSWORD.encode()


def test_once_the_old_key_is_gone_its_secrets_are_an_error_not_an_empty_text(keys: Settings) -> None:
    token = encrypt(PASSWORD)
    keys.VIEWKEEPER_FIELD_KEYS = (NEW, FOREIGN)

    with pytest.raises(Undecryptable):
        decrypt(token)


@pytest.mark.parametrize("token", ["", "plain", "gAAAAA"])
def test_what_was_never_encrypted_is_an_error(token: str) -> None:
    with pytest.raises(Undecryptable):
        decrypt(token)


def test_without_keys_nothing_is_stored(keys: Settings) -> None:
    keys.VIEWKEEPER_FIELD_KEYS = ()

    with pytest.raises(ImproperlyConfigured, match="VIEWKEEPER_FIELD_KEYS"):
        encrypt(PASSWORD)


# -- the column


def test_a_password_comes_back_from_the_database(credential: Credential) -> None:
    assert credential.password == PASSWORD
    assert isinstance(credential.password, Secret)


def test_the_database_sees_no_password(credential: Credential) -> None:
    assert PASSWORD not in stored()
    assert decrypt(stored()) == PASSWORD


def test_a_dump_of_the_table_holds_no_password_in_any_spelling(credential: Credential) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(c)::text FROM devices_credential c")
        dump = str(cursor.fetchone()[0])

    raw = PASSWORD.encode()
    assert "tango" not in dump
    assert base64.b64encode(raw).decode() not in dump
    assert raw.hex() not in dump


def test_no_password_stays_no_password(db: None) -> None:
    row = factories.credential(password="")
    row.refresh_from_db()

    assert (row.password, stored()) == ("", "")


def test_a_password_of_a_lost_key_is_an_error(credential: Credential, keys: Settings) -> None:
    keys.VIEWKEEPER_FIELD_KEYS = (FOREIGN,)

    with pytest.raises(Undecryptable):
        Credential.objects.get()


def test_saving_again_keeps_the_password(credential: Credential) -> None:
    credential.save()
    credential.full_clean()

    assert Credential.objects.get().password == PASSWORD


# -- nothing of ours tells it


def test_a_repr_does_not_tell(credential: Credential) -> None:
    told = f"{credential!r} {credential} {credential.password!r} {[credential.password]}"

    assert "tango" not in told
    assert "Secret(…)" in told


def test_a_secret_is_a_text_for_those_who_need_it() -> None:
    assert str(Secret("x")) == f"{Secret('x')}" == "x"
    assert json.dumps(Secret("x")) == '"x"'


def test_a_traceback_with_locals_does_not_tell(credential: Credential) -> None:
    def crash(password: str) -> None:
        raise RuntimeError("forced")

    try:
        crash(credential.password)
    except RuntimeError as error:
        found = traceback.TracebackException.from_exception(error, capture_locals=True)

    told = "".join(found.format())
    assert "password = Secret(…)" in told
    assert "tango" not in told


# -- fixtures


def test_dumpdata_shows_no_password(credential: Credential) -> None:
    out = io.StringIO()
    call_command("dumpdata", "devices.credential", stdout=out)

    [row] = json.loads(out.getvalue())
    assert "tango" not in out.getvalue()
    assert row["fields"]["password"].startswith(SEALED)


def loaded(dump: str) -> str:
    for item in serializers.deserialize("json", dump):
        item.save()
    return str(Credential.objects.get().password)


@pytest.mark.parametrize("password", [PASSWORD, ""])
def test_what_was_dumped_can_be_loaded(db: None, password: str) -> None:
    factories.credential(password=password)
    dump = serializers.serialize("json", Credential.objects.all())
    Credential.objects.all().delete()

    assert loaded(dump) == password


def test_a_dump_under_a_lost_key_is_refused(credential: Credential, keys: Settings) -> None:
    dump = serializers.serialize("json", Credential.objects.all())
    keys.VIEWKEEPER_FIELD_KEYS = (FOREIGN,)

    with pytest.raises(DeserializationError):
        loaded(dump)


def test_a_sealed_text_that_no_key_opens_is_no_value() -> None:
    with pytest.raises(ValidationError):
        SecretField().to_python(f"{SEALED}nonsense")


@pytest.mark.parametrize("value", [None, "", "plain", Secret("x")])
def test_everything_else_is_taken_as_it_is(value: str | None) -> None:
    assert SecretField().to_python(value) is value
