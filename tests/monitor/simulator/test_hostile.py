"""The corpus by hand: what it offers, and what it says of a wrong name."""

from __future__ import annotations

import pytest

from monitor.simulator.faults import FAULTS, FaultValue
from monitor.simulator.hostile.__main__ import main
from monitor.simulator.hostile.corpus import CORPUS
from monitor.simulator.oddities import SPOILERS, spoil

REPLY = (
    b'<?xml version="1.0" encoding="UTF-8"?><a xmlns:tt="http://www.onvif.org/ver10/schema"><tt:UTCDateTime>1'
    b"</tt:UTCDateTime><tt:TZ>CST-8</tt:TZ><tds:XAddr>http://h/p</tds:XAddr><trt:MediaUri><tt:Uri>http://h/s</tt:Uri>"
    b"</trt:MediaUri><tds:Manufacturer>M</tds:Manufacturer></a>"
)


def test_every_misbehaviour_is_listed_with_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert [line.split()[0] for line in lines] == list(CORPUS)
    assert all(one.doc.endswith(".") for one in CORPUS.values())


def test_an_unknown_name_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["silence", "sillyness"])

    assert "unknown misbehaviour: sillyness" in capsys.readouterr().err


@pytest.mark.parametrize("name", SPOILERS)
def test_an_oddity_is_a_fault_of_the_vocabulary_and_changes_the_reply(name: str) -> None:
    value: FaultValue = FAULTS[name].default

    assert spoil(REPLY, {name: value}) != REPLY


def test_without_an_oddity_a_reply_stays_as_it_is() -> None:
    assert spoil(REPLY, {"covered": 0.5}) == REPLY
