"""Numbers and times as the user's country writes them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

UTC_MOMENT = datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=timezone.utc)


@pytest.fixture
def texts(slicer_host):
    """Makes texts of a country: ``texts("de_DE")``."""
    import qt

    from IGTLMetaBrowserLib.ui.locale_texts import LocaleTexts

    return lambda name: LocaleTexts(qt.QLocale(name))


def in_local_time(pattern: str) -> str:
    return UTC_MOMENT.astimezone().strftime(pattern)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("en_GB", "100,000"), ("de_DE", "100.000"), ("sv_SE", "100\N{NO-BREAK SPACE}000")],
)
def test_numbers(texts, name, expected):
    assert texts(name).number(100_000) == expected


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("en_GB", "%d/%m/%Y"), ("de_DE", "%d.%m.%Y"), ("ja_JP", "%Y/%m/%d"), ("C", "%Y-%m-%d")],
)
def test_days_with_four_digits_for_the_year(texts, name, pattern):
    assert texts(name).moment(UTC_MOMENT).startswith(in_local_time(pattern))


def test_hours_are_local_and_exact_moments_are_utc(texts):
    assert texts("de_DE").moment(UTC_MOMENT).endswith(in_local_time("%H:%M"))
    assert texts("de_DE").exactMoment(UTC_MOMENT) == "2023-11-14 22:13:20.250000 UTC"


def test_todays_moments_need_no_date(texts):
    now = datetime.now(timezone.utc)
    assert texts("de_DE").recentMoment(now) in (
        f"{moment.astimezone():%H:%M}" for moment in (now, now + timedelta(seconds=1))
    )
    assert texts("de_DE").recentMoment(UTC_MOMENT) == texts("de_DE").moment(UTC_MOMENT)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1 kB"),
        (157_286_400, "157 MB"),
        (9_999_999_999, "9,999 MB"),
        (12e9, "12 GB"),
    ],
)
def test_byte_counts(texts, count, expected):
    assert texts("en_GB").byteCount(count) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.2, "1 s"), (32, "32 s"), (119, "119 s"), (119.5, "2 min"), (7500, "2 h 5 min")],
)
def test_durations(texts, seconds, expected):
    assert texts("en_GB").duration(seconds) == expected


def test_the_system_locale_counts_and_not_qts_default(slicer_host):
    # Slicer sets the default to "C", whatever the user's country is.
    import qt

    from IGTLMetaBrowserLib.ui.locale_texts import LocaleTexts

    default = qt.QLocale()
    qt.QLocale.setDefault(qt.QLocale("de_DE"))
    try:
        expected = qt.QLocale.system().toString(100_000)
        assert LocaleTexts().number(100_000) == expected != "100.000"
    finally:
        qt.QLocale.setDefault(default)
