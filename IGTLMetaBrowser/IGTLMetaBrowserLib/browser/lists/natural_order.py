"""Texts as people sort and find them: ``Image 2`` before ``Image 10``, ``Müller`` by ``muller``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from .sorting import InTurns, at_once, order_of_texts

_NUMBERS = re.compile("([0-9]+)")
_MOST_DIGITS = 64  # the longest text of an entry
# As many digits of a number as fit beside a character into 16 bits, see ``_codes``.
_MOST_DIGITS_OF_CODE = 50
_ZERO, _NINE = ord("0"), ord("9")
_TEXTS_A_TURN = 2000  # their keys are made in 3 ms
_SAMPLE = 1000
_MOST_BYTES = 24 << 20
# Longer texts, as those of a whole column, are done in numpy.
_LONG = 1000
_LEFT_OUT = 0xFFFFFFFF  # no character


def fold(text: str) -> str:
    """Return ``text`` without what makes no difference: case, and how a letter is composed."""
    return unicodedata.normalize("NFKC", text).casefold()


def fold_for_search(text: str) -> str:
    """Return the same without accents and other marks, which few type when they search.

    Each NUL stays where it is among the texts that it divides.
    """
    folded = fold(text)
    if folded.isascii():
        return folded
    return _without_marks(folded) if len(folded) > _LONG else "".join(map(_base, folded))


def search_words(text: str) -> list[str]:
    """Return the words that are looked for, as ``fold_for_search`` does.

    Without what stands around the parts of a name only where it is shown, see ``readable_name``.
    """
    return [*filter(None, (word.strip(",()") for word in fold_for_search(text).split()))]


@lru_cache(maxsize=4096)
def _base(character: str) -> str:
    """Return a character without its marks: nothing if it is one."""
    parts = unicodedata.normalize("NFKD", character)
    base = "".join(part for part in parts if not unicodedata.combining(part))
    base = unicodedata.normalize("NFC", base)
    return base if len(base) < 2 else character


def _without_marks(text: str) -> str:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    table = np.arange(int(codes.max()) + 1, dtype="<u4")
    are_there = np.zeros(len(table), bool)
    are_there[codes] = True
    for code in np.flatnonzero(are_there).tolist():
        base = _base(chr(code))
        table[code] = ord(base) if base else _LEFT_OUT
    codes = table[codes]
    return codes[codes != _LEFT_OUT].tobytes().decode("utf-32-le", "surrogatepass")


def ranks(texts: Sequence[str]) -> np.ndarray:
    """Return the place of each text among all; those that differ in case only share one."""
    if not texts:
        return np.empty(0, np.intp)
    return at_once(ranks_in_turns(texts))


def ranks_in_turns(texts: Sequence[str]) -> InTurns[np.ndarray]:
    """Return the same with pauses: a million texts that all differ take seconds."""
    keys: list[str] = []
    for begin in range(0, len(texts), _TEXTS_A_TURN):
        keys += natural_key("\0".join(texts[begin : begin + _TEXTS_A_TURN])).split("\0")
        yield
    places, rank, before = np.empty(len(keys), np.intp), -1, None
    for rows in (yield from order_of_texts(keys)):
        some = []
        for key in map(keys.__getitem__, rows):
            rank, before = rank + (key != before), key
            some.append(rank)
        places[rows] = some
        yield
    return places


def natural_key(text: str) -> str:
    """Return what texts are sorted by; what differs in case only has the same."""
    parts = _NUMBERS.split(fold(text))
    parts[1::2] = [number.zfill(_MOST_DIGITS) for number in parts[1::2]]
    return "".join(parts)


def ranks_of_ascii(encoded: np.ndarray) -> np.ndarray | None:
    """Return the same as ``ranks``, for an array of bytes of dtype ``S``, but in numpy.

    For a million texts that all differ. None for what it is not made for: characters beyond ASCII,
    and numbers that begin with zeros in texts that have their numbers in different places; and for
    more than it can do in about 0.1 s.
    """
    if encoded.nbytes > _MOST_BYTES:
        return None
    if len(encoded) > 2 * _SAMPLE:  # what it is not made for is seen in a few, too
        few = np.ascontiguousarray(encoded[:: len(encoded) // _SAMPLE])
        if ranks_of_ascii(few) is None:
            return None
    characters = encoded.view(np.uint8).reshape(len(encoded), encoded.dtype.itemsize)
    characters = characters[:, characters.any(axis=0)]
    if not characters.size or characters.max() > 0x7F:
        return None
    is_upper = (characters >= ord("A")) & (characters <= ord("Z"))
    codes = _codes(characters + (is_upper * np.uint8(0x20)))
    return None if codes is None else _ranks_of_rows(codes)


def _codes(characters: np.ndarray) -> np.ndarray | None:
    """Return a number for each character, so that rows compare as their texts do.

    Numbers compare by their count of digits, then by these: so the first digit counts for the
    whole number, and carries the count. In equal beginnings, the same place means the same digit.
    """
    is_digit = (characters >= _ZERO) & (characters <= _NINE)
    if (is_digit == is_digit[0]).all():
        return characters  # all numbers have the same size, as in ids with leading zeros
    is_first = is_digit.copy()
    is_first[:, 1:] &= ~is_digit[:, :-1]
    digits_left = np.zeros(characters.shape, np.uint8)
    for place in reversed(range(characters.shape[1])):
        after = digits_left[:, place + 1] if place + 1 < characters.shape[1] else np.uint8(0)
        digits_left[:, place] = is_digit[:, place] * (after + np.uint8(1))
    has_leading_zero = (is_first & (characters == _ZERO) & (digits_left > 1)).any()
    if has_leading_zero or digits_left.max() > _MOST_DIGITS_OF_CODE:
        return None
    digits = digits_left * is_first * np.uint16(10) + (characters - np.uint8(_ZERO))
    return np.where(is_digit, np.uint16(_ZERO << 9) + digits, characters.astype(np.uint16) << 9)


def _ranks_of_rows(codes: np.ndarray) -> np.ndarray:
    """Return the place of each row of numbers among all rows."""
    codes = codes[:, (codes != codes[0]).any(axis=0)]
    if not codes.shape[1]:
        return np.zeros(len(codes), np.intp)
    words = _words(codes)
    order = np.lexsort(words.T[::-1])
    in_order = words[order]
    is_next = (in_order[1:] != in_order[:-1]).any(axis=1)
    ranks_in_order = np.concatenate(([0], np.cumsum(is_next)))
    places = np.empty(len(codes), np.intp)
    places[order] = ranks_in_order
    return places


def _words(codes: np.ndarray) -> np.ndarray:
    """Return rows of numbers as fewer, larger ones that compare the same."""
    per_word = 8 // codes.dtype.itemsize
    width = -(-codes.shape[1] // per_word) * per_word
    padded = np.zeros((len(codes), width), codes.dtype.newbyteorder(">"))
    padded[:, : codes.shape[1]] = codes
    return padded.view(">u8").astype(np.uint64)
