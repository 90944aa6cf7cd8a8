"""The 64-bit UNIT field of SENSOR."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec import SIPrefix, SIUnit, Unit

ACCELERATION = Unit(SIPrefix.MILLI, ((SIUnit.METER, 1), (SIUnit.SECOND, -2)))
ANY_NUMBERS = st.integers(0, (1 << 64) - 1)


class TestBits:
    def test_prefix_then_unit_and_exponent_six_times(self):
        fields = "1011 000001 0001 000011 1110" + " 000000 0000" * 4
        assert f"{ACCELERATION.pack():064b}" == fields.replace(" ", "")

    def test_come_back(self):
        assert Unit.unpack(ACCELERATION.pack()) == ACCELERATION

    def test_of_six_factors(self):
        unit = Unit(SIPrefix.FEMTO, tuple((SIUnit(number), -number) for number in range(1, 7)))
        assert Unit.unpack(unit.pack()) == unit

    def test_of_no_unit_are_all_0(self):
        assert Unit().pack() == 0
        assert Unit.unpack(0) == Unit()

    def test_a_gap_between_factors_is_kept(self):
        unit = Unit(factors=((SIUnit.NONE, 0), (SIUnit.METER, 1)))
        assert Unit.unpack(unit.pack()) == unit

    def test_what_nobody_defined_stays_a_number(self):
        unit = Unit.unpack(Unit(8, ((28, 1), (63, -8))).pack())
        assert (unit.prefix, unit.factors) == (8, ((28, 1), (63, -8)))
        assert not isinstance(unit.prefix, SIPrefix)

    @given(ANY_NUMBERS)
    def test_any_are_a_unit_with_symbols(self, number: int):
        unit = Unit.unpack(number)
        assert unit.pack() == number
        assert str(unit).isprintable()


class TestErrors:
    @pytest.mark.parametrize(
        ("unit", "words"),
        [
            (Unit(16), "prefix of a unit 16 is not a whole number from 0 to 15"),
            (Unit(-1), "prefix"),
            (Unit(None), "prefix of a unit None"),
            (Unit("milli"), "prefix"),
            (Unit(factors=((64, 1),)), "unit 64 is not a whole number from 0 to 63"),
            (
                Unit(factors=((SIUnit.METER, 8),)),
                "exponent of a unit 8 is not a whole number from -8 to 7",
            ),
            (Unit(factors=((SIUnit.METER, -9),)), "exponent"),
            (Unit(factors=((SIUnit.METER, 0.5),)), "exponent of a unit 0.5"),
            (Unit(factors=((SIUnit.METER, 1),) * 7), "6 factors at most, not 7"),
            (Unit(factors=(SIUnit.METER,)), "pairs of unit and exponent"),
            (Unit(factors=None), "pairs of unit and exponent"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, unit: Unit, words: str):
        with pytest.raises(codec.EncodeError, match=words):
            unit.pack()


class TestSymbols:
    @pytest.mark.parametrize(
        ("unit", "text"),
        [
            (ACCELERATION, "mm/s²"),
            (Unit(SIPrefix.KILO, ((SIUnit.GRAM, 1),)), "kg"),
            (Unit(factors=((SIUnit.NEWTON, 1), (SIUnit.METER, 1))), "N·m"),
            (Unit(factors=((SIUnit.METER, 3),)), "m³"),
            (Unit(factors=((SIUnit.SECOND, -1),)), "1/s"),
            (
                Unit(3, ((SIUnit.GRAM, 1), (1, 2), (SIUnit.SECOND, -3), (SIUnit.AMPERE, -1))),
                "kg·m²/(s³·A)",
            ),
            (Unit(SIPrefix.MICRO, ((SIUnit.OHM, 1),)), "µΩ"),
            (Unit(), "1"),
            (Unit(SIPrefix.MILLI), "10⁻³"),
            (Unit(8, ((28, 2),)), "[prefix 8][unit 28]²"),
            # The document's own example leaves the exponents 0.
            (Unit(factors=((SIUnit.NEWTON, 0), (SIUnit.METER, 0))), "N·m"),
        ],
    )
    def test_read_as_people_write_them(self, unit: Unit, text: str):
        assert str(unit) == text

    def test_a_prefix_knows_its_power_of_ten(self):
        assert 25 * 10.0**ACCELERATION.prefix.power == pytest.approx(0.025)

    def test_numbers_and_names_are_those_of_the_document(self):
        assert (SIPrefix.PETA, SIPrefix.DECI) == (0x7, 0x9)
        assert (SIUnit.CANDELA, SIUnit.RADIAN, SIUnit.SIEVERT) == (0x07, 0x08, 0x1B)
        assert (SIUnit.SIEVERT.symbol, SIPrefix.FEMTO.symbol) == ("Sv", "f")
        assert len({unit.symbol for unit in SIUnit}) == len(SIUnit) == 28
        assert len({prefix.symbol for prefix in SIPrefix}) == len(SIPrefix) == 15
