"""Specification of the shelf: pictures come off it as they were put there, once, and only by those who hold the key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from cryptography.fernet import Fernet
from django.conf import settings as configured

from monitor import shelf
from monitor.sealing import Opener, Sealer
from monitor.shelf import LIFE_S, Picture, Putting, Taking
from tests.broker import empty

KEYS = (Fernet.generate_key().decode(),)
OPENER = Opener(KEYS)


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    """The test run's broker, empty."""
    store = redis.Redis.from_url(configured.REDIS_URL)
    empty(store)
    yield store
    store.close()


def put(broker: redis.Redis, *pictures: Picture) -> list[str]:
    """Put pictures on the shelf; their keys."""
    putting = Putting(broker, Sealer(KEYS))
    names = [putting.put(7, *picture) for picture in pictures]
    putting.flush()
    return names


@pytest.mark.parametrize("picture", [(b"small", None), (b"small", b"the whole picture"), (b"", b"whole")])
def test_a_picture_comes_off_as_it_was_put_there_and_once(broker: redis.Redis, picture: Picture) -> None:
    [name] = put(broker, picture)
    taking = Taking(broker, OPENER, [name])

    assert taking(name) == picture
    assert taking(name) is None
    assert Taking(broker, OPENER, [name])(name) is None


def test_pictures_are_taken_in_any_order_and_some_at_a_time(
    broker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "FETCHED_AT_ONCE", 2)
    names = put(broker, *((b"%d" % number, None) for number in range(5)))
    taking = Taking(broker, OPENER, names)

    assert [taking(name) for name in reversed(names)] == [(b"%d" % number, None) for number in reversed(range(5))]
    assert broker.keys("picture:*") == []


def test_nothing_is_on_the_shelf_before_the_readings_are_sent_unless_there_is_much(
    broker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    putting = Putting(broker, Sealer(KEYS))
    name = putting.put(7, b"small", None)
    assert broker.exists(name) == 0

    monkeypatch.setattr(shelf, "MOST_ASIDE", 10)
    other = putting.put(7, b"small", None)
    assert broker.exists(name, other) == 2


def test_a_picture_has_a_short_life(broker: redis.Redis) -> None:
    [name] = put(broker, (b"small", None))

    assert LIFE_S - 5 <= broker.ttl(name) <= LIFE_S


def test_nothing_of_a_picture_shows_at_the_broker(broker: redis.Redis) -> None:
    [name] = put(broker, (b"a thumbnail that would be known", None))

    token = broker.get(name)
    assert isinstance(token, bytes)
    assert b"thumbnail" not in token


def test_what_was_sealed_with_another_key_is_none(broker: redis.Redis) -> None:
    [name] = put(broker, (b"small", None))
    broker.set("picture:1:nonsense", b"nonsense")
    broker.set("picture:1:short", Sealer(KEYS)(b"abc", "picture:1:short"))
    names = [name, "picture:1:nonsense", "picture:1:short"]
    taking = Taking(broker, Opener([Fernet.generate_key().decode()]), names[:2])

    assert [taking(one) for one in names[:2]] == [None, None]
    assert Taking(broker, OPENER, names[2:])(names[2]) is None


def test_a_picture_cannot_be_put_in_anothers_place(broker: redis.Redis) -> None:
    mine, other = put(broker, (b"mine", None), (b"other", None))
    broker.rename(mine, other)

    assert Taking(broker, OPENER, [other])(other) is None


def test_a_collector_can_name_no_other_key_of_the_broker(broker: redis.Redis) -> None:
    broker.set("session:1", Sealer(KEYS)(b"\0\0\0\1x", "session:1"))
    broker.lpush("record", "a task")
    taking = Taking(broker, OPENER, ["session:1", "record"])

    assert [taking("session:1"), taking("record")] == [None, None]
    assert broker.exists("session:1", "record") == 2
