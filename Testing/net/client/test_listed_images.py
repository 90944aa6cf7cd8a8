"""What a list says of its images, be they a million."""

from __future__ import annotations

import sys
from itertools import count

import numpy as np
import pytest

from helpers.peers import make_image
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.client.listed_images import ListedImages, is_another_patient

IMAGE = make_image(1)
MANY = 100_000
MOST_CALLS = 1000


def listed(ids: np.ndarray | list[bytes]) -> ListedImages:
    """Return a list of images that have the size and the type of ``IMAGE``."""
    records = np.zeros(len(ids), codec.ImageMetaItem.columns)
    records["id"], records["size"] = ids, IMAGE.whole_size
    records["scalar_type"] = codec.ScalarType.UINT16
    images = ListedImages()
    images.update(codec.ImageMetaMessage.unpack_content(memoryview(records.tobytes())))
    return images


@pytest.mark.parametrize(
    ("ids", "can_be_several"),
    [
        ([], False),
        ([b"A"], False),
        ([b"A", b"B"], True),
        ([b"A", b"A"], False),
        ([b"A", b"A\0rest"], False),  # what some servers leave behind the end of a text
        ([b"A\0rest", b"AB"], True),
        ([b"", b"A"], True),
        ([b"A" * 20, b"A" * 19], True),
    ],
)
def test_an_image_can_be_several_if_they_have_several_ids(ids: list[bytes], can_be_several: bool):
    assert listed(ids).can_be_several(IMAGE) == can_be_several


def test_those_of_another_size_do_not_count():
    assert not listed([b"A", b"B"]).can_be_several(make_image(1, (5, 5, 5)))


def test_those_of_the_list_before_count():
    images = listed([b"A"])
    items = [codec.ImageMetaItem(id="B", size=(4, 3, 2), scalar_type=codec.ScalarType.UINT16)]
    images.update(codec.unpack(codec.pack(codec.ImageMetaMessage(items=items))))
    assert images.can_be_several(IMAGE)


@pytest.mark.parametrize("kind", ["other ids", "one id", "one id with other remains"])
def test_of_very_many_that_fit_few_are_looked_at(kind: str):
    ids = np.arange(MANY).astype("S")
    if kind == "one id":
        ids = np.full(MANY, b"A")
    elif kind == "one id with other remains":
        ids = np.array([b"A\0%d" % number for number in range(MANY)])
    images, calls = listed(ids), count()

    def note(_frame: object, event: str, _argument: object) -> None:
        if event in ("call", "c_call"):
            next(calls)

    sys.setprofile(note)
    try:
        can_be_several = images.can_be_several(IMAGE)
    finally:
        sys.setprofile(None)
    assert can_be_several == (kind == "other ids")
    assert next(calls) < MOST_CALLS


def test_an_id_means_the_first_of_its_entries():
    images = listed([b"A", b"B\0rest", b"B", b"C"])
    assert all(image_id in images for image_id in ("A", "B", "C"))
    assert "D" not in images
    assert "rest" not in images


@pytest.mark.parametrize(
    ("in_scene", "listed", "is_another"),
    [
        (("", "Smith^John"), ("", "John Smith"), False),
        (("", "Smith"), ("", "Jones"), True),
        (("", "Smith"), ("", ""), False),
        (("", ""), ("", "Jones"), False),
        (("1", "Smith"), ("1", "Jones"), False),
        (("1", "Smith"), ("", "Jones"), False),
        (("", "Smith"), ("2", "Jones"), False),
        (("", "M\u00fcller"), ("", "Jones"), False),
        (("", "S" * 70), ("", "S" * 63), False),
    ],
)
def test_patients_are_told_apart_by_name_only_if_neither_has_an_id(in_scene, listed, is_another):
    """Where it cannot be told, they are not others: a field cuts, and has its own characters."""
    entry = codec.ImageMetaItem(patient_id=listed[0], patient_name=listed[1])
    assert is_another_patient(*in_scene, entry) is is_another
