"""IMGMETA, LBMETA, POINT, TRAJ, VIDEOMETA, TDATA, QTDATA: lists of items of one size."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest

from codec.stream import frame, version_2_body
from IGTLMetaBrowserLib import codec


@dataclass
class Kind:
    """One type of list. ``layout``: the bytes of each column of ``item``."""

    message_class: type[Any]
    item: Any
    layout: Mapping[str, bytes]
    texts: Sequence[str]
    misfits: Sequence[tuple[str, object]]

    @property
    def name(self) -> str:
        return self.message_class.wire_type

    @property
    def size(self) -> int:
        return sum(map(len, self.layout.values()))

    def pack(self, *items: object) -> bytes:
        return codec.pack(self.message_class(items=items))

    def round_trip(self, *items: object) -> Sequence[Any]:
        return codec.unpack(self.pack(*items)).items


MATRIX = (0.0, 0.25, 0.0, -0.5, 0.0, 0.0, 0.0, 0.0, 2.0, 10.5, -20.0, 30.0)
TOO_LARGE = 1e39  # more than a 32-bit float holds

KINDS = [
    Kind(
        codec.ImageMetaMessage,
        codec.ImageMetaItem(
            name="CT of the head",
            id="IMAGE_0",
            modality="CT",
            patient_name="Müller^Jürgen",
            patient_id="4711",
            scan_time=codec.Timestamp(0x0102030405060708),
            size=(512, 511, 300),
            scalar_type=codec.ScalarType.INT16,
        ),
        {
            "name": b"CT of the head".ljust(64, b"\0"),
            "id": b"IMAGE_0".ljust(20, b"\0"),
            "modality": b"CT".ljust(32, b"\0"),
            "patient_name": "Müller^Jürgen".encode().ljust(64, b"\0"),
            "patient_id": b"4711".ljust(64, b"\0"),
            "scan_time": bytes.fromhex("0102030405060708"),
            "size": struct.pack(">3H", 512, 511, 300),
            "scalar_type": b"\4",
            "reserved": b"\0",
        },
        texts=["name", "id", "modality", "patient_name", "patient_id"],
        misfits=[
            ("size", (65536, 1, 1)),
            ("size", (-1, 1, 1)),
            ("size", (1, 1)),
            ("size", (1, 1, 1, 1)),
            ("scalar_type", 256),
            ("scalar_type", -1),
            ("scan_time", -1),
            ("scan_time", 1 << 64),
        ],
    ),
    Kind(
        codec.LabelMetaMessage,
        codec.LabelMetaItem(
            name="Liver",
            id="LABEL_0",
            label=7,
            rgba=(255, 128, 0, 200),
            size=(512, 511, 300),
            owner="IMAGE_0",
        ),
        {
            "name": b"Liver".ljust(64, b"\0"),
            "id": b"LABEL_0".ljust(20, b"\0"),
            "label": b"\7",
            "reserved": b"\0",
            "rgba": bytes((255, 128, 0, 200)),
            "size": struct.pack(">3H", 512, 511, 300),
            "owner": b"IMAGE_0".ljust(20, b"\0"),
        },
        texts=["name", "id", "owner"],
        misfits=[
            ("label", 256),
            ("label", -1),
            ("label", None),
            ("rgba", (0, 0, 0)),
            ("size", (65536, 1, 1)),
            ("size", (1, 1)),
            ("size", 5),
            ("size", (1.5, 1, 1)),
        ],
    ),
    Kind(
        codec.PointMessage,
        codec.PointItem(
            name="Nasion",
            group="Landmark",
            rgba=(255, 128, 0, 200),
            position=(-41.5, 80.25, 62.0),
            diameter=2.5,
            owner="IMAGE_0",
        ),
        {
            "name": b"Nasion".ljust(64, b"\0"),
            "group": b"Landmark".ljust(32, b"\0"),
            "rgba": bytes((255, 128, 0, 200)),
            "position": struct.pack(">3f", -41.5, 80.25, 62.0),
            "diameter": struct.pack(">f", 2.5),
            "owner": b"IMAGE_0".ljust(20, b"\0"),
        },
        texts=["name", "group", "owner"],
        misfits=[
            ("rgba", (256, 0, 0, 0)),
            ("rgba", (0, 0, 0)),
            ("rgba", None),
            ("position", (0.0, 0.0)),
            ("position", ("a", 0.0, 0.0)),
            ("position", (TOO_LARGE, 0.0, 0.0)),
            ("diameter", None),
        ],
    ),
    Kind(
        codec.TrajectoryMessage,
        codec.TrajectoryItem(
            name="Biopsy left",
            group="Trajectory",
            type=codec.TrajectoryType.ENTRY_AND_TARGET,
            rgba=(255, 128, 0, 200),
            entry=(-41.5, 80.25, 62.0),
            target=(-12.0, 9.5, 3.125),
            diameter=2.5,
            owner="IMAGE_0",
        ),
        {
            "name": b"Biopsy left".ljust(64, b"\0"),
            "group": b"Trajectory".ljust(32, b"\0"),
            "type": b"\3",
            "reserved": b"\0",
            "rgba": bytes((255, 128, 0, 200)),
            "entry": struct.pack(">3f", -41.5, 80.25, 62.0),
            "target": struct.pack(">3f", -12.0, 9.5, 3.125),
            "diameter": struct.pack(">f", 2.5),
            "owner": b"IMAGE_0".ljust(20, b"\0"),
        },
        texts=["name", "group", "owner"],
        misfits=[
            ("type", 128),
            ("rgba", (0, 0, 0, 256)),
            ("rgba", (0, 0, 0, -1)),
            ("rgba", (0, 0, 0)),
            ("entry", (1.0, 2.0)),
            ("target", (1.0, 2.0, 3.0, 4.0)),
            ("entry", (TOO_LARGE, 0.0, 0.0)),
            ("diameter", TOO_LARGE),
        ],
    ),
    Kind(
        codec.VideoMetaMessage,
        codec.VideoMetaItem(
            name="Laparoscope, 30 degrees",
            device_name="Laparoscope",
            patient_name="Doe^Jane",
            patient_id="4711",
            zoom_level=-2,
            focal_length=0.1,
            size=(1920, 1080, 1),
            matrix=MATRIX,
            scalar_type=codec.ScalarType.UINT16,
        ),
        {
            "name": b"Laparoscope, 30 degrees".ljust(64, b"\0"),
            "device_name": b"Laparoscope".ljust(64, b"\0"),
            "patient_name": b"Doe^Jane".ljust(64, b"\0"),
            "patient_id": b"4711".ljust(64, b"\0"),
            "zoom_level": struct.pack(">h", -2),
            "focal_length": struct.pack(">d", 0.1),
            "size": struct.pack(">3H", 1920, 1080, 1),
            "matrix": struct.pack(">12f", *MATRIX),
            "scalar_type": b"\5",
            "reserved": b"\0",
        },
        texts=["name", "device_name", "patient_name", "patient_id"],
        misfits=[
            ("zoom_level", 32768),
            ("zoom_level", -32769),
            ("focal_length", "50"),
            ("size", (65536, 1, 1)),
            ("size", (1, 1)),
            ("matrix", (0.0,) * 11),
            ("matrix", (TOO_LARGE,) * 12),
            ("matrix", None),
            ("scalar_type", 256),
        ],
    ),
    Kind(
        codec.TrackingDataMessage,
        codec.TrackingDataItem(
            name="Needle", type=codec.InstrumentType.INSTRUMENT_5D, transform=MATRIX
        ),
        {
            "name": b"Needle".ljust(20, b"\0"),
            "type": b"\4",
            "reserved": b"\0",
            "transform": struct.pack(">12f", *MATRIX),
        },
        texts=["name"],
        misfits=[
            ("type", 256),
            ("type", -1),
            ("type", None),
            ("transform", (0.0,) * 11),
            ("transform", (0.0,) * 13),
            ("transform", (0.0,) * 11 + (TOO_LARGE,)),
            ("transform", (0.0,) * 11 + ("1",)),
            ("transform", None),
        ],
    ),
    Kind(
        codec.QuaternionTrackingDataMessage,
        codec.QuaternionTrackingDataItem(
            name="Needle",
            type=codec.InstrumentType.INSTRUMENT_6D,
            position=(-41.5, 80.25, 62.0),
            quaternion=(0.5, -0.5, 0.5, 0.5),
        ),
        {
            "name": b"Needle".ljust(20, b"\0"),
            "type": b"\2",
            "reserved": b"\0",
            "position": struct.pack(">3f", -41.5, 80.25, 62.0),
            "quaternion": struct.pack(">4f", 0.5, -0.5, 0.5, 0.5),
        },
        texts=["name"],
        misfits=[
            ("type", 256),
            ("position", (1.0, 2.0)),
            ("position", None),
            ("quaternion", (0.0, 0.0, 1.0)),
            ("quaternion", (0.0, 0.0, 0.0, TOO_LARGE)),
        ],
    ),
]
IMAGES, LABEL_MAPS, _, TRAJECTORIES, *_ = KINDS
# The sizes that the documents of the protocol give.
SIZES = {
    "IMGMETA": 260,
    "LBMETA": 116,
    "POINT": 136,
    "TRAJ": 150,
    "VIDEOMETA": 322,
    "TDATA": 70,
    "QTDATA": 50,
}
ALL = pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
TEXTS = pytest.mark.parametrize(
    ("kind", "field"),
    [
        pytest.param(kind, field, id=f"{kind.name} {field}")
        for kind in KINDS
        for field in kind.texts
    ],
)


@ALL
class TestLayout:
    def test_an_item_has_the_size_of_the_document(self, kind: Kind):
        assert len(kind.pack(kind.item)[58:]) == kind.item.columns.itemsize == SIZES[kind.name]

    def test_each_field_is_at_its_place(self, kind: Kind):
        assert kind.pack(kind.item)[58:] == b"".join(kind.layout.values())

    def test_every_field_comes_back(self, kind: Kind):
        (item,) = kind.round_trip(kind.item)
        for field in fields(kind.item):
            found, given = getattr(item, field.name), getattr(kind.item, field.name)
            assert (found, type(found)) == (given, type(given)), field.name

    def test_the_columns_are_those_of_the_layout(self, kind: Kind):
        records = kind.round_trip(kind.item, kind.item).records
        for column, data in kind.layout.items():
            assert records[column].tobytes() == 2 * data, column


@TEXTS
class TestTexts:
    def test_of_full_length_come_back(self, kind: Kind, field: str):
        # The reference library reads these as empty, since no NUL ends them.
        size = len(kind.layout[field])
        for text in ("x" * size, "ö" * (size // 2), "\udcff" * size):
            item = replace(kind.item, **{field: text})
            assert kind.round_trip(item) == [item]

    def test_that_are_too_long_are_refused_with_the_limit(self, kind: Kind, field: str):
        size = len(kind.layout[field])
        what = f"{kind.name} {field.replace('_', ' ')}"
        for text in ("x" * (size + 1), "x" * (size - 1) + "ö"):
            words = f"{what} .* needs {size + 1} bytes; the limit is {size}$"
            with pytest.raises(codec.EncodeError, match=words):
                kind.pack(replace(kind.item, **{field: text}))

    @pytest.mark.parametrize("value", [None, 5, b"bytes"])
    def test_what_is_none_is_refused(self, kind: Kind, field: str, value: object):
        words = f"{kind.name} {field.replace('_', ' ')} is a text, not"
        with pytest.raises(codec.EncodeError, match=words):
            kind.pack(replace(kind.item, **{field: value}))


def test_bytes_that_are_not_utf_8_go_back_to_the_server_as_they_came():
    data = bytearray(IMAGES.pack(IMAGES.item)[58:])
    data[64:84] = b"Sch\xe4del".ljust(20, b"\0")  # Latin-1, as an old server may write it
    (item,) = codec.unpack(frame("IMGMETA", bytes(data))).items
    query = codec.pack(codec.GetMessage("IMAGE", device_name=item.id))
    assert query[14:34] == b"Sch\xe4del".ljust(20, b"\0")


class TestNumbers:
    @pytest.mark.parametrize(
        ("kind", "field", "value"),
        [
            pytest.param(kind, *misfit, id=f"{kind.name} {misfit[0]} {misfit[1]}")
            for kind in KINDS
            for misfit in kind.misfits
        ],
    )
    def test_that_do_not_fit_are_refused(self, kind: Kind, field: str, value: object):
        with pytest.raises(codec.EncodeError, match=f"does not fit {kind.name}"):
            kind.pack(replace(kind.item, **{field: value}))

    @pytest.mark.parametrize(
        ("kind", "field"),
        [
            pytest.param(kind, field, id=kind.name)
            for kind in KINDS
            for field in kind.item.converters
            if field != "scan_time"
        ],
    )
    def test_that_nobody_gave_a_meaning_stay_numbers(self, kind: Kind, field: str):
        for number in (0, 99, 127):
            assert (
                getattr(kind.round_trip(replace(kind.item, **{field: number}))[0], field) == number
            )

    @pytest.mark.parametrize("number", [4, -128])
    def test_of_the_type_of_a_trajectory_have_a_sign(self, number: int):
        assert TRAJECTORIES.round_trip(replace(TRAJECTORIES.item, type=number))[0].type == number

    @pytest.mark.parametrize("type_", list(codec.TrajectoryType))
    def test_of_the_types_of_trajectories(self, type_: codec.TrajectoryType):
        # Points that the type does not name are kept: the reference TrajectoryServer sends
        # type 2 (target only) with an entry point.
        item = replace(TRAJECTORIES.item, type=type_)
        (again,) = TRAJECTORIES.round_trip(item)
        assert again == item
        assert again.type is type_

    def test_have_the_precision_of_32_bits(self):
        (item,) = TRAJECTORIES.round_trip(replace(TRAJECTORIES.item, entry=(0.1, 0.0, 0.0)))
        assert item.entry[0] != 0.1
        assert item.entry[0] == pytest.approx(0.1, rel=1e-7)

    def test_of_the_largest_size(self):
        (item,) = IMAGES.round_trip(replace(IMAGES.item, size=(65535, 0, 1)))
        assert item.size == (65535, 0, 1)

    def test_of_a_scan_time_that_is_not_set(self):
        (item,) = IMAGES.round_trip(replace(IMAGES.item, scan_time=codec.Timestamp(0)))
        assert item.scan_time.to_datetime() is None


@ALL
class TestList:
    def test_of_none(self, kind: Kind):
        assert kind.round_trip() == []

    def test_of_several_keeps_its_order(self, kind: Kind):
        items = [replace(kind.item, name=f"Item {number}") for number in range(4)]
        assert kind.round_trip(*items) == items

    def test_has_no_metadata_among_its_items(self, kind: Kind):
        # The reference library divides the whole body by the size of an item.
        metadata = {"comment": "x" * 300}
        message = kind.message_class(items=[kind.item], header_version=2, metadata=metadata)
        received = codec.unpack(codec.pack(message))
        assert received.items == [kind.item]
        assert received.metadata == metadata

    def test_of_no_whole_number_of_items_is_an_error(self, kind: Kind):
        for length in (1, kind.size - 1, kind.size + 1, 2 * kind.size - 1):
            words = f"{kind.name} has items of {kind.size} bytes; {length} bytes are not a multiple"
            with pytest.raises(codec.DecodeError, match=words):
                codec.unpack(frame(kind.name, bytes(length)))

    @pytest.mark.parametrize("items", [None, 5, [None], ["text"], [codec.SensorMessage()]])
    def test_of_what_is_none_is_refused(self, kind: Kind, items: object):
        with pytest.raises(codec.EncodeError, match=f"the items of {kind.name} are"):
            codec.pack(kind.message_class(items=items))


def test_metadata_of_the_size_of_an_item_is_not_taken_for_one():
    body = version_2_body(
        LABEL_MAPS.pack(LABEL_MAPS.item)[58:],
        metadata_header=b"\0\1\0\1\0\3\0\0\0\x73",
        metadata=b"k" + b"v" * 115,
    )
    message = codec.unpack(frame("LBMETA", body, version=2))
    assert message.items == [LABEL_MAPS.item]
    assert message.metadata == {"k": "v" * 115}


class TestReceivedList:
    def test_behaves_as_a_sequence(self):
        items = [replace(IMAGES.item, id=f"IMAGE_{number}") for number in range(5)]
        table = IMAGES.round_trip(*items)
        assert len(table) == 5
        assert table[1].id == "IMAGE_1"
        assert table[-1].id == "IMAGE_4"
        assert table[1:3] == items[1:3]
        assert table[::-1] == items[::-1]
        assert table == items
        assert table != items[:4]
        assert items[2] in table
        with pytest.raises(IndexError):
            table[5]

    def test_can_be_asked_by_column(self):
        items = [
            replace(IMAGES.item, id=f"IMAGE_{number}", size=(number, 1, 1)) for number in range(100)
        ]
        table = IMAGES.round_trip(*items)
        assert table.records["size"][:, 0].tolist() == list(range(100))
        assert table.records["id"][99] == b"IMAGE_99"
        assert np.all(table.records["modality"] == b"CT")
