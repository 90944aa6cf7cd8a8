"""The checksum, by both ways that the codec has: numpy alone, and fastcrc."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from functools import reduce
from operator import xor
from pathlib import Path

import numpy as np
import pytest

from IGTLMetaBrowserLib import codec

# The module, whose name in the package is hidden by the function.
crc64_module = sys.modules[codec.Crc64.__module__]

# P of degree 64, and its factors, as polynomials over GF(2): bit n is the coefficient of x^n.
P = 0x142F0E1EBA9EA3693
Q = 0xB1849156399B
R = 0x25F39
FACTORS_OF_Q = (0b11, 0b11, 0x8003, 0x8423, 0x900B)

# Around each length at which the codec changes its way, one byte and one word to each side.
THRESHOLDS = (0, 8, 64, 128, 256, 1024, 2048, 4096, 131071, 131068, 262142, 4 * 131071, 5 * 131068)
LENGTHS = sorted({max(0, limit + step) for limit in THRESHOLDS for step in range(-9, 10)})
DATA = random.Random(2).randbytes(LENGTHS[-1])


def crc_by_definition(data: bytes, crc: int = 0) -> int:
    """Divide the message by P, bit by bit."""
    for byte in data:
        crc ^= byte << 56
        for _ in range(8):
            crc = crc << 1 ^ (P if crc >> 63 else 0)
    return crc


@pytest.fixture(scope="module")
def expected() -> dict[int, int]:
    """The CRC of the first n bytes of DATA, by n."""
    crcs, crc, done = {}, 0, 0
    for length in LENGTHS:
        crc = crc_by_definition(DATA[done:length], crc)
        crcs[length] = crc
        done = length
    return crcs


@pytest.mark.usefixtures("each_crc_path")
class TestCrc64:
    def test_the_check_value(self):
        assert codec.crc64(b"123456789") == 0x6C40DF5F0B497347

    def test_of_nothing_is_0(self):
        assert codec.crc64(b"") == 0

    def test_it_is_not_the_crc_of_xz(self):
        assert codec.crc64(b"123456789") != 0x995DC9BBDF1939FA

    def test_of_every_length_around_every_threshold(self, expected: dict[int, int]):
        found = {length: codec.crc64(DATA[:length]) for length in LENGTHS}
        assert found == expected

    def test_of_every_short_length(self):
        for length in range(300):
            assert codec.crc64(DATA[:length]) == crc_by_definition(DATA[:length])

    @pytest.mark.parametrize("first", [1, 7, 8, 9, 130, 1030, 131071, 524_290])
    def test_goes_on_from_the_crc_of_what_came_before(self, first: int, expected: dict[int, int]):
        for length in (first + 1, first + 7, first + 8, first + 2000, LENGTHS[-1]):
            whole = codec.crc64(DATA[:length])
            assert codec.crc64(DATA[first:length], codec.crc64(DATA[:first])) == whole
        assert whole == expected[LENGTHS[-1]]

    @pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 127, 129, 1023, 1025, 5000, 524_300])
    @pytest.mark.parametrize("initial", [1, 1 << 63, 0xFFFFFFFFFFFFFFFF])
    def test_with_any_initial_value(self, length: int, initial: int):
        # The CRC is linear: an initial value adds what it would give before as many zeros.
        zeros = codec.crc64(bytes(length), initial)
        assert codec.crc64(DATA[:length], initial) == codec.crc64(DATA[:length]) ^ zeros
        if length <= 5000:
            assert zeros == crc_by_definition(bytes(length), initial)

    @pytest.mark.parametrize("length", [0, 9, 100, 2000, 600_000])
    def test_of_any_buffer_without_changing_it(self, length: int):
        data = DATA[:length]
        crc = codec.crc64(data)
        changeable = bytearray(data)
        assert codec.crc64(changeable) == codec.crc64(memoryview(data)) == crc
        assert codec.crc64(memoryview(b"\0" + data)[1:]) == crc  # not aligned
        assert changeable == data

    def test_of_many_turns_of_both_rings(self):
        data = np.random.default_rng(3).bytes(3_000_001)
        pieces = (data[start : start + 100_000] for start in range(0, len(data), 100_000))
        assert codec.crc64(data) == reduce(lambda crc, piece: codec.crc64(piece, crc), pieces, 0)


@pytest.mark.usefixtures("each_crc_path")
class TestCrc64PieceByPiece:
    @pytest.mark.parametrize("size", [1, 7, 4096, 131_068, 131_071, 262_144])
    def test_pieces_of_one_size(self, size: int, expected: dict[int, int]):
        length = 2057 if size < 10 else LENGTHS[-1]
        checksum = codec.Crc64()
        for start in range(0, length, size):
            checksum.update(DATA[start : min(start + size, length)])
        assert checksum.crc() == expected[length]

    def test_pieces_of_all_sizes(self):
        chance = random.Random(4)
        checksum, done = codec.Crc64(), 0
        while done < len(DATA):
            size = chance.choice((0, 1, 8, 1000, 70_000, 140_000))
            checksum.update(DATA[done : done + size])
            done += size
        assert checksum.crc() == codec.crc64(DATA)

    def test_can_be_asked_for_on_the_way(self):
        checksum = codec.Crc64()
        assert checksum.crc() == 0
        for start in range(0, 50, 10):
            checksum.update(DATA[start : start + 10])
            assert checksum.crc() == crc_by_definition(DATA[: start + 10])


class TestFactors:
    """The facts on which the rings rest (see the docstring of ``crc64``)."""

    def test_the_polynomial_is_q_times_r(self):
        assert multiply(Q, R) == P == (1 << 64) + crc64_module._POLYNOMIAL

    def test_q_is_the_square_of_x_plus_1_and_three_factors_of_degree_15(self):
        assert reduce(multiply, FACTORS_OF_Q) == Q
        assert [degree(factor) for factor in FACTORS_OF_Q] == [1, 1, 15, 15, 15]

    def test_r_has_the_degree_17(self):
        assert degree(R) == 17

    def test_modulo_q_bytes_repeat_after_32767(self):
        assert power_of_x(8 * 32767, Q) == 1
        assert crc64_module._PERIOD_OF_Q % 32767 == 0

    def test_modulo_r_bytes_repeat_after_131071(self):
        assert power_of_x(8 * 131071, R) == 1
        assert crc64_module._PERIOD_OF_R == 131071

    def test_the_periods_are_no_shorter(self):
        # 131071 is prime; the prime factors of 32767 are 7, 31 and 151.
        assert power_of_x(8, R) != 1
        assert all(power_of_x(8 * 32767 // prime, Q) != 1 for prime in (7, 31, 151))

    def test_the_idempotents(self):
        of_q, of_r = crc64_module._IDEMPOTENT_OF_Q, crc64_module._IDEMPOTENT_OF_R
        assert (remainder(of_q, Q), remainder(of_q, R)) == (1, 0)
        assert (remainder(of_r, Q), remainder(of_r, R)) == (0, 1)
        assert of_q ^ of_r == 1


def degree(polynomial: int) -> int:
    return polynomial.bit_length() - 1


def multiply(left: int, right: int) -> int:
    return reduce(xor, (left << bit for bit in range(right.bit_length()) if right >> bit & 1), 0)


def remainder(dividend: int, divisor: int) -> int:
    while degree(dividend) >= degree(divisor):
        dividend ^= divisor << (degree(dividend) - degree(divisor))
    return dividend


def power_of_x(exponent: int, modulus: int) -> int:
    result, square = 1, 0b10
    while exponent:
        if exponent & 1:
            result = remainder(multiply(result, square), modulus)
        square = remainder(multiply(square, square), modulus)
        exponent >>= 1
    return result


def test_a_fastcrc_that_takes_bytes_alone_is_not_used(tmp_path: Path):
    """Before its version 0.4: of the first message that arrived, it raised ``TypeError``."""
    older = tmp_path / "fastcrc" / "crc64.py"
    older.parent.mkdir()
    older.write_text(
        "def ecma_182(data, initial=None):\n"
        "    if not isinstance(data, bytes): raise TypeError\n"
        "    return 0\n"
    )
    (older.parent / "__init__.py").touch()
    look = "from IGTLMetaBrowserLib import codec; print(hex(codec.crc64(memoryview(b'123456789'))))"
    path = os.pathsep.join([str(tmp_path), str(Path(codec.__file__).parents[2])])
    printed = subprocess.check_output(
        [sys.executable, "-c", look], text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert int(printed, 16) == 0x6C40DF5F0B497347
