"""CRC-64/ECMA-182, the checksum of every OpenIGTLink body.

Polynomial 0x42F0E1EBA9EA3693, initial value 0, not reflected, no final xor (``header.md``,
"CRC"; ``igtl_util.c``). The CRC of ``b"123456789"`` is 6c40df5f0b497347.

The checksum is the remainder of M·x⁶⁴ divided by P, where M is the message as a polynomial over
GF(2), its first bit the highest power, and P the CRC's polynomial with its x⁶⁴. Ways to it:

fastcrc
    if it is installed.
A table for each position
    for up to a KiB: one lookup a byte in plain Python, as arrays would cost more than they save.
Halving
    for more: the first half of the words is moved onto the second, each multiplied by the power
    of x that lies between them, until few words are left. Eight lookups a word, in arrays.
Rings
    for long bodies, which they make short. P is Q·R, where Q = (x+1)²·(three factors of degree
    15) divides x^(8·32767) + 1 and R, of degree 17, divides x^(8·131071) + 1. So modulo Q a
    message equals the xor of its pieces of 32767 bytes, and modulo R the xor of its pieces of
    131071 bytes: two xors a byte, which numpy does at the speed of the processor's cache. The
    Chinese remainder theorem makes the CRC of the two. (P was factored with sympy; the tests
    check the factors and their periods.)
"""

from __future__ import annotations

from functools import lru_cache, reduce
from itertools import accumulate
from operator import getitem, xor

import numpy as np

from .wire import Buffer

try:
    from fastcrc.crc64 import ecma_182

    ecma_182(memoryview(b""), 0)
except (ImportError, TypeError):  # before its version 0.4 it takes ``bytes`` alone
    _fastcrc = None
else:
    _fastcrc = ecma_182

_POLYNOMIAL = 0x42F0E1EBA9EA3693
_MASK = 0xFFFFFFFFFFFFFFFF

_SHORTEST_PERIOD_OF_Q = 32767
# Four times as long, so that each xor is long.
_PERIOD_OF_Q = 4 * _SHORTEST_PERIOD_OF_Q
_PERIOD_OF_R = 131071
# 1 modulo Q and 0 modulo R; and the other way round. They sum to 1 modulo P.
_IDEMPOTENT_OF_Q = 0xE108AFBBBF32BCE5
_IDEMPOTENT_OF_R = _IDEMPOTENT_OF_Q ^ 1

_LONGEST_FOR_POSITION_TABLES = 128
_SHORTEST_FOR_ARRAYS = 1024
_SHORTEST_FOR_RINGS = 4 * _PERIOD_OF_R


def crc64(data: Buffer, crc: int = 0) -> int:
    """Return the CRC-64 of ``data``; ``crc`` is that of the bytes before it, if there are any."""
    if _fastcrc is not None:
        return _fastcrc(data, crc)
    if len(data) < _SHORTEST_FOR_ARRAYS:
        return _crc_of_few(bytes(data), crc)
    if len(data) < _SHORTEST_FOR_RINGS:
        return _crc_by_halving(np.frombuffer(data, np.uint8), crc)
    rings = _Rings(crc)
    rings.update(np.frombuffer(data, np.uint8))
    return rings.crc()


def crc64_combine(crc: int, other_crc: int, other_size: int) -> int:
    """Return the CRC-64 of two pieces of data, one behind the other, from those of each.

    ``other_size`` is the size of the second piece in bytes. As ``crc32_combine`` of zlib.
    """
    return _multiply(crc, _power_of_x(8 * other_size)) ^ other_crc


@lru_cache(maxsize=64)
def _power_of_x(exponent: int) -> int:
    """Return that power, modulo P: a message multiplied by it has so many bits 0 behind it.

    The parts of an image have the same size, hence the cache: a power takes 0.6 ms.
    """
    power = 1
    for bit in bin(exponent)[2:]:
        power = _multiply(power, power)
        if bit == "1":
            power = _times_x(power)
    return power


class Crc64:
    """The CRC-64 of a long body, taken piece by piece as the bytes arrive."""

    def __init__(self) -> None:
        self._crc = 0
        self._rings = _Rings(0) if _fastcrc is None else None

    def update(self, data: Buffer) -> None:
        """Add the next bytes."""
        if self._rings is not None:
            self._rings.update(np.frombuffer(data, np.uint8))
        else:
            self._crc = crc64(data, self._crc)

    def crc(self) -> int:
        """Return the CRC-64 of all bytes so far."""
        return self._crc if self._rings is None else self._rings.crc()


class _Rings:
    """Two rings of bytes, onto which a message of any length is wound and xored.

    Byte n of the message meets byte n of a ring, counted round and round.
    """

    def __init__(self, crc: int) -> None:
        self._rings = [np.zeros(period, np.uint8) for period in (_PERIOD_OF_Q, _PERIOD_OF_R)]
        self._length = 0
        # What came before is a message of 8 bytes whose remainder is known: its own value.
        for ring in self._rings:
            ring[:8] = np.frombuffer(crc.to_bytes(8, "big"), np.uint8)

    def update(self, data: np.ndarray) -> None:
        """Wind on the next bytes."""
        # By turns of the ring, so that the second ring finds the bytes still in the cache.
        for start in range(0, len(data), _PERIOD_OF_Q):
            piece = data[start : start + _PERIOD_OF_Q]
            for ring in self._rings:
                _wind(ring, self._length % len(ring), piece)
            self._length += len(piece)

    def crc(self) -> int:
        """Return the CRC-64 of the bytes so far; at least 8, if a CRC was given to begin with."""
        ring_q, ring_r = (np.roll(ring, -(self._length % len(ring))) for ring in self._rings)
        ring_q = np.bitwise_xor.reduce(ring_q.reshape(-1, _SHORTEST_PERIOD_OF_Q), axis=0)
        of_q, of_r = _crc_by_halving(ring_q, 0), _crc_by_halving(ring_r, 0)
        return _multiply(of_q, _IDEMPOTENT_OF_Q) ^ _multiply(of_r, _IDEMPOTENT_OF_R)


def _wind(ring: np.ndarray, position: int, piece: np.ndarray) -> None:
    """Xor ``piece``, which is no longer than the ring, onto it from ``position`` on."""
    first = min(len(piece), len(ring) - position)
    target = ring[position : position + first]
    np.bitwise_xor(target, piece[:first], out=target)
    if first < len(piece):
        target = ring[: len(piece) - first]
        np.bitwise_xor(target, piece[first:], out=target)


def _crc_by_halving(data: np.ndarray, crc: int) -> int:
    """Return the CRC-64 of 8 bytes or more."""
    padding = -len(data) % 8
    padded = np.empty(padding + len(data), np.uint8)
    padded[:padding] = 0  # leading zeros change no remainder
    padded[padding:] = data
    before = np.frombuffer(crc.to_bytes(8, "big"), np.uint8)
    padded[padding : padding + 8] ^= before
    words: np.ndarray = padded.view(">u8").astype(np.uint64)
    while len(words) * 8 > _LONGEST_FOR_POSITION_TABLES:
        # Move the words at the front by the largest power of two that leaves the others in place.
        distance = 1 << ((len(words) - 1).bit_length() - 1)
        moved = len(words) - distance
        words[distance:] ^= _multiply_words(words[:moved], _tables_for_distance(distance))
        words = words[moved:]
    return _crc_of_few(words.astype(">u8").tobytes(), 0)


def _multiply_words(words: np.ndarray, tables: np.ndarray) -> np.ndarray:
    # To look bytes up is twice as fast as to shift and mask words, and to look these up.
    bytes_ = words.astype("<u8", copy=False).view(np.uint8).reshape(-1, 8)
    products = tables[0].take(bytes_[:, 0])
    for byte in range(1, 8):
        products ^= tables[byte].take(bytes_[:, byte])
    return products


@lru_cache(maxsize=32)
def _tables_for_distance(distance: int) -> np.ndarray:
    """Return the products of a byte and x^(64·distance), uint64 of shape (8, 256).

    The first index is the byte's place in its word, counted from the lowest.
    """
    factor = 2  # x
    for _ in range((64 * distance).bit_length() - 1):
        factor = _multiply(factor, factor)
    powers = list(accumulate(range(63), lambda power, _: _times_x(power), initial=factor))
    tables = np.zeros((8, 256), np.uint64)
    for bit, power in enumerate(powers):
        byte, place = divmod(bit, 8)
        half = 1 << place
        tables[byte, half : 2 * half] = tables[byte, :half] ^ np.uint64(power)
    return tables


def _crc_of_few(data: bytes, crc: int) -> int:
    for start in range(0, len(data), _LONGEST_FOR_POSITION_TABLES):
        piece = data[start : start + _LONGEST_FOR_POSITION_TABLES]
        if crc:
            if len(piece) < 8:
                return _crc_byte_by_byte(piece, crc)
            before = int.from_bytes(piece[:8], "big") ^ crc
            piece = before.to_bytes(8, "big") + piece[8:]
        crc = reduce(xor, map(getitem, _position_tables(len(piece)), piece), 0)
    return crc


def _crc_byte_by_byte(data: bytes, crc: int) -> int:
    (table,) = _position_tables(1)
    for byte in data:
        crc = table[crc >> 56 ^ byte] ^ crc << 8 & _MASK
    return crc


@lru_cache(maxsize=_LONGEST_FOR_POSITION_TABLES + 1)
def _position_tables(count: int) -> tuple[tuple[int, ...], ...]:
    """Return for each of ``count`` bytes, the first one first, the CRCs of its 256 values."""
    if count == 0:
        return ()
    if count == 1:
        return (
            tuple(
                reduce(lambda crc, _: _times_x(crc), range(8), byte << 56) for byte in range(256)
            ),
        )
    later = _position_tables(count - 1)
    last = later[-1]
    return (tuple(last[crc >> 56] ^ crc << 8 & _MASK for crc in later[0]), *later)


def _times_x(value: int) -> int:
    return value << 1 & _MASK ^ (_POLYNOMIAL if value >> 63 else 0)


def _multiply(left: int, right: int) -> int:
    """Return the product of two polynomials modulo P."""
    product = 0
    while right:
        if right & 1:
            product ^= left
        left = _times_x(left)
        right >>= 1
    return product
