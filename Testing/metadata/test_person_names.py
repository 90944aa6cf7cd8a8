"""Names of people as they are read: family name, given names, and what else a name can have."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib.metadata.person_names import readable_name


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("DOE^JANE^^^", "DOE, JANE"),
        (
            "Adams^John Robert^Quincy^Rev.^B.A. M.Div.",
            "Adams, Rev. John Robert Quincy, B.A. M.Div.",
        ),
        ("Doe^", "Doe"),
        ("^Jane", "Jane"),
        ("^^^^", ""),
        ("Doe^^^Dr.", "Doe, Dr."),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田 太郎, やまだ たろう)"),
        ("=山田^太郎", "山田 太郎"),
        ("Wang^XiaoDong=王^小东=", "Wang, XiaoDong (王 小东)"),
        ("Doe^Jane\\Roe^Richard", "Doe, Jane\\Roe, Richard"),
    ],
)
def test_a_name_as_dicom_writes_it(text: str, readable: str) -> None:
    assert readable_name(text) == readable


@pytest.mark.parametrize("text", ["", "Lindqvist, Astrid", "Jane Doe", "Phantom", "A\\B"])
def test_another_text_stays_as_it_is(text: str) -> None:
    assert readable_name(text) == text
