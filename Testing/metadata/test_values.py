"""Values of DICOM attributes: read from texts and from pydicom, written as texts, compared."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import IS, DSfloat, PersonName

from IGTLMetaBrowserLib.metadata.values import (
    Cosines,
    Number,
    Numbers,
    Pair,
    Texts,
    Whole,
    are_alike,
    as_text,
    is_known,
    read_value,
)


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("CT ", str, "CT"),
        ("two\\lines of a comment", str, "two\\lines of a comment"),
        (PersonName("Doe^Jane=..."), str, "Doe^Jane=..."),
        (42, str, "42"),
        (MultiValue(str, ["a", "b"]), str, "a\\b"),
        ("DERIVED\\SECONDARY", Texts, ("DERIVED", "SECONDARY")),
        (MultiValue(str, ["a", "b"]), Texts, ("a", "b")),
        ("alone", Texts, ("alone",)),
        ("12 ", Whole, 12),
        (IS("12"), Whole, 12),
        (3.0, Whole, 3),
        ("0.5", Number, 0.5),
        (DSfloat("1e-3"), Number, 0.001),
        ("40\\400", Numbers, (40.0, 400.0)),
        (DSfloat("40"), Numbers, (40.0,)),
        ("0.5\\0.25", Pair, (0.5, 0.25)),
        (MultiValue(DSfloat, ["0.5", "0.25"]), Pair, (0.5, 0.25)),
        (np.array([0.5, 0.25]), Pair, (0.5, 0.25)),
        ([1, 0, 0, 0, 1, 0], Cosines, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)),
    ],
)
def test_a_value_is_read_whatever_form_it_has(value, kind, expected):
    read = read_value(value, kind)
    assert read == expected
    assert type(read) is type(expected)


@pytest.mark.parametrize("kind", [str, Texts, Whole, Number, Numbers, Pair, Cosines])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_nothing_is_no_value(kind, value):
    assert not is_known(read_value(value, kind))


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        ("twelve", Whole, "not a whole number"),
        (12.5, Whole, "not a whole number"),
        (math.inf, Whole, "not a whole number"),
        ("1\\2", Whole, "not a whole number"),
        ("9" * 5000, Whole, "not a whole number"),
        ("nan", Number, "not a number"),
        ("0.5", Pair, "not two numbers, such as 0.5\\0.5"),
        ("0.5\\0.5\\0.5", Pair, "not two numbers"),
        ("1\\0\\0", Cosines, "not six numbers"),
        (b"\x00\x01", str, "not a text"),
        (b"\x00\x01", Numbers, "not one or several numbers"),
        ([Dataset()], str, "not a text"),
        ([Dataset()], Texts, "not one or several texts"),
        ([Dataset()], Numbers, "not one or several numbers"),
        ("\\" * 100_000, Texts, "not one or several texts, at most 1000"),
        (Dataset(), Number, "not a number"),
    ],
)
def test_what_is_of_another_kind_is_refused(value, kind, words):
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        read_value(value, kind)
    assert not isinstance(value, str) or value not in str(caught.value).split()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("CT", "CT"),
        (7, "7"),
        (0.1 + 0.2, "0.3"),
        (float(np.float32(0.7)), "0.7"),
        ((0.5, 0.25), "0.5\\0.25"),
        (("A", "B"), "A\\B"),
        (np.array([1.5, 2.0]), "1.5\\2"),
        (np.array(5), "5"),
        (({"SeriesInstanceUID": "1.2", "Size": (1, 2)},), "SeriesInstanceUID: 1.2, Size: 1\\2"),
    ],
)
def test_a_value_is_written_as_dicom_writes_it(value, text):
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("CT", "CT "),
        ("Doe^Jane^^", "Doe, Jane"),
        (0.7, float(np.float32(0.7))),
        ((0.7, 0.7), (float(np.float32(0.7)), 0.7)),
        (3, 3.0),
        ((1.0, 0.0), (1.0, -1e-9)),
        (np.array([1, 2]), np.array([1, 2])),
    ],
)
def test_values_that_say_the_same_are_alike(first, second):
    assert are_alike(first, second)
    assert are_alike(second, first)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("CT", "MR"),
        ("Doe^Jane", "Doe^John"),
        (0.7, 0.71),
        (20000, 20001),
        ((0.5, 0.5), (0.5, 0.25)),
        ((0.5,), (0.5, 0.5)),
        (0.5, "0.5 or so"),
        (np.array([1, 2]), np.array([1, 3])),
    ],
)
def test_values_that_differ_are_not_alike(first, second):
    assert not are_alike(first, second)
    assert not are_alike(second, first)
