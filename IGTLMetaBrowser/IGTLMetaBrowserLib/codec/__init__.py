"""OpenIGTLink, versions 1 to 3: bytes ⇄ messages, with numpy alone.

No sockets, no clock, no files: ``pack`` and ``unpack`` take whole messages, ``Receiver`` takes
bytes as they come. ``wire`` says how texts are read, ``errors`` what can go wrong, ``messages``
has the layout of each type, ``text_rows`` where a text stands in a long list, ``pieces`` what can
be copied in a turn of an event loop::

    >>> from IGTLMetaBrowserLib import codec
    >>> data = codec.pack(codec.GetMessage("IMAGE", device_name="IMAGE_0"))
    >>> len(data), codec.unpack(data).device_name
    (58, 'IMAGE_0')
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .charset import EncodedText
from .crc64 import Crc64, crc64
from .errors import (
    BodyMemoryError,
    BodySizeError,
    ChecksumError,
    CodecError,
    DecodeError,
    EmptyContentError,
    EncodeError,
    GeometryError,
    HeaderVersionError,
    MissingChecksumError,
    ParsedSizeError,
)
from .framing import describe, pack, pack_parts, unpack
from .growing import FILLER, GrowingContent
from .header import HEADER_SIZE, Header
from .messages.base import Message, register
from .messages.families import MODULE_OF_NAME
from .messages.image import Coordinates, ImageMessage
from .messages.image_meta import ImageMetaItem, ImageMetaMessage
from .messages.query import GetMessage, QueryMessage, ReturnMessage, StartMessage, StopMessage
from .messages.status import StatusCode, StatusMessage
from .messages.trajectory import TrajectoryItem, TrajectoryMessage, TrajectoryType
from .messages.transform import TransformMessage
from .messages.unknown import UnknownMessage
from .packed import PackedContent
from .receiver import DEFAULT_MAX_BODY_SIZE, Progress, Receiver, Rejected
from .scalar import ScalarType
from .timestamp import Timestamp
from .wire import brief, cut_text, printable, readable

if TYPE_CHECKING:  # what is imported when it is first asked for, for those who check types
    from .messages.bind import BindMessage
    from .messages.bind_query import ChildName, GetBindMessage, RTSBindMessage, StartBindMessage
    from .messages.capability import CapabilityMessage
    from .messages.color_table import ColorTableMessage, LongNamedColorTableMessage
    from .messages.command import CommandMessage, RTSCommandMessage
    from .messages.image_part import GetImagePartMessage, ImagePartMessage, PartEncoding
    from .messages.label_meta import LabelMetaItem, LabelMetaMessage
    from .messages.ndarray import NDArrayMessage
    from .messages.point import PointItem, PointMessage
    from .messages.polydata import PolyDataMessage, RTSPolyDataMessage, StartPolyDataMessage
    from .messages.polydata_attributes import PolyDataAttribute, PolyDataAttributeType
    from .messages.polydata_cells import CellArray
    from .messages.position import PositionMessage, QuaternionTransformMessage
    from .messages.quaternion_tracking import (
        QuaternionTrackingDataItem,
        QuaternionTrackingDataMessage,
        RTSQuaternionTrackingDataMessage,
        StartQuaternionTrackingDataMessage,
    )
    from .messages.sensor import SensorMessage
    from .messages.string import StringMessage
    from .messages.thumbnail import ThumbnailMessage, ThumbnailPlane
    from .messages.tracking import (
        InstrumentType,
        RTSTrackingDataMessage,
        StartTrackingDataMessage,
        TrackingDataItem,
        TrackingDataMessage,
    )
    from .messages.video import StartVideoMessage, VideoMessage
    from .messages.video_meta import VideoMetaItem, VideoMetaMessage
    from .unit import SIPrefix, SIUnit, Unit

# Of these modules, like of the families, a name is imported when it is first asked for.
_MODULE_OF_NAME = {name: f".messages.{module}" for name, module in MODULE_OF_NAME.items()}
_MODULE_OF_NAME |= dict.fromkeys(("SIPrefix", "SIUnit", "Unit"), ".unit")

__all__ = [
    "DEFAULT_MAX_BODY_SIZE",
    "FILLER",
    "HEADER_SIZE",
    "BindMessage",
    "BodyMemoryError",
    "BodySizeError",
    "CapabilityMessage",
    "CellArray",
    "ChecksumError",
    "ChildName",
    "CodecError",
    "ColorTableMessage",
    "CommandMessage",
    "Coordinates",
    "Crc64",
    "DecodeError",
    "EmptyContentError",
    "EncodeError",
    "EncodedText",
    "GeometryError",
    "GetBindMessage",
    "GetImagePartMessage",
    "GetMessage",
    "GrowingContent",
    "Header",
    "HeaderVersionError",
    "ImageMessage",
    "ImageMetaItem",
    "ImageMetaMessage",
    "ImagePartMessage",
    "InstrumentType",
    "LabelMetaItem",
    "LabelMetaMessage",
    "LongNamedColorTableMessage",
    "Message",
    "MissingChecksumError",
    "NDArrayMessage",
    "PackedContent",
    "ParsedSizeError",
    "PartEncoding",
    "PointItem",
    "PointMessage",
    "PolyDataAttribute",
    "PolyDataAttributeType",
    "PolyDataMessage",
    "PositionMessage",
    "Progress",
    "QuaternionTrackingDataItem",
    "QuaternionTrackingDataMessage",
    "QuaternionTransformMessage",
    "QueryMessage",
    "RTSBindMessage",
    "RTSCommandMessage",
    "RTSPolyDataMessage",
    "RTSQuaternionTrackingDataMessage",
    "RTSTrackingDataMessage",
    "Receiver",
    "Rejected",
    "ReturnMessage",
    "SIPrefix",
    "SIUnit",
    "ScalarType",
    "SensorMessage",
    "StartBindMessage",
    "StartMessage",
    "StartPolyDataMessage",
    "StartQuaternionTrackingDataMessage",
    "StartTrackingDataMessage",
    "StartVideoMessage",
    "StatusCode",
    "StatusMessage",
    "StopMessage",
    "StringMessage",
    "ThumbnailMessage",
    "ThumbnailPlane",
    "Timestamp",
    "TrackingDataItem",
    "TrackingDataMessage",
    "TrajectoryItem",
    "TrajectoryMessage",
    "TrajectoryType",
    "TransformMessage",
    "Unit",
    "UnknownMessage",
    "VideoMessage",
    "VideoMetaItem",
    "VideoMetaMessage",
    "brief",
    "crc64",
    "cut_text",
    "describe",
    "pack",
    "pack_parts",
    "printable",
    "readable",
    "register",
    "unpack",
]


if not TYPE_CHECKING:  # who checks types shall be told of names that do not exist

    def __getattr__(name: str) -> Any:
        """Import a class when it is first asked for."""
        if name not in _MODULE_OF_NAME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # From then on the module has it, and Python does not ask here any more.
        value = globals()[name] = getattr(import_module(_MODULE_OF_NAME[name], __name__), name)
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
