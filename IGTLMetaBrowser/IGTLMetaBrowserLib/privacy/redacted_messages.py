"""Messages without what tells whose they are: for recordings that are given away.

What is known to be harmless is kept: geometry, positions, types, sizes, colors. Everything else is
replaced: ids and names by numbered ones, the same for the same, pixels by zeros of the same size,
metadata, free texts and times by nothing. Messages of types that are not known here keep their
size, and their content becomes zeros, as that of a compressed part that claims to be large.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np

from .. import codec
from ..codec.messages.items import ItemListMessage
from ..net.list_metadata.identity import CLIENT, SERVER, WITHOUT_ITEMS
from ..turns import at_once
from .kept_texts import is_group, is_modality

_ITEMS_AT_ONCE = 200
_PARTS = (codec.GetImagePartMessage, codec.ImagePartMessage, codec.ThumbnailMessage)
# Of a compressed part: its zeros take what it claims, up to 1032 × of what came.
_LARGEST_PART = 64 << 20
# Names that have numbers, so that a stream of ever new ones does not fill the memory. Those beyond
# have a hash, the same for the same; its key is nowhere else, so nobody can try names against it.
_MOST_NUMBERED = 1_000_000
# Of metadata these alone, the same for everybody: by them our two ends know each other.
_PROGRAMS = (*CLIENT.items(), *SERVER.items(), *WITHOUT_ITEMS.items())
# These hold numbers and names of types alone; of all others texts or pixels are left out.
_KEPT = ("TRANSFORM", "POSITION", "QTRANS", "CAPABILITY", "COLORT", "COLORTABLE")

# Which texts of these fields are words of a system.
_KEPT_WORDS = {"modality": is_modality, "group": is_group}


class MessageRedactor:
    """Redacts the messages of a conversation; one for both ends, so that ids stay the same."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._secret = secrets.token_bytes(16)

    def redact(self, message: codec.Message) -> codec.Message:
        """Return a message that tells nobody's name."""
        return at_once(self.redacting(message))

    def redacting(self, message: codec.Message) -> Generator[bytes, None, codec.Message]:
        """Return what ``redact`` does, in steps of milliseconds; each yields no bytes."""
        metadata = {key: text for key, text in message.metadata.items() if (key, text) in _PROGRAMS}
        message = replace(
            message,
            device_name=self._id(message.device_name),
            metadata=metadata,
            # Servers send when an image was taken.
            timestamp=codec.Timestamp(0),
        )
        if isinstance(message, codec.ImageMessage):
            # Not zeros_like, which fills them: 512 MiB take a second, and as much memory.
            zeros = np.zeros(message.pixels.shape, message.pixels.dtype)
            return replace(message, pixels=zeros)
        if isinstance(message, _PARTS) and not _claims_much(message):
            return self._without_voxels(message)
        if isinstance(message, codec.QueryMessage) and len(b"".join(message.pack_content())) < 2:
            return message
        if isinstance(message, codec.StatusMessage):
            return replace(message, message="", error_name="")
        if isinstance(message, codec.StringMessage):
            return replace(message, string="")
        if isinstance(message, ItemListMessage):
            return (yield from self._without_names(message))
        if message.type_name in _KEPT:
            return message
        size = sum(map(len, message.pack_content()))
        fields = {
            name: getattr(message, name)
            for name in ("device_name", "timestamp", "header_version", "message_id")
        }
        return codec.UnknownMessage(message.type_name, bytes(size), **fields)

    def _without_voxels(self, message: Any) -> codec.Message:
        """Return a part, a thumbnail or the question for one; a tag tells of the voxels, too."""
        message = replace(message, tag=self._numbered("tag", message.tag) if message.tag else "")
        if isinstance(message, codec.ImagePartMessage):
            raw = codec.PartEncoding.RAW
            return replace(message, data=bytes(message.byte_count), encoding=raw)
        if isinstance(message, codec.ThumbnailMessage):
            planes = [replace(p, pixels=np.zeros_like(p.pixels)) for p in message.planes]
            return replace(message, planes=planes)
        return message

    def _without_names(self, message: ItemListMessage) -> Generator[bytes, None, codec.Message]:
        items = []
        for number, item in enumerate(message.items, start=1):
            items.append(self._without_name(item))
            if number % _ITEMS_AT_ONCE == 0:
                yield b""
        return replace(message, items=items)

    def _without_name(self, item: Any) -> Any:
        changes: dict[str, Any] = {}
        for name in item.columns.names:
            value = getattr(item, name, None)
            if not isinstance(value, str) or not value:
                continue
            if name in ("id", "owner"):  # an owner is the id of an image
                changes[name] = self._id(value)
            elif not (kept := _KEPT_WORDS.get(name)) or not kept(value):
                changes[name] = self._numbered(name, value)
        if hasattr(item, "scan_time"):
            changes["scan_time"] = codec.Timestamp(0)
        return replace(item, **changes)

    def _id(self, text: str) -> str:
        return self._numbered("id", text) if text else ""

    def _numbered(self, kind: str, text: str) -> str:
        key, shown = (kind, text), kind.replace("_", " ")
        if key not in self._numbers and len(self._numbers) >= _MOST_NUMBERED:
            name = text.encode("utf-8", "surrogateescape")
            return f"{shown} {hashlib.blake2b(name, digest_size=8, key=self._secret).hexdigest()}"
        return f"{shown} {self._numbers.setdefault(key, len(self._numbers) + 1)}"


def _claims_much(message: codec.Message) -> bool:
    if not isinstance(message, codec.ImagePartMessage):
        return False
    return message.encoding != codec.PartEncoding.RAW and message.byte_count > _LARGEST_PART
