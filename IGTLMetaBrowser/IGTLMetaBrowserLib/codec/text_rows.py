"""In which rows of a column of texts a text stands; the column may have a million rows.

The bytes stay bytes: numpy compares and sorts them, and nothing is made of a row before somebody
looks at it. What is looked up is found by numbers that are made of the texts, and sorted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

# Rows of which the numbers are made in one turn, or sorted: 2 to 5 ms.
_ROWS_A_TURN = 1 << 15
# The rows of a longer column are sorted in parts, by so many bits of their numbers at a time.
_BITS = 8
# Of which it is found in 0.1 ms whether another column has them.
_TEXTS_AT_ONCE = 1000
# From SplitMix64. They are odd, so that multiplying loses nothing (modulo 2⁶⁴).
_MULTIPLIERS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))


class TextRows:
    """Texts of a fixed size in bytes; ``texts`` is an array of shape (rows,) and dtype ``S``.

    A text ends at its first NUL. It is UTF-8; other bytes are kept as lone surrogates.
    """

    def __init__(self, texts: np.ndarray) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def prepare(self) -> Iterator[None]:
        """Make all that looking up needs, with pauses: at once, a million rows take 0.2 s.

        Without this it is made when it is first needed.
        """
        if "_order" in vars(self):
            return
        yield from self.read()
        yield from self.hash()
        count, hashes = len(self), self.hashes
        order, sorted_hashes = np.arange(count, dtype=np.int32), np.empty(count, np.uint64)
        yield from _sort(order, hashes)
        for piece in pieces(count):
            sorted_hashes[piece] = hashes[order[piece]]
            yield
        self._order, self._sorted_hashes = order, sorted_hashes

    def with_more(self, more: TextRows) -> TextRows:
        """Return these texts, and below them those of another column, which has the same size.

        What is known of these is taken over: nothing of their rows is made again.
        """
        encoded = np.concatenate((self.encoded, more.encoded))
        whole, count = TextRows(encoded), len(self)
        whole.encoded, whole.hashes = encoded, np.concatenate((self.hashes, more.hashes))
        # Behind those of the same number, as their rows are.
        places = np.searchsorted(self._sorted_hashes, more._sorted_hashes, side="right")
        whole._order = np.insert(self._order, places, more._order + count)
        whole._sorted_hashes = np.insert(self._sorted_hashes, places, more._sorted_hashes)
        return whole

    def read(self) -> Iterator[None]:
        """Make ``encoded`` with pauses."""
        encoded = np.empty(len(self), self._texts.dtype)
        for piece in pieces(len(self)):
            encoded[piece] = without_remains(np.ascontiguousarray(self._texts[piece]))
            yield
        self.encoded = encoded

    def hash(self) -> Iterator[None]:
        """Make ``hashes`` with pauses."""
        hashes = np.empty(len(self), np.uint64)
        for piece in pieces(len(self)):
            hashes[piece] = hashes_of(self.encoded[piece])
            yield
        self.hashes = hashes

    @cached_property
    def encoded(self) -> np.ndarray:
        """The texts as bytes, of shape (rows,), without what stands behind their ends."""
        for _ in self.read():
            pass
        return self.encoded

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
        """A number of 64 bits for each text: of one size, equal texts have equal numbers."""
        return hashes_of(self.encoded)

    def row(self, text: str) -> int | None:
        """Return the first row with a text, or None."""
        row = int(self.rows([text])[0])
        return None if row < 0 else row

    def rows(self, texts: Sequence[str]) -> np.ndarray:
        """Return the first row with each text, -1 for those that no row has."""
        found = np.full(len(texts), -1, np.intp)
        if not len(self) or not len(texts):
            return found
        sought, is_possible = _encode(texts, self.encoded.dtype)
        hashes = hashes_of(sought)
        # Sorted numbers are found much faster: each next one is near in memory.
        order = np.argsort(hashes)
        places = np.searchsorted(self._sorted_hashes, hashes[order])
        rows = self._order[np.minimum(places, len(self) - 1)]
        is_same = self.encoded[rows] == sought[order]
        found[order[is_same]] = rows[is_same]
        found[~is_possible] = -1
        return found

    def rows_of(self, other: TextRows, rows: np.ndarray) -> np.ndarray:
        """Return the same for the texts in some rows of another column, whose texts have the size.

        No text is made, and nothing sorted: a million take 40 ms.
        """
        found, are_sought = np.full(len(other), -1, np.intp), np.zeros(len(other), bool)
        are_sought[rows] = True
        if len(self):
            in_order = other._order[are_sought[other._order]]
            hashes = other.hashes[in_order]
            places = np.minimum(np.searchsorted(self._sorted_hashes, hashes), len(self) - 1)
            is_same = self._sorted_hashes[places] == hashes
            found[in_order[is_same]] = self._order[places[is_same]]
        return found[rows]

    def all_rows(self, text: str, most: int) -> list[int]:
        """Return the rows with a text, in their order, the first ``most`` of them."""
        first = self.row(text)
        if first is None:
            return []
        sorted_hashes, number = self._sorted_hashes, self.hashes[first]
        begin, end = (
            int(np.searchsorted(sorted_hashes, number, side)) for side in ("left", "right")
        )
        rows = self._order[begin : min(end, begin + most)]
        return rows[self.encoded[rows] == self.encoded[first]].tolist()

    def texts_missing_in(self, other: TextRows) -> Iterator[list[str]]:
        """Yield the texts that another column, whose texts have the same size, has in no row.

        Some at a time, and an empty list where none are missing.
        """
        if self.has_texts_of(other):
            return
        others, last = other._sorted_hashes, len(other) - 1
        for begin in range(0, len(self), _TEXTS_AT_ONCE):
            numbers = self._sorted_hashes[begin : begin + _TEXTS_AT_ONCE]
            are_missing = np.ones(len(numbers), bool)
            if len(others):
                places = np.searchsorted(others, numbers)
                are_missing = others[np.minimum(places, last)] != numbers
            rows = self._order[begin : begin + _TEXTS_AT_ONCE][are_missing]
            yield self.texts_of(np.sort(rows))

    def has_texts_of(self, other: TextRows) -> bool:
        """Whether two columns, whose texts have the same size, have the same texts in all rows."""
        return np.array_equal(self.hashes, other.hashes)

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


def pieces(count: int) -> Iterator[slice]:
    """Yield which rows of so many are for one turn."""
    return (slice(begin, begin + _ROWS_A_TURN) for begin in range(0, count, _ROWS_A_TURN))


def _sort(rows: np.ndarray, hashes: np.ndarray, bits_left: int = 64) -> Iterator[None]:
    """Sort rows in place by the last bits of their numbers, with pauses; equal ones stay."""
    if len(rows) <= _ROWS_A_TURN:
        rows[:] = rows[np.argsort(hashes[rows], kind="stable")]
        yield
    elif bits_left:  # otherwise all of them have the same text
        first_bits = np.empty(len(rows), np.uint8)
        for piece in pieces(len(rows)):
            first_bits[piece] = hashes[rows[piece]] >> np.uint64(bits_left - _BITS)
            yield
        yield from _sort_parts(rows, hashes, first_bits, bits_left - _BITS)


def _sort_parts(
    rows: np.ndarray, hashes: np.ndarray, first_bits: np.ndarray, bits_left: int
) -> Iterator[None]:
    if (first_bits == first_bits[0]).all():
        yield from _sort(rows, hashes, bits_left)
        return
    unsorted, begin = rows.copy(), 0
    for bits in range(1 << _BITS):
        of_part = np.flatnonzero(first_bits == bits)
        part = rows[begin : begin + len(of_part)]
        part[:] = unsorted[of_part]
        begin += len(part)
        yield from _sort(part, hashes, bits_left)


def _decoded(texts: np.ndarray) -> list[str]:
    """Return texts as Python has them. To decode them all at once is faster than one by one."""
    return joined(texts).decode("utf-8", "surrogateescape").split("\0") if len(texts) else []


def joined(texts: np.ndarray) -> bytes:
    """Return ``b"\\0".join(texts)``, without an object for each."""
    size = texts.dtype.itemsize
    characters = np.zeros((len(texts), size + 1), np.uint8)
    characters[:, :size] = texts.view(np.uint8).reshape(len(texts), size)
    are_kept = characters != 0
    are_kept[:-1, size] = True  # one NUL behind each text but the last
    return characters[are_kept].tobytes()


def without_remains(texts: np.ndarray) -> np.ndarray:
    """Return texts without what a sender has left behind the NUL that ends them."""
    characters = texts.view(np.uint8).reshape(len(texts), texts.dtype.itemsize)
    if not ((characters[:, :-1] == 0) & (characters[:, 1:] != 0)).any():
        return texts
    is_text = np.logical_and.accumulate(characters != 0, axis=1)
    return np.where(is_text, characters, 0).astype(np.uint8).view(texts.dtype).reshape(-1)


def hashes_of(texts: np.ndarray) -> np.ndarray:
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
