"""Spoils recorded replies as devices, cables and firmware do: seeded, so that a failure can be met again."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

_TAG = re.compile(rb"<(/?)([A-Za-z][\w.:-]*)")
_NUMBER = re.compile(rb"(?<=>)\d{1,5}(?=<)")
_NUMBERS = (b"0", b"-1", b"13", b"61", b"99999", b"4294967296", b"", b"NaN", b" 7 ", b"0x10", b"1e9", "²".encode())
_DECLARED = (
    b'<?xml version="1.0" encoding="%s"?>',
    (b"UTF-8", b"GB2312", b"UTF-16", b"UTF-7", b"ISO-8859-1", b"x-none"),
)
_CODECS = ("utf-16", "utf-16-le", "utf-8-sig", "gb18030", "cp1252")


class Mutator:
    """Draws mutants of a set of replies."""

    def __init__(self, replies: Sequence[bytes], seed: int) -> None:
        self._replies = replies
        self._chance = random.Random(seed)
        self._ways: Sequence[Callable[[bytearray], bytearray]] = (
            self._flip,
            self._cut,
            self._truncate,
            self._double,
            self._noise,
            self._swap_tags,
            self._rename_tag,
            self._change_number,
            self._splice,
            self._recode,
        )

    def one(self) -> bytes:
        """The next mutant; one in twenty is not spoiled at all."""
        chance = self._chance
        data = bytearray(chance.choice(self._replies))
        for _ in range(chance.choice((0, *range(1, 20)))):
            if data:
                data = chance.choice(self._ways)(data)
        return bytes(data)

    def _place(self, data: bytearray) -> int:
        return self._chance.randrange(len(data))

    def _flip(self, data: bytearray) -> bytearray:
        data[self._place(data)] ^= 1 << self._chance.randrange(8)
        return data

    def _cut(self, data: bytearray) -> bytearray:
        start = self._place(data)
        del data[start : start + self._chance.randint(1, 200)]
        return data

    def _truncate(self, data: bytearray) -> bytearray:
        return data[: self._place(data)] if self._chance.random() < 0.2 else data

    def _double(self, data: bytearray) -> bytearray:
        start = self._place(data)
        piece = data[start : start + self._chance.randint(1, 400)]
        place = self._place(data)
        data[place:place] = piece
        return data

    def _noise(self, data: bytearray) -> bytearray:
        place = self._place(data)
        data[place:place] = self._chance.randbytes(self._chance.randint(1, 12))
        return data

    def _swap_tags(self, data: bytearray) -> bytearray:
        tags = list(_TAG.finditer(data))
        if len(tags) > 1:
            first, second = sorted(self._chance.sample(tags, 2), key=lambda tag: tag.start())
            one, two = first[2], second[2]
            data[second.start(2) : second.end(2)] = one
            data[first.start(2) : first.end(2)] = two
        return data

    def _rename_tag(self, data: bytearray) -> bytearray:
        tags = list(_TAG.finditer(data))
        if tags:
            tag = self._chance.choice(tags)
            data[tag.start(2) : tag.end(2)] = self._chance.choice(
                (b"a", b"x:y", b"Fault", b"Body", b"UTCDateTime", b"1")
            )
        return data

    def _change_number(self, data: bytearray) -> bytearray:
        numbers = list(_NUMBER.finditer(data))
        if numbers:
            number = self._chance.choice(numbers)
            data[number.start() : number.end()] = self._chance.choice(_NUMBERS)
        return data

    def _splice(self, data: bytearray) -> bytearray:
        other = self._chance.choice(self._replies)
        return data[: self._place(data)] + other[self._chance.randrange(len(other)) :]

    def _recode(self, data: bytearray) -> bytearray:
        if self._chance.random() < 0.5:
            start, names = _DECLARED
            return bytearray(start % self._chance.choice(names)) + data
        text = data.decode("utf-8", "replace")
        return bytearray(text.encode(self._chance.choice(_CODECS), "replace"))
