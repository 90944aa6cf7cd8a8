"""Names of persons as they are read; and those that are the same to a reader are the same here."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib.person_names import (
    are_several_names,
    name_words,
    plain_name,
    readable_name,
    spellings,
)

COMPOSED, WITH_MARKS = "M\u00fcller^Jane", "Mu\u0308ller^Jane"


@pytest.mark.parametrize("compared", [plain_name, name_words])
@pytest.mark.parametrize("other", ["MÜLLER^JANE", WITH_MARKS, f"{COMPOSED}^^^", f"{COMPOSED} "])
def test_one_name_in_several_forms(compared, other: str):
    assert compared(other) == compared(COMPOSED)


def test_in_dicom_family_and_given_name_have_their_places():
    assert plain_name("James^Henry") != plain_name("Henry^James")


def test_names_are_of_several_persons():
    assert are_several_names(["Doe^Jane", "", "Roe^Richard"])
    assert not are_several_names(["Doe^Jane", "", "DOE^JANE^^"])
    # Not each device writes each alphabet.
    assert not are_several_names(["Yamada^Tarou=山田^太郎", "=山田^太郎", ""])


def test_over_openigtlink_a_name_is_written_in_several_ways():
    ways = "James^Henry", "James, Henry", "henry_james"
    assert {tuple(name_words(way)) for way in ways} == {("henry", "james")}


def test_of_several_alphabets_the_first_that_is_there_counts():
    assert spellings("=山田^太郎=Yamada^Tarou") == ["", "山田^太郎", "yamada^tarou"]
    assert plain_name("=山田^太郎=Yamada^Tarou") == "山田^太郎"
    assert plain_name("") == plain_name("^ ^") == ""


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
