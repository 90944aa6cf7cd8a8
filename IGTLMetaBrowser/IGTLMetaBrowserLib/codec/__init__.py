"""OpenIGTLink, versions 1 to 3: bytes ⇄ messages, with numpy alone.

No sockets, no clock, no files: ``pack`` and ``unpack`` take whole messages, ``Receiver`` takes
bytes as they come. ``wire`` says how texts are read, ``errors`` what can go wrong, ``messages``
has the layout of each type::

    >>> from IGTLMetaBrowserLib import codec
    >>> data = codec.pack(codec.GetMessage("IMAGE", device_name="IMAGE_0"))
    >>> len(data), codec.unpack(data).device_name
    (58, 'IMAGE_0')
"""

from .crc64 import Crc64, crc64
from .errors import (
    BodySizeError,
    ChecksumError,
    CodecError,
    DecodeError,
    EncodeError,
    GeometryError,
    HeaderVersionError,
)
from .framing import describe, pack, pack_parts, unpack
from .header import HEADER_SIZE, Header
from .messages.base import Message, register
from .messages.image import Coordinates, ImageMessage
from .messages.image_meta import ImageMetaItem, ImageMetaMessage
from .messages.query import (
    GetMessage,
    QueryMessage,
    ReturnMessage,
    StartMessage,
    StopMessage,
)
from .messages.status import StatusCode, StatusMessage
from .messages.trajectory import TrajectoryItem, TrajectoryMessage, TrajectoryType
from .messages.transform import TransformMessage
from .messages.unknown import UnknownMessage
from .receiver import DEFAULT_MAX_BODY_SIZE, Progress, Receiver, Rejected
from .scalar import ScalarType
from .timestamp import Timestamp
from .wire import cut_text, printable

__all__ = [
    "DEFAULT_MAX_BODY_SIZE",
    "HEADER_SIZE",
    "BodySizeError",
    "ChecksumError",
    "CodecError",
    "Coordinates",
    "Crc64",
    "DecodeError",
    "EncodeError",
    "GeometryError",
    "GetMessage",
    "Header",
    "HeaderVersionError",
    "ImageMessage",
    "ImageMetaItem",
    "ImageMetaMessage",
    "Message",
    "Progress",
    "QueryMessage",
    "Receiver",
    "Rejected",
    "ReturnMessage",
    "ScalarType",
    "StartMessage",
    "StatusCode",
    "StatusMessage",
    "StopMessage",
    "Timestamp",
    "TrajectoryItem",
    "TrajectoryMessage",
    "TrajectoryType",
    "TransformMessage",
    "UnknownMessage",
    "crc64",
    "cut_text",
    "describe",
    "pack",
    "pack_parts",
    "printable",
    "register",
    "unpack",
]
