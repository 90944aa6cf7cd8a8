"""Times as OpenIGTLink writes them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from IGTLMetaBrowserLib.codec import Timestamp

UTC = timezone.utc


def test_seconds_are_in_the_high_bits_and_their_fraction_in_the_low():
    assert Timestamp.from_seconds(3.25) == (3 << 32) + (1 << 30)
    assert Timestamp((3 << 32) + (1 << 30)).seconds == 3.25


def test_counts_from_1970_utc():
    assert Timestamp.from_datetime(datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)) == 2 << 32


def test_takes_the_time_zone_into_account():
    noon_in_tokyo = datetime(2024, 5, 17, 12, tzinfo=timezone(timedelta(hours=9)))
    moment = Timestamp.from_datetime(noon_in_tokyo).to_datetime()
    assert moment == datetime(2024, 5, 17, 3, tzinfo=UTC)
    assert moment.utcoffset() == timedelta(0)


def test_a_moment_without_time_zone_is_refused():
    with pytest.raises(ValueError, match="has no time zone"):
        Timestamp.from_datetime(datetime(2024, 5, 17))


def test_shows_the_moment_to_who_prints_it():
    moment = Timestamp.from_datetime(datetime(2024, 5, 17, 8, 30, tzinfo=UTC))
    assert repr(moment) == f"Timestamp({int(moment)}: 2024-05-17 08:30:00 UTC)"
    assert repr(Timestamp()) == "Timestamp(0)"


def test_0_is_not_set():
    assert Timestamp(0).to_datetime() is None
    assert Timestamp() == 0


@pytest.mark.parametrize("microsecond", [0, 1, 2, 333_333, 500_000, 999_998, 999_999])
def test_every_microsecond_comes_back(microsecond: int):
    moment = datetime(2024, 5, 17, 8, 30, 0, microsecond, tzinfo=UTC)
    assert Timestamp.from_datetime(moment).to_datetime() == moment


def test_keeps_all_64_bits():
    # A float of that size would lose the lowest 11.
    assert Timestamp((1715934600 << 32) + 1) - (1715934600 << 32) == 1


def test_the_last_instant_is_in_2106():
    last = Timestamp(2**64 - 1).to_datetime()
    assert last == datetime(2106, 2, 7, 6, 28, 15, 999999, tzinfo=UTC)


@pytest.mark.parametrize("value", [-1, 2**64])
def test_what_does_not_fit_64_bits_is_refused(value: int):
    with pytest.raises(ValueError, match="from 0 to"):
        Timestamp(value)


def test_moments_before_1970_are_refused():
    with pytest.raises(ValueError, match="from 0 to"):
        Timestamp.from_datetime(datetime(1969, 12, 31, tzinfo=UTC))
