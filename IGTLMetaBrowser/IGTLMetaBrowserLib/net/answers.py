"""What a source answers to each query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from .. import codec
from .source import OffersColorTables, OffersLabelMaps, OffersMetadata, OffersPoints, Source

ListedItem = TypeVar("ListedItem", codec.ImageMetaItem, codec.LabelMetaItem)


def answer(source: Source, query: codec.QueryMessage) -> codec.Message | None:
    """Return the answer to a query, or None where the source knows no such query.

    Raises what the source raises (``SourceError``, ``NotReadyError``).
    """
    if not isinstance(query, codec.GetMessage):
        return None
    name = query.device_name
    if query.data_type == "IMGMETA":
        return _listing(source, name)
    if query.data_type == "IMAGE":
        return source.image(name)
    if query.data_type == "TRAJ":
        return codec.TrajectoryMessage(items=source.trajectories())
    if query.data_type == "LBMETA" and isinstance(source, OffersLabelMaps):
        return codec.LabelMetaMessage(items=_meant(source.label_maps(), name))
    if query.data_type == "COLORT" and isinstance(source, OffersColorTables):
        return source.color_table(name)
    if query.data_type == "POINT" and isinstance(source, OffersPoints):
        return codec.PointMessage(items=source.points())
    if query.data_type == "STATUS":
        return codec.StatusMessage(message="ready")
    return None


def _listing(source: Source, name: str) -> codec.ImageMetaMessage:
    """Return the list of images; with the one that is asked for by its id comes its metadata."""
    items = _meant(source.images(), name)
    is_one = len(items) == 1 and items[0].id == name
    metadata = source.metadata(name) if is_one and isinstance(source, OffersMetadata) else {}
    return codec.ImageMetaMessage(items=items, metadata=metadata)


def _meant(items: Sequence[ListedItem], name: str) -> Sequence[ListedItem]:
    """Return what is listed under the id ``name``, or all.

    Clients put their own name there, too: what is no id asks for the whole list.
    """
    return [item for item in items if name and item.id == name] or items
