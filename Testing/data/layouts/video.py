"""VIDEO, STT_VIDEO, STP_VIDEO and VIDEOMETA."""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[str, Any]

UNIT_AXES = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
# Row by row: the columns are the axes times the size of a pixel, and the position.
MATRIX = [0.0, -0.5, 0.0, 10.5, 0.25, 0.0, 0.0, -20.0, 0.0, 0.0, 2.0, 30.0]


def video(frame: str, codec: str, frame_type: int, coordinates: int, **others: Any) -> Fields:
    """Return the fields of a frame; ``others`` are those that are not as usual."""
    return {
        "frame": frame,
        "codec": codec,
        "size": [640, 480, 1],
        "frame_type": frame_type,
        "matrix": {"dtype": "float64", "shape": [3, 4], "values": MATRIX},
        "coordinates": coordinates,
        "endian": 2,
        "offset": [0, 0, 0],
        "part": None,
        **others,
    }


def item(name: str, matrix: list[float], scalar_type: int, **others: Any) -> Fields:
    """Return one video of a list."""
    return {
        "name": name,
        "device_name": "Laparoscope",
        "patient_name": "Doe^Jane",
        "patient_id": "4711",
        "zoom_level": -2,
        "focal_length": 0.1,
        "size": [1920, 1080, 1],
        "matrix": matrix,
        "scalar_type": scalar_type,
        **others,
    }


LONG_TEXTS = {"device_name": "D" * 64, "patient_name": "P" * 64, "patient_id": "Q" * 64}

CONTENTS = [
    ("video", "VIDEO", "Laparoscope", video("deadbeef00ff", "VP90", 1, 1)),
    # Gray, from big-endian pixels, without a frame, of a part of the image.
    (
        "video_part",
        "VIDEO",
        "Laparoscope",
        video("", "I420", 0x200, 2, endian=1, offset=[65535, 2, 3], part=[1, 65535, 0]),
    ),
    ("video_unusual", "VIDEO", "", video("00", "", 65535, 0, endian=255, size=[0, 0, 0])),
    ("stt_video", "STT_VIDEO", "Laparoscope", {"codec": "H264", "time_interval": 40}),
    ("stt_video_fast", "STT_VIDEO", "Laparoscope", {"codec": "", "time_interval": 0}),
    ("stp_video", "STP_VIDEO", "Laparoscope", {"data_type": "VIDEO", "content": ""}),
    (
        "video_meta",
        "VIDEOMETA",
        "Server",
        {
            "items": [
                item("Über dem Tisch", [0.0, 0.25, 0.0, *UNIT_AXES], 3),
                item("N" * 64, [*UNIT_AXES, 1.5, -2.0, 2.0**100], 99, **LONG_TEXTS),
            ]
        },
    ),
    ("video_meta_empty", "VIDEOMETA", "Server", {"items": []}),
]


def pack_video(fields: Fields) -> bytes:
    """Return the frame's header, 76 bytes, and the frame."""
    rows = fields["matrix"]["values"]
    return struct.pack(
        ">HB4sHB3H12f3H3H",
        1,
        fields["endian"],
        fields["codec"].encode(),
        fields["frame_type"],
        fields["coordinates"],
        *fields["size"],
        *(rows[4 * row + column] for column in range(4) for row in range(3)),
        *fields["offset"],
        *(fields["part"] or fields["size"]),
    ) + bytes.fromhex(fields["frame"])


def pack_start(fields: Fields) -> bytes:
    """Return codec, interval, and the byte that the library adds."""
    return struct.pack(">4sIB", fields["codec"].encode(), fields["time_interval"], 0)


def pack_stop(fields: Fields) -> bytes:
    """Return the content, written in hexadecimal."""
    return bytes.fromhex(fields["content"])


def pack_video_meta(fields: Fields) -> bytes:
    """Return items of 322 bytes."""
    return b"".join(
        struct.pack(
            ">64s64s64s64shd3H12fBB",
            *(each[key].encode() for key in ("name", "device_name")),
            *(each[key].encode() for key in ("patient_name", "patient_id")),
            each["zoom_level"],
            each["focal_length"],
            *each["size"],
            *each["matrix"],
            each["scalar_type"],
            0,
        )
        for each in fields["items"]
    )


PACKERS = {
    "VIDEO": pack_video,
    "STT_VIDEO": pack_start,
    "STP_VIDEO": pack_stop,
    "VIDEOMETA": pack_video_meta,
}
