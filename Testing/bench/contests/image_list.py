"""A list of 100,000 images, unpacked: as a table, and as Python values."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from IGTLMetaBrowserLib import codec

from .harness import Contest, Requirement, both_ways, cpp_seconds, seconds

COUNT = 100_000
CPP = "C++ library, Unpack"
TABLE = "as a table"
VALUES = "as values"


def make_list() -> bytes:
    """Return a packed IMGMETA of 100,000 items."""
    items = [
        codec.ImageMetaItem(
            name=f"CT of the head, {number} of {COUNT}",
            id=f"IMAGE_{number}",
            modality=("CT", "MR", "PT")[number % 3],
            patient_name=f"Patient^Number {number % 5000}",
            patient_id=f"{number % 5000:08d}",
            scan_time=codec.Timestamp((1_700_000_000 + number) << 32),
            size=(512, 512, 100 + number % 200),
            scalar_type=codec.ScalarType.UINT16,
        )
        for number in range(COUNT)
    ]
    return codec.pack(codec.ImageMetaMessage(items=items, device_name="Database"))


def unpack_table(data: bytes) -> None:
    """Unpack into numpy columns."""
    message = codec.unpack(data)
    records = message.items.records
    assert len(records["name"]) == COUNT


def unpack_values(data: bytes) -> None:
    """Unpack every field of every item into a Python value."""
    message = codec.unpack(data)
    assert len(list(message.items)) == COUNT


def unpacking(program: Path | None, folder: Path) -> Contest:
    """Return the contest; checksums are checked by all."""
    data = make_list()
    file = folder / "list.bin"
    file.write_bytes(data)
    contestants = {CPP: partial(cpp_seconds, program, "list", file, 1)} if program else {}
    requirements = []
    for what, unpack, most in ((TABLE, unpack_table, 0.5), (VALUES, unpack_values, 2)):
        for way, run in both_ways(partial(seconds, partial(unpack, data))).items():
            contestants[f"{way}, {what}"] = run
            requirements.append(Requirement(f"{way}, {what}", CPP, at_most=most))
    title = f"IMGMETA with {COUNT:,} items ({len(data) / 1e6:.0f} MB) unpacked, checksum included"
    return Contest(title, contestants, COUNT, "items", requirements)
