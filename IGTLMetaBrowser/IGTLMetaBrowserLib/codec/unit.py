"""The 64-bit UNIT field of SENSOR (OpenIGTLink ``unit.md``; ``igtl_unit.h``).

From the highest bit:

=======  ===========  =========================================================================
bits     field        meaning
=======  ===========  =========================================================================
4        prefix       see ``SIPrefix``
6        unit         see ``SIUnit``; unit and exponent six times, 0 and 0 if nothing follows
4        exponent     two's complement, -7 to 7
=======  ===========  =========================================================================

The document does not say whether the prefix of mm² is squared too: it belongs to the first unit
here, as it is written (SI Brochure, 3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from .errors import EncodeError
from .wire import whole_number

_LARGEST_COUNT = 6
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class SIPrefix(IntEnum):
    """Prefixes of ``unit.md``: number, ``symbol`` and ``power`` of ten; 8 is not used."""

    NONE = 0x0, "", 0
    DEKA = 0x1, "da", 1
    HECTO = 0x2, "h", 2
    KILO = 0x3, "k", 3
    MEGA = 0x4, "M", 6
    GIGA = 0x5, "G", 9
    TERA = 0x6, "T", 12
    PETA = 0x7, "P", 15
    DECI = 0x9, "d", -1
    CENTI = 0xA, "c", -2
    MILLI = 0xB, "m", -3
    MICRO = 0xC, "µ", -6
    NANO = 0xD, "n", -9
    PICO = 0xE, "p", -12
    FEMTO = 0xF, "f", -15

    symbol: str
    power: int

    def __new__(cls, number: int, symbol: str, power: int) -> SIPrefix:
        member = int.__new__(cls, number)
        member._value_, member.symbol, member.power = number, symbol, power
        return member


class SIUnit(IntEnum):
    """Base units and, from the radian on, derived units of ``unit.md``: number and ``symbol``.

    Note the gram, where SI has the kilogram.
    """

    NONE = 0x00, ""
    METER = 0x01, "m"
    GRAM = 0x02, "g"
    SECOND = 0x03, "s"
    AMPERE = 0x04, "A"
    KELVIN = 0x05, "K"
    MOLE = 0x06, "mol"
    CANDELA = 0x07, "cd"
    RADIAN = 0x08, "rad"
    STERADIAN = 0x09, "sr"
    HERTZ = 0x0A, "Hz"
    NEWTON = 0x0B, "N"
    PASCAL = 0x0C, "Pa"
    JOULE = 0x0D, "J"
    WATT = 0x0E, "W"
    COULOMB = 0x0F, "C"
    VOLT = 0x10, "V"
    FARAD = 0x11, "F"
    OHM = 0x12, "Ω"
    SIEMENS = 0x13, "S"
    WEBER = 0x14, "Wb"
    TESLA = 0x15, "T"
    HENRY = 0x16, "H"
    LUMEN = 0x17, "lm"
    LUX = 0x18, "lx"
    BECQUEREL = 0x19, "Bq"
    GRAY = 0x1A, "Gy"
    SIEVERT = 0x1B, "Sv"

    symbol: str

    def __new__(cls, number: int, symbol: str) -> SIUnit:
        member = int.__new__(cls, number)
        member._value_, member.symbol = number, symbol
        return member


@dataclass(frozen=True)
class Unit:
    """A unit: a prefix, and up to six SI units with exponents from -8 to 7, multiplied.

    ``Unit(SIPrefix.MILLI, ((SIUnit.METER, 1), (SIUnit.SECOND, -2)))`` is mm/s². Numbers that
    OpenIGTLink does not define stay plain numbers: prefix 0 to 15, units 0 to 63. (An exponent of
    -8 can be sent, but the library packs it as no unit.)
    """

    prefix: SIPrefix | int = SIPrefix.NONE
    factors: tuple[tuple[SIUnit | int, int], ...] = ()

    @classmethod
    def unpack(cls, number: int) -> Unit:
        """Return the unit for the 64-bit field; without pairs of 0 and 0 at its end."""
        factors = []
        for shift in range(50, -1, -10):
            pair = number >> shift & 0x3FF
            exponent = pair & 0xF
            factors.append((_UNITS.get(pair >> 4, pair >> 4), exponent - 16 * (exponent >> 3)))
        while factors and factors[-1] == (0, 0):
            factors.pop()
        prefix = number >> 60
        return cls(_PREFIXES.get(prefix, prefix), tuple(factors))

    def pack(self) -> int:
        """Return the 64-bit field. Raises ``EncodeError`` for what does not fit."""
        try:
            factors = [(unit, exponent) for unit, exponent in self.factors]
        except (TypeError, ValueError):
            raise EncodeError(
                f"factors of a unit are pairs of unit and exponent, not {self.factors!r}"
            ) from None
        if len(factors) > _LARGEST_COUNT:
            raise EncodeError(f"a unit has {_LARGEST_COUNT} factors at most, not {len(factors)}")
        number = whole_number(self.prefix, 0, 15, "the prefix of a unit")
        for unit, exponent in factors + [(0, 0)] * (_LARGEST_COUNT - len(factors)):
            number = number << 6 | whole_number(unit, 0, 63, "the unit")
            number = number << 4 | whole_number(exponent, -8, 7, "the exponent of a unit") & 0xF
        return number

    def __str__(self) -> str:
        """Return the unit in symbols: ``mm/s²``, ``kg·m²/(s²·A)``, ``1/s``; ``1`` if none is.

        The exponent 0 is read as 1, as in the document's example of the newton meter.
        """
        above: list[str] = []
        below: list[str] = []
        for symbol, exponent in self._symbols():
            power = _superscript(abs(exponent)) if abs(exponent) > 1 else ""
            (below if exponent < 0 else above).append(symbol + power)
        text = "·".join(above) or "1"
        if not below:
            return text
        return f"{text}/{below[0]}" if len(below) == 1 else f"{text}/({'·'.join(below)})"

    def _symbols(self) -> Iterator[tuple[str, int]]:
        factors = [(unit, exponent) for unit, exponent in self.factors if unit != SIUnit.NONE]
        prefix = _PREFIXES.get(self.prefix)
        if not factors and prefix:
            yield "10" + _superscript(prefix.power), 1
        before = f"[prefix {self.prefix}]" if prefix is None else prefix.symbol
        for number, exponent in factors:
            unit = _UNITS.get(number)
            yield before + (f"[unit {number}]" if unit is None else unit.symbol), exponent
            before = ""


def _superscript(number: int) -> str:
    return str(number).translate(_SUPERSCRIPTS)


_PREFIXES = {int(member): member for member in SIPrefix}
_UNITS = {int(member): member for member in SIUnit}
