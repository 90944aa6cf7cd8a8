"""The list of images below the window: filtered and sorted column by column."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.long_lists import count_hashed_texts, count_prepared_rows, make_long_list
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.lists.image_list import ImageList
from IGTLMetaBrowserLib.browser.lists.listing import Listing
from IGTLMetaBrowserLib.codec.text_rows import TextRows
from IGTLMetaBrowserLib.privacy.hidden_patients import HiddenPatients

ENTRIES = [
    codec.ImageMetaItem("Head 10", "c", "MR", "Müller^Anna", "P9", codec.Timestamp(3), (9, 9, 9)),
    codec.ImageMetaItem("head 2", "a", "CT", "Smith^John", "P10", codec.Timestamp(0), (1, 1, 10)),
    codec.ImageMetaItem("Liver", "b", "CT", "Müller^Anna", "P9", codec.Timestamp(2), (100, 1, 1)),
    codec.ImageMetaItem("", "d", "", "", "", codec.Timestamp((1 << 64) - 1), (0, 0, 0), 0),
]


def as_it_arrives(entries: list[codec.ImageMetaItem]) -> codec.ImageMetaMessage:
    """The list as the receiver hands it out: a table that makes its entries on demand."""
    return codec.unpack(codec.pack(codec.ImageMetaMessage(items=entries))).items


@pytest.fixture(params=[as_it_arrives, list], ids=["a received table", "a plain list"])
def images(request) -> ImageList:
    return ImageList(request.param(ENTRIES))


def shown(images: ImageList) -> str:
    return "".join(images.image_id(row) for row in images.rows)


def test_a_new_list_shows_all_in_the_order_of_the_server(images):
    assert shown(images) == "cabd"
    assert len(images) == 4
    assert images.entry(2) == ENTRIES[2]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", "cabd"),
        ("HEAD", "ca"),
        ("head müller", "c"),  # every word, in any of the texts
        ("MÜLLER", "cb"),
        ("mu\N{COMBINING DIAERESIS}ller", "cb"),  # the same letter, composed of two characters
        ("Muller", "cb"),  # without what is not on each keyboard
        ("ánna", "cb"),
        ("p10", "a"),
        ("ct  smith ", "a"),
        ("anna p", "cb"),
        ("annap", ""),  # not across two texts
        ("no such text", ""),
    ],
)
def test_the_filter_looks_for_each_word_in_all_texts(images, text, ids):
    images.filter(text)
    assert shown(images) == ids


def test_the_filter_keeps_chosen_modalities(images):
    images.filter("", ["CT"])
    assert shown(images) == "ab"
    images.filter("müller", ["CT", ""])
    assert shown(images) == "b"
    images.filter("", ["XA"])
    assert shown(images) == ""


def test_modalities_are_counted_the_most_frequent_first(images):
    assert images.modalities == [("CT", 2), ("MR", 1), ("", 1)]


@pytest.mark.parametrize(
    ("field", "ascending", "descending"),
    [
        ("name", "dacb", "bcad"),  # 2 before 10, whatever the case
        ("modality", "dabc", "cabd"),
        ("patient_id", "dcba", "acbd"),  # 9 before 10; equals stay in the server's order
        ("scan_time", "abcd", "dcba"),  # not set is first, 2^64 - 1 last
        ("size", "dabc", "cbad"),  # by the number of voxels
        ("scalar_type", "dcab", "cabd"),
        ("id", "abcd", "dcba"),
    ],
)
def test_sorting_takes_numbers_as_numbers_and_times_as_times(images, field, ascending, descending):
    images.sort(field)
    assert shown(images) == ascending
    images.sort(field, descending=True)
    assert shown(images) == descending
    images.sort(None)
    assert shown(images) == "cabd"


def test_the_filter_keeps_the_order_and_sorting_keeps_the_filter(images):
    images.sort("id")
    images.filter("müller")
    assert shown(images) == "bc"
    images.sort("id", descending=True)
    assert shown(images) == "cb"
    images.filter("")
    assert shown(images) == "dcba"


def test_of_doubled_ids_the_first_counts():
    twice = [ENTRIES[0], ENTRIES[1], ENTRIES[0]]
    images = ImageList(as_it_arrives(twice))
    assert images.row("c") == 0
    assert images.are_loadable.tolist() == [True, True, False]


def test_an_unknown_id_has_no_row(images):
    assert images.row("nobody") is None


def test_live_images_follow_the_list_unless_they_are_in_it():
    longer_than_the_list_holds = "A very long description, " * 9
    live = [
        codec.ImageMetaItem("Head 10", "c", "MR"),
        codec.ImageMetaItem(longer_than_the_list_holds, "probe", "US"),
    ]
    images = ImageList(as_it_arrives(ENTRIES), live)
    assert len(images) == 5
    assert images.first_live_row == 4
    assert images.image_id(4) == "probe"
    images.filter("description")
    assert shown(images) == "probe"


def test_texts_that_end_before_their_field_or_are_no_utf8():
    message = bytearray(codec.pack(codec.ImageMetaMessage(items=ENTRIES[:2])))
    name_of_the_first, name_of_the_second = 58, 58 + 260
    message[name_of_the_first : name_of_the_first + 12] = b"Kidney\0Liver"
    message[name_of_the_second : name_of_the_second + 6] = b"\xff\xfe\x1b[2J"
    images = ImageList(codec.unpack(bytes(message), check_crc=False).items)

    images.filter("liver")
    assert shown(images) == ""
    images.filter("kidney")
    assert shown(images) == "c"
    images.sort("name")
    images.filter("")
    assert shown(images) == "ca"


NAMES = [b"M\xfcller, J\xf6rg", "Müller, Anna".encode(), b"Miller"]


@pytest.mark.parametrize("copies", [1, 2000])
def test_names_in_the_code_page_of_windows_are_found_as_they_are_typed(copies):
    entries = [
        codec.ImageMetaItem(id=f"{number}", patient_name=name.decode("utf-8", "surrogateescape"))
        for number, name in enumerate(NAMES * copies)
    ]
    images = ImageList(as_it_arrives(entries))
    images.filter("müller")
    assert [row % 3 for row in images.rows[:4].tolist()] == [0, 1, 0, 1][: 2 * copies]
    images.filter("JÖRG")
    assert len(images.rows) == copies
    images.filter("muller")
    assert len(images.rows) == 2 * copies


NAMES_WITH_MARKS = [
    "Dvořák^Antonín",
    "D\N{COMBINING CARON}orak",
    "ガラシャ",
    "김철수",
    "Øster",
    "के",
]


@pytest.mark.parametrize("copies", [1, 500])
@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("dvorak ANTONIN", [0]),
        ("đorak", []),  # with a stroke it is another letter
        ("dorak", [1]),
        ("カラ", [2]),
        ("김", [3]),
        ("기", []),  # no part of a syllable
        ("øster", [4]),
        ("oster", []),
    ],
)
def test_letters_are_found_with_and_without_their_marks(text: str, rows: list[int], copies: int):
    """In a long list, too, whose texts differ in numbers: it is looked through as a whole."""
    entries = [
        codec.ImageMetaItem(name=f"{name} {number}", id=f"{number}-{place}")
        for number in range(copies)
        for place, name in enumerate(NAMES_WITH_MARKS)
    ]
    images = ImageList(as_it_arrives(entries))
    images.filter(text)
    assert [row for row in images.rows.tolist() if row < len(NAMES_WITH_MARKS)] == rows
    assert len(images.rows) == copies * len(rows)


@pytest.mark.parametrize("field", ["name", "scan_time", "size", "scalar_type"])
def test_a_list_of_zero_images(field):
    images = ImageList(as_it_arrives([]))
    images.filter("head", ["CT"])
    images.sort(field, descending=True)
    assert (len(images), list(images.rows), images.modalities) == (0, [], [])


def test_no_entry_of_a_long_list_is_made_before_somebody_looks_at_it(monkeypatch):
    made = []
    make = codec.ImageMetaItem.__init__

    def count(entry, *fields, **named) -> None:
        made.append(entry)
        make(entry, *fields, **named)

    table, live = make_long_list(5000), [codec.ImageMetaItem("Probe", "probe")]
    monkeypatch.setattr(codec.ImageMetaItem, "__init__", count)
    images = ImageList(table)
    images.filter("müller", ["CT"])
    images.sort("name")
    assert len(made) == 0
    images.entry(images.rows[0])
    assert len(made) == 1
    with_live_images = ImageList(table, live)
    assert with_live_images.image_id(5000) == "probe"
    assert len(made) < 5


def test_images_are_found_again_in_a_list_that_comes_again():
    before = ImageList(as_it_arrives(ENTRIES))
    same, other = ImageList(as_it_arrives(ENTRIES)), ImageList(as_it_arrives(ENTRIES[1:]))
    rows = np.array([0, 2])
    assert same.rows_of_list(before, rows).tolist() == [0, 2]
    assert other.rows_of_list(before, rows).tolist() == [-1, 1]
    assert (same.count_changes(before), other.count_changes(before)) == ((0, 0), (0, 1))


def test_in_a_list_that_has_become_longer_they_are_found_without_a_look_at_their_texts(
    monkeypatch,
):
    """Of a million selected ones it was a step of 0.3 s to make these."""
    entries = [codec.ImageMetaItem(id=f"IMAGE_{number}") for number in range(20)]
    more = codec.ImageMetaItem(id="IMAGE_20")
    before, longer = ImageList(entries), ImageList([*reversed(entries), more])
    monkeypatch.setattr(TextRows, "texts_of", None)
    assert longer.rows_of_list(before, np.arange(0, 20, 2)).tolist() == [*range(19, 0, -2)]
    assert ImageList().rows_of_list(before, np.arange(3)).tolist() == [-1, -1, -1]


def test_what_is_new_is_counted_also_if_its_id_is_longer_than_all_before():
    longer = codec.ImageMetaItem("Head 11", "a longer id")
    before, after = ImageList(ENTRIES), ImageList([*ENTRIES[1:], longer])
    assert after.count_changes(before) == (1, 1)


def missing_in(column: TextRows, other: TextRows) -> list[str]:
    return [text for some in column.texts_missing_in(other) for text in some]


def test_texts_that_a_column_has_no_more_are_found():
    before = TextRows(np.array([b"a", b"b", b"c"], "S20"))
    after = TextRows(np.array([b"c", b"a", b"a longer text"], "S20"))
    nothing = TextRows(np.empty(0, "S20"))
    assert missing_in(before, after) == ["b"]
    assert missing_in(after, before) == ["a longer text"]
    assert missing_in(before, before) == missing_in(nothing, before) == []
    assert missing_in(before, nothing) == ["a", "b", "c"]


def test_the_ids_of_rows_are_made_when_somebody_looks_at_them():
    ids = ImageList(ENTRIES).ids_when_needed(np.array([2, 0, 1]))
    assert len(ids) == 3
    assert [*ids] == ids[:] == [ids[0], ids[1], ids[2]]
    assert ids[0:2] == [ENTRIES[2].id, ENTRIES[0].id]


def test_columns_are_prepared_in_turns_and_the_same_is_found(monkeypatch):
    unprepared, images = ImageList(make_long_list(1000)), ImageList(make_long_list(1000))
    texts = ("head t1 7", "m\u00fcller", "image_0000012", "ct p12", "\u00e9 \u00e4")
    found = [unprepared.filter(text) or unprepared.rows.tolist() for text in texts]
    counts, turns = count_hashed_texts(monkeypatch), 0
    while images.prepare(0.0):
        turns += 1
    assert turns > 5 * 2 * 10  # each column's rows are read, and folded or sorted
    assert set(counts) == {100}
    assert [images.filter(text) or images.rows.tolist() for text in texts] == found
    assert 0 < len(found[0]) < 1000


def test_an_empty_list_is_prepared_as_well():
    images = ImageList()
    while images.prepare(0.0):
        pass
    images.filter("a")
    assert len(images.rows) == 0


@pytest.mark.parametrize("are_hidden", [False, True])
def test_a_list_that_was_prepared_as_it_came_is_shown_without_a_look_at_its_rows(
    are_hidden, monkeypatch
):
    patients = HiddenPatients()
    patients.hide(are_hidden)
    listing = Listing(codec.ImageMetaMessage(items=make_long_list(1000)))
    turns = sum(1 for _ in listing.prepare_table(patients))
    assert turns > 10 * are_hidden
    counts = count_prepared_rows(monkeypatch)
    images = ImageList(listing.entries, patients=patients, prepared=listing.table)
    assert sum(number for _, number in images.modalities) == 1000
    assert counts == []
    assert images.entry(0).patient_name.startswith("Patient ") == are_hidden
