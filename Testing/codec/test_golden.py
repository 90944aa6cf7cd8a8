"""The golden messages of ``Testing/data`` against the codec."""

from __future__ import annotations

import numpy as np
import pytest

from data import golden, make_golden
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec.messages.base import registered_types


@pytest.mark.parametrize("name", golden.NAMES)
def test_unpack_gives_the_fields(name: str):
    assert golden.plain(codec.unpack(golden.golden_bytes(name))) == golden.golden_fields(name)


@pytest.mark.parametrize("name", golden.NAMES)
def test_what_was_unpacked_packs_to_the_same_bytes(name: str):
    data = golden.golden_bytes(name)
    assert codec.pack(codec.unpack(data)) == data


@pytest.mark.parametrize("name", golden.NAMES)
def test_a_message_made_of_the_fields_packs_to_the_same_bytes(name: str):
    data = golden.golden_bytes(name)
    received = codec.unpack(data)
    message = golden.made_anew(received)
    assert message == received
    assert codec.pack(message) == data


@pytest.mark.parametrize("name", golden.NAMES)
def test_another_message_is_not_equal(name: str):
    message = codec.unpack(golden.golden_bytes(name))
    other = golden.made_anew(message)
    other.device_name = "another"
    assert message != other


def test_every_message_is_there_in_both_header_versions():
    families = make_golden.FAMILIES.values()
    names = {name for family in families for name, *_ in family.CONTENTS}
    assert sorted(f"{name}_v{version}" for name in names for version in (1, 2)) == golden.NAMES


def test_the_files_are_what_the_script_makes():
    made = {name: (fields, data) for name, fields, data in make_golden.golden_messages()}
    assert sorted(made) == golden.NAMES
    for name, (fields, data) in made.items():
        assert golden.golden_bytes(name) == data
        assert golden.golden_fields(name) == fields


def test_every_type_of_the_codec_has_a_golden_message():
    names = {golden.golden_fields(name)["type_name"] for name in golden.NAMES}
    assert names >= set(registered_types())


class TestPlain:
    def test_an_array_is_flat_and_says_its_shape(self):
        message = codec.ImageMessage(np.arange(6, dtype="u1").reshape(1, 2, 3))
        pixels = {"dtype": "uint8", "shape": [1, 2, 3], "values": [0, 1, 2, 3, 4, 5]}
        assert golden.plain(message)["pixels"] == pixels

    def test_items_are_objects_and_enums_numbers(self):
        message = codec.TrajectoryMessage([codec.TrajectoryItem("needle")])
        (item,) = golden.plain(message)["items"]
        assert (item["name"], item["type"], item["rgba"]) == ("needle", 3, [255, 255, 0, 255])
