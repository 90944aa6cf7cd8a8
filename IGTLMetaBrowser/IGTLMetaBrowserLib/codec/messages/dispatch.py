"""From a type name to the class that reads the content."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .base import Message, registered_class
from .query import query_class
from .unknown import UnknownMessage


def content_reader(type_name: str) -> Callable[..., Message]:
    """Return the ``unpack_content`` for messages of any type, registered or not."""
    # First: RTS_TDATA and others have fields, and so a class beyond that of their prefix.
    message_class = registered_class(type_name)
    if message_class is not None:
        return message_class.unpack_content
    query = query_class(type_name)
    if query is not None:
        return partial(query.unpack_content, data_type=type_name[len(query.prefix) :])
    return partial(UnknownMessage.unpack_content, data_type=type_name)
