"""What the OpenIGTLink C++ library (Debian's 1.11) does not pack, or does not read as it is.

All that ``test_exactness`` lets pass stands here, each with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec import charset

# Families of which the library knows no type.
NOT_KNOWN = {
    "command": "COMMAND and RTS_COMMAND came with version 3 of the protocol",
    "image_parts": "IMGPART, GET_IMGPART and IMGTHUMB are this project's own",
    "polydata_queries": "it asks for one POLYDATA, never for a stream of them",
    "video": "VIDEO and VIDEOMETA came with version 3 of the protocol",
}
# Golden messages that the library cannot pack.
NOT_PACKED = {
    "rts_image": "the library has no class for RTS_IMAGE",
    "stt_image": "the library has no class for STT_IMAGE",
    "stp_image": "the library has no class for STP_IMAGE",
    "get_transfor": "the library cuts the name further, to GET_TRANS",
    "get_vmeta": "VIDEOMETA came with version 3 of the protocol",
    "unknown": "a type that nobody defines",
    "tdata_types": "SetType() refuses types that the protocol does not define",
    "qtdata_types": "SetType() refuses types that the protocol does not define",
    "status_unusual": "SetCode() refuses codes that the protocol does not define",
    "polydata_documented": "it packs attributes of 9 components only, and no unknown types",
    "get_bind": "it packs the names of GET_BIND without padding",
    "get_bind_of_all": "without children it sends an empty list",
    "stt_bind": "SetResolution() never gets to the wire",
}
# Golden messages that the library cannot read.
NOT_READ = {
    **{
        name: NOT_PACKED[name]
        for name in ("rts_image", "stt_image", "stp_image", "get_transfor", "get_vmeta")
    },
    "unknown": NOT_PACKED["unknown"],
    "polydata_documented": "it would read beyond the end of the message",
    "get_bind_unpadded": "it refuses names without padding, although it packs them",
    "stt_bind_unpadded": "it refuses names without padding, although it packs them",
}
# Families that are not drawn.
NOT_DRAWN = {
    "queries": "the library reads nothing of a query but its header",
}


@dataclass(frozen=True)
class Defect:
    """A difference between what the library reads and what was sent.

    ``explains`` tells of a field's name, the library's value and ours whether this is why they
    differ. ``type_names`` has the types that it concerns; none stands for all.
    """

    reason: str
    explains: Callable[[str, Any, Any], bool]
    type_names: tuple[str, ...] = ()


# Fields of characters and their sizes; names have 20 bytes in TDATA and QTDATA, else 64.
_FIELD_SIZES = {
    "device_name": (20,),
    "name": (20, 64),
    "id": (20,),
    "owner": (20,),
    "group": (32,),
    "modality": (32,),
    "coordinate_name": (32,),
    "patient_name": (64,),
    "patient_id": (64,),
}


def _fills_its_field(name: str, theirs: Any, ours: Any) -> bool:
    return theirs == "" and isinstance(ours, str) and _size(ours) in _FIELD_SIZES.get(name, ())


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def _is_bytes_to_it(name: str, theirs: Any, ours: Any) -> bool:
    if name != "string":
        return False
    _, data = charset.encode(ours, name)
    return theirs.encode("utf-8", "surrogateescape") == data.split(b"\0")[0]


DEFECTS = [
    Defect(
        "a text is bytes, whatever its encoding, and ends at the first NUL",
        _is_bytes_to_it,
        ("STRING", "BIND"),
    ),
    Defect("a text that fills its field, without a NUL, is read as empty", _fills_its_field),
    Defect(
        "an error name that fills its field is read on beyond its end",
        lambda name, theirs, ours: (
            name == "error_name" and _size(ours) == 20 and theirs.startswith(ours)
        ),
        ("STATUS",),
    ),
    Defect(
        "a scalar type that the protocol does not define is read as 0",
        lambda name, theirs, ours: (
            name == "scalar_type" and theirs == 0 and ours not in set(codec.ScalarType)
        ),
        ("IMGMETA",),
    ),
    Defect(
        "an instrument's type that the protocol does not define is read as 1",
        lambda name, theirs, ours: (
            name == "type" and theirs == 1 and ours not in set(codec.InstrumentType)
        ),
        ("TDATA", "QTDATA"),
    ),
    Defect(
        "times are kept in nanoseconds, which cuts their fraction",
        lambda name, theirs, ours: name == "scan_time" and abs(theirs - ours) <= 8,
        ("IMGMETA",),
    ),
]


def differences(type_name: str, theirs: Any, ours: Any, name: str = "") -> Iterator[str]:
    """Yield each difference that no defect of the library explains."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in ours.keys() | theirs.keys():
            if key not in ours or key not in theirs:
                yield f"{key} has only {'the library' if key in theirs else 'this codec'}"
            else:
                yield from differences(type_name, theirs[key], ours[key], key)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for theirs_item, ours_item in zip(theirs, ours, strict=True):
            yield from differences(type_name, theirs_item, ours_item, name)
    elif theirs != ours and not _is_explained(type_name, theirs, ours, name):
        yield f"{name} is {ours!r}; the library reads {theirs!r}"


def _is_explained(type_name: str, theirs: Any, ours: Any, name: str) -> bool:
    return any(
        type_name in (defect.type_names or (type_name,)) and defect.explains(name, theirs, ours)
        for defect in DEFECTS
    )
