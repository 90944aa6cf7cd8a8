"""The message types that are imported when they are first met: the one place to register a type.

A family is a module of this package: a class for each type, with ``@register``. Its entry here says
which types of the wire it reads, and what ``codec`` offers of it. To import all families takes
longer than to import all else of the codec; most programs meet few. IMAGE, IMGMETA, TRAJ, STATUS,
TRANSFORM and the queries, which all meet, are imported by ``codec`` itself. Type checkers read the
names there (a test holds both together).
"""

from typing import NamedTuple


class Family(NamedTuple):
    """The types of the wire that a module reads, and its public names."""

    types: tuple[str, ...]
    names: tuple[str, ...]


FAMILIES = {
    "bind": Family(("BIND",), ("BindMessage",)),
    "bind_query": Family(
        ("GET_BIND", "STT_BIND", "RTS_BIND"),
        ("ChildName", "GetBindMessage", "RTSBindMessage", "StartBindMessage"),
    ),
    "capability": Family(("CAPABILITY",), ("CapabilityMessage",)),
    "color_table": Family(
        ("COLORT", "COLORTABLE"), ("ColorTableMessage", "LongNamedColorTableMessage")
    ),
    "command": Family(("COMMAND", "RTS_COMMAND"), ("CommandMessage", "RTSCommandMessage")),
    "image_part": Family(
        ("IMGPART", "GET_IMGPART"), ("GetImagePartMessage", "ImagePartMessage", "PartEncoding")
    ),
    "label_meta": Family(("LBMETA",), ("LabelMetaItem", "LabelMetaMessage")),
    "ndarray": Family(("NDARRAY",), ("NDArrayMessage",)),
    "point": Family(("POINT",), ("PointItem", "PointMessage")),
    "polydata": Family(
        ("POLYDATA", "STT_POLYDATA", "RTS_POLYDATA"),
        ("PolyDataMessage", "RTSPolyDataMessage", "StartPolyDataMessage"),
    ),
    "polydata_attributes": Family((), ("PolyDataAttribute", "PolyDataAttributeType")),
    "polydata_cells": Family((), ("CellArray",)),
    "position": Family(("POSITION", "QTRANS"), ("PositionMessage", "QuaternionTransformMessage")),
    "quaternion_tracking": Family(
        ("QTDATA", "STT_QTDATA", "RTS_QTDATA"),
        (
            "QuaternionTrackingDataItem",
            "QuaternionTrackingDataMessage",
            "RTSQuaternionTrackingDataMessage",
            "StartQuaternionTrackingDataMessage",
        ),
    ),
    "sensor": Family(("SENSOR",), ("SensorMessage",)),
    "string": Family(("STRING",), ("StringMessage",)),
    "thumbnail": Family(("IMGTHUMB",), ("ThumbnailMessage", "ThumbnailPlane")),
    "tracking": Family(
        ("TDATA", "STT_TDATA", "RTS_TDATA"),
        (
            "InstrumentType",
            "RTSTrackingDataMessage",
            "StartTrackingDataMessage",
            "TrackingDataItem",
            "TrackingDataMessage",
        ),
    ),
    "video": Family(("VIDEO", "STT_VIDEO"), ("StartVideoMessage", "VideoMessage")),
    "video_meta": Family(("VIDEOMETA",), ("VideoMetaItem", "VideoMetaMessage")),
}

MODULE_OF_TYPE = {name: module for module, family in FAMILIES.items() for name in family.types}
MODULE_OF_NAME = {name: module for module, family in FAMILIES.items() for name in family.names}
