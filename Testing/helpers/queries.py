"""Queries that are asked and answered without sockets."""

from __future__ import annotations

from helpers.peers import make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.queries import Queries

TIMEOUT = 15.0


def ask(queries: Queries, data_type: str, device_name: str = "", now: float = 0.0) -> net.Query:
    query = net.Query(data_type, device_name)
    queries.add(query, now)
    return query


def image(device_name: str, slices: int = 2, shade: int = 1) -> codec.ImageMessage:
    return make_image(shade, (4, 3, slices), device_name)


def listed(queries: Queries, *ids: str, **slices: int) -> None:
    """Let the server list images as ``image`` makes them; ``ids`` have 2 slices."""
    items = [
        codec.ImageMetaItem(id=id_, size=(4, 3, count), scalar_type=codec.ScalarType.UINT16)
        for id_, count in {**dict.fromkeys(ids, 2), **slices}.items()
    ]
    ask(queries, "IMGMETA")
    queries.match(codec.ImageMetaMessage(items=items))


def rejected(type_name: str, device_name: str = "", body_size: int = 80) -> codec.Rejected:
    header = codec.Header(1, type_name, device_name, codec.Timestamp(0), body_size, 0)
    return codec.Rejected(header, codec.DecodeError("its bytes make no sense"))
