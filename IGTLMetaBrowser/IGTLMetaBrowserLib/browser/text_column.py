"""A column of texts of a list that may have a million rows, without a Python object for each.

The bytes stay where the message has them; numpy compares, finds and sorts them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from ..codec import readable
from .natural_order import fold_for_search, ranks, ranks_of_ascii

_SAMPLE = 1000
_UNDECODABLE = re.compile("[\udc80-\udcff]")
# From SplitMix64. They are odd, so that multiplying loses nothing (modulo 2⁶⁴).
_MULTIPLIERS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))


class TextColumn:
    """Texts of a fixed size in bytes; an array of shape (rows,) and dtype ``S``.

    A text ends at its first NUL. It is UTF-8; other bytes are kept as lone surrogates.
    """

    def __init__(self, texts: np.ndarray) -> None:
        self.encoded = _without_remains(_without_empty_end(np.ascontiguousarray(texts)))

    def __len__(self) -> int:
        return len(self.encoded)

    def text(self, row: int) -> str:
        """Return the text of a row."""
        return bytes(self.encoded[row]).decode("utf-8", "surrogateescape")

    @cached_property
    def texts(self) -> list[str]:
        """All texts."""
        return _decoded(self.encoded)

    def texts_of(self, rows: np.ndarray) -> list[str]:
        """Return the texts of many rows."""
        return _decoded(self.encoded[rows])

    @cached_property
    def hashes(self) -> np.ndarray:
        """A number of 64 bits for each text: those of equal texts of one column are equal."""
        return _hashes(self.encoded)

    @cached_property
    def codes(self) -> tuple[list[str], np.ndarray]:
        """The distinct texts, in the order of their first rows, and the number of each row's."""
        if not len(self):
            return [], np.empty(0, np.intp)
        # What np.unique does, but several times as fast: the order of equal numbers is any.
        order = np.argsort(self.hashes)
        in_order = self.hashes[order]
        starts = np.flatnonzero(np.concatenate(([True], in_order[1:] != in_order[:-1])))
        first = np.minimum.reduceat(order, starts)
        by_first = np.argsort(first)
        numbers = np.empty_like(by_first)
        numbers[by_first] = np.arange(len(by_first))
        codes = np.empty(len(self), np.intp)
        codes[order] = np.repeat(numbers, np.diff(starts, append=len(self)))
        return [self.text(row) for row in first[by_first].tolist()], codes

    def row(self, text: str) -> int | None:
        """Return the first row with a text, or None."""
        row = int(self.rows([text])[0]) if len(self) else -1
        return None if row < 0 else row

    def rows(self, texts: Sequence[str]) -> np.ndarray:
        """Return the first row with each text, -1 for those that no row has."""
        found = np.full(len(texts), -1, np.intp)
        if not len(self) or not len(texts):
            return found
        sought, is_possible = _encode(texts, self.encoded.dtype)
        hashes = _hashes(sought)
        # Sorted numbers are found much faster: each next one is near in memory.
        order = np.argsort(hashes)
        places = np.searchsorted(self._sorted_hashes, hashes[order])
        rows = self._order[np.minimum(places, len(self) - 1)]
        is_same = self.encoded[rows] == sought[order]
        found[order[is_same]] = rows[is_same]
        found[~is_possible] = -1
        return found

    def all_rows(self, text: str) -> list[int]:
        """Return all rows with a text, in their order."""
        first = self.row(text)
        if first is None:
            return []
        sorted_hashes, number = self._sorted_hashes, self.hashes[first]
        begin, end = (
            int(np.searchsorted(sorted_hashes, number, side)) for side in ("left", "right")
        )
        rows = self._order[begin:end]
        return rows[self.encoded[rows] == self.encoded[first]].tolist()

    def texts_missing_in(self, other: TextColumn) -> list[str]:
        """Return the texts that another column has in no row; its texts may have another size."""
        if np.array_equal(self.encoded, other.encoded):
            return []
        own, others = self.hashes_beside(other), np.sort(other.hashes_beside(self))
        if not len(others):
            return self.texts
        order = np.argsort(own)
        places = np.searchsorted(others, own[order])
        are_missing = others[np.minimum(places, len(others) - 1)] != own[order]
        return self.texts_of(order[are_missing])

    def hashes_beside(self, other: TextColumn) -> np.ndarray:
        """Return ``hashes`` as in a column with the larger size of both: these can be compared."""
        dtypes = self.encoded.dtype, other.encoded.dtype
        larger = max(dtypes, key=lambda dtype: dtype.itemsize)
        return self.hashes if larger == dtypes[0] else _hashes(self.encoded.astype(larger))

    @cached_property
    def is_first(self) -> np.ndarray:
        """Whether no row above has the same text."""
        is_first = np.ones(len(self), bool)
        is_first[self._order[1:][self._sorted_hashes[1:] == self._sorted_hashes[:-1]]] = False
        return is_first

    @cached_property
    def _order(self) -> np.ndarray:
        # Fast, but the order of equal numbers is any; only if there are some it has to be redone.
        order = np.argsort(self.hashes)
        in_order = self.hashes[order]
        if (in_order[1:] == in_order[:-1]).any():
            order = np.argsort(self.hashes, kind="stable")
        return order

    @cached_property
    def _sorted_hashes(self) -> np.ndarray:
        return self.hashes[self._order]

    # Search and order

    def contain(self, word: str) -> np.ndarray:
        """Return which rows contain a word that is folded (``natural_order.fold_for_search``)."""
        if self._is_repetitive:
            are_found = np.array([word in text for text in self._folded_distinct], bool)
            return are_found[self.codes[1]]
        found = np.zeros(len(self), bool)
        sought = word.encode("utf-8", "surrogateescape")
        content, starts = self._folded
        if len(content) >= len(sought):
            found[np.searchsorted(starts, _places(content, sought), side="right") - 1] = True
        return found

    @cached_property
    def _folded_distinct(self) -> list[str]:
        return [fold_for_search(readable(text)) for text in self.codes[0]]

    @cached_property
    def _folded(self) -> tuple[np.ndarray, np.ndarray]:
        """All folded texts with a NUL between them, as bytes, and where each begins."""
        content = _joined(self.encoded)
        if content.isascii():
            content = content.lower()
        else:
            text = content.decode("utf-8", "surrogateescape")
            if _UNDECODABLE.search(text):
                # Each text on its own: some are UTF-8, others of the code page of Windows.
                text = "\0".join(map(readable, text.split("\0")))
            content = fold_for_search(text).encode("utf-8", "surrogateescape")
        as_bytes = np.frombuffer(content, np.uint8)
        return as_bytes, np.concatenate(([0], np.flatnonzero(as_bytes == 0) + 1))

    @cached_property
    def ranks(self) -> np.ndarray:
        """The place of each text among all, as people sort, see ``natural_order``."""
        if not self._is_repetitive:
            places = ranks_of_ascii(self.encoded)
            if places is not None:
                return places
        distinct, codes = self.codes
        return ranks(distinct)[codes] if distinct else np.empty(0, np.intp)

    @cached_property
    def _is_repetitive(self) -> bool:
        """Whether many rows have the same text, so that it pays to look at each text once."""
        sample = self.encoded[:: max(1, len(self) // _SAMPLE)]
        # Of 15,000 different texts, a sample of 1,000 has 3 % twice.
        return len(set(sample.tolist())) <= 0.97 * len(sample)


def _decoded(texts: np.ndarray) -> list[str]:
    """Return texts as Python has them. To decode them all at once is faster than one by one."""
    return _joined(texts).decode("utf-8", "surrogateescape").split("\0") if len(texts) else []


def _joined(texts: np.ndarray) -> bytes:
    """Return ``b"\\0".join(texts)``, without an object for each."""
    size = texts.dtype.itemsize
    characters = np.zeros((len(texts), size + 1), np.uint8)
    characters[:, :size] = texts.view(np.uint8).reshape(len(texts), size)
    are_kept = characters != 0
    are_kept[:-1, size] = True  # one NUL behind each text but the last
    return characters[are_kept].tobytes()


def _places(content: np.ndarray, sought: bytes) -> np.ndarray:
    """Return where ``sought`` begins in ``content``."""
    places = np.flatnonzero(content[: len(content) - len(sought) + 1] == sought[0])
    for index in range(1, len(sought)):
        places = places[content[places + index] == sought[index]]
    return places


def _without_empty_end(texts: np.ndarray) -> np.ndarray:
    """Return texts with a smaller size, if all are shorter than theirs."""
    characters = texts.view(np.uint8).reshape(len(texts), texts.dtype.itemsize)
    used = np.flatnonzero(characters.any(axis=0)).max(initial=0) + 1
    return texts.astype(f"S{used}")


def _without_remains(texts: np.ndarray) -> np.ndarray:
    """Return texts without what a sender has left behind the NUL that ends them."""
    characters = texts.view(np.uint8).reshape(len(texts), texts.dtype.itemsize)
    if not ((characters[:, :-1] == 0) & (characters[:, 1:] != 0)).any():
        return texts
    is_text = np.logical_and.accumulate(characters != 0, axis=1)
    return np.where(is_text, characters, 0).astype(np.uint8).view(texts.dtype).reshape(-1)


def _hashes(texts: np.ndarray) -> np.ndarray:
    """Return 64 bits for each text, mixed as in splitmix64: equal ones by chance are improbable.

    Of 1,000,000 texts, one in 40 million lists has a pair.
    """
    words = -(-texts.dtype.itemsize // 8)
    padded = np.ascontiguousarray(texts.astype(f"S{8 * words}"))
    numbers = padded.view("<u8").reshape(len(texts), words)
    mixed = numbers[:, 0] * _MULTIPLIERS[0]
    for word in range(1, words):
        mixed ^= mixed >> np.uint64(29)
        mixed += numbers[:, word]
        mixed *= _MULTIPLIERS[1]
    return mixed ^ (mixed >> np.uint64(32))


def _encode(texts: Sequence[str], dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return texts as bytes of that dtype, and which of them it can hold."""
    try:
        encoded = np.array(texts, "S")  # only ASCII, and fast
    except UnicodeEncodeError:
        encoded = np.array([_encode_one(text) for text in texts], "S")
    cut = encoded.astype(dtype)
    are_whole = cut == encoded
    if "\0" in "".join(texts):  # numpy has left it out at the end
        are_whole &= np.array(["\0" not in text for text in texts])
    return cut, are_whole


def _encode_one(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b"\xff" * 65  # a surrogate that stands for no byte: longer than any text here
