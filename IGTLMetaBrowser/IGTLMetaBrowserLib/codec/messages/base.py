"""What all messages have in common, and the registry of their types."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from importlib import import_module
from typing import Any, ClassVar, TypeVar

from ..arrays import equal_fields
from ..header import TYPE_NAME_SIZE
from ..timestamp import NOT_SET, Timestamp
from ..wire import Buffer, encode_text
from .families import MODULE_OF_TYPE


@dataclass(kw_only=True, eq=False)
class Message(ABC):
    """Base of all messages: the fields of the header and of the extended header.

    Subclasses are ``@dataclass(eq=False)``: this class says when messages are equal.

    device_name
        Who sends the message, or in a query what is asked for; at most 20 bytes of UTF-8.
    timestamp
        When the content was made; 0 is "not set".
    header_version
        1 (protocol 1 and 2), or 2 (protocol 3: with message id and metadata).
    message_id
        Chosen by the sender, 0 to 2³²−1. Version 2 only.
    metadata
        Keys and values. Version 2 only: packing metadata under version 1 is an error.
    """

    wire_type: ClassVar[str]

    device_name: str = ""
    timestamp: Timestamp = NOT_SET
    header_version: int = 1
    message_id: int = 0
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def type_name(self) -> str:
        """The type name in the header, at most 12 characters."""
        return self.wire_type

    @abstractmethod
    def pack_content(self) -> Sequence[Buffer]:
        """Return the content in pieces that follow each other on the wire.

        Raises ``EncodeError`` if a field does not fit its place.
        """

    @classmethod
    @abstractmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> Message:
        """Read the content; ``header_fields`` are the fields of this base class.

        The message may keep views of ``content`` and, if it is writable, change it.
        Raises ``DecodeError``.
        """

    def __eq__(self, other: object) -> bool:
        """Whether type and all fields are equal; arrays are equal if their types and values are."""
        if type(other) is not type(self):
            return NotImplemented
        return equal_fields(self, other)

    __hash__ = None  # type: ignore[assignment]


def registered_types() -> Collection[str]:
    """Return the wire's names of all registered types."""
    return _message_classes.keys() | MODULE_OF_TYPE.keys()


def member_or_number(enumeration: type[IntEnum]) -> Callable[[int], IntEnum | int]:
    """Return what gives the member for a number, or the number if a peer sent another."""
    members = {int(member): member for member in enumeration}
    return lambda number: members.get(number, number)


MessageClass = TypeVar("MessageClass", bound=type[Message])

_message_classes: dict[str, type[Message]] = {}


def register(message_class: MessageClass) -> MessageClass:
    """Make the codec read messages of the type ``message_class.wire_type`` with that class.

    A decorator. Applications register types of their own with it, too; the last one wins. Raises
    ``EncodeError`` for a name of more than 12 bytes, which no header could hold.
    """
    encode_text(message_class.wire_type, TYPE_NAME_SIZE, "wire type")
    # A family that is imported later must not take the type back.
    registered_class(message_class.wire_type)
    _message_classes[message_class.wire_type] = message_class
    return message_class


def registered_class(type_name: str) -> type[Message] | None:
    """Return the class that reads messages of a type, or None if there is none."""
    known = _message_classes.get(type_name)
    if known is None and type_name in MODULE_OF_TYPE:
        import_module(f".{MODULE_OF_TYPE[type_name]}", __package__)
        known = _message_classes.get(type_name)
    return known
