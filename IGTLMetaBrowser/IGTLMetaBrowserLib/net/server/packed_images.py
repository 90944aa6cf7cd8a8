"""Images packed once for all clients that ask for them, within a limit of memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary, WeakValueDictionary

from ... import codec
from ..source import NotReadyError, OffersImageVersions, OffersStreams, Source, SourceError

# How soon who waits for memory asks again.
_RETRY_SECONDS = 0.05
_SECONDS_BETWEEN_CHECKS = 1.0
# Of an image of 1000 slices, each slice.
_MOST_PARTS = 1024
# However small they are: all are counted for each image that is asked for.
_MOST_KEPT = 1024
# Of those that are kept, in one turn: to look at the files of an image can take some ms.
_CHECKED_AT_ONCE = 4


class NoRoomError(NotReadyError):
    """Others must be sent their images first."""

    def __init__(self) -> None:
        super().__init__(_RETRY_SECONDS)


@dataclass(eq=False)
class PackedImage:
    """An image and its bytes; it lives as long as somebody sends it, or it is kept."""

    content: codec.PackedContent
    # See ``version_key``.
    key: tuple[str, Hashable] | None = None
    # What the source says of its version, see ``OffersArrivingImages.image_tag``.
    known_tag: str = ""
    # What stands for its memory, of an image that is not whole yet.
    counted: PackedImage | None = None
    # Of an image: the parts of it that lie in its own memory, by what they are.
    parts: dict[Hashable, PackedImage] = field(default_factory=dict)
    # When the source said the last time that it is the one that it has.
    checked_at: float = 0.0

    def keep_part(self, key: Hashable, part: PackedImage) -> None:
        """Keep a part that takes no memory of its own, for the next who asks for it."""
        if len(self.parts) >= _MOST_PARTS:
            self.parts.clear()
        self.parts[key] = part

    @property
    def tag(self) -> str:
        """What is another after each change of voxels or place.

        The same after a restart, as it is made of the content alone if the source knows none: then
        ``sum_for`` has to be done.
        """
        return self.known_tag or f"{self.content.crc:016x}-{self.content.size:x}"

    def sum_for(self, seconds: float) -> bool:
        """Compute the checksum, for about ``seconds``; return whether it is done.

        It takes 50 ms for 157 MB, in which others have their turns.
        """
        end = time.monotonic() + seconds
        while not self.content.sum_some():
            if time.monotonic() >= end:
                return False
        return True


def version_key(source: Source, image_id: str) -> tuple[str, Hashable] | None:
    """Return what an image is known by; None if it may be another each time."""
    if not isinstance(source, OffersImageVersions):
        return None
    return image_id, source.image_version(image_id)


class PackedImages:
    """The images of ``source``, packed: those that are being sent, and those that were, last.

    They have at most ``limit`` bytes together, and one image more. Whoever sends an image holds
    the ``PackedImage``; images of sources that tell their versions are kept for the next who asks.
    """

    def __init__(self, source: Source, limit: int) -> None:
        self._source = source
        self._limit = limit
        self._kept: OrderedDict[tuple[str, Hashable], PackedImage] = OrderedDict()
        # Those of them that ``forget_changed`` has not looked at since it has looked at all.
        self._unchecked: list[tuple[str, Hashable]] = []
        self._in_memory: WeakValueDictionary[Hashable, PackedImage] = WeakValueDictionary()
        # Bytes of copies that are being made, by who makes them.
        self._reserved: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        self._for_parts: WeakValueDictionary[str, PackedImage] = WeakValueDictionary()
        # The one image more: one larger than the limit would be read for each of its parts.
        self._last_in_parts: PackedImage | None = None

    @property
    def size(self) -> int:
        """Bytes of all packed images in memory, and of copies that are being made."""
        packed = sum(image.content.size for image in self._in_memory.values())
        return packed + sum(self._reserved.values())

    def get(self, image_id: str) -> PackedImage:
        """Return an image; its checksum may still have to be computed.

        Raises what the source raises, and ``NoRoomError``.
        """
        key = version_key(self._source, image_id)
        image = self._in_memory.get(key) or self._load(image_id, key)
        if key is not None:
            self._kept[key] = image
            self._kept.move_to_end(key)
            self._forget(self._limit)
        return image

    def get_for_part(self, image_id: str, tag: str) -> PackedImage:
        """Return an image as ``get`` does, or, for a part of the version ``tag``, as that did a
        moment ago.

        To look at all files of an image again for each of its parts would take longer than to send
        them. Parts of one ``PackedImage`` are of one version in any case; whoever has none yet
        may have a list that is newer.
        """
        now = time.monotonic()
        image = self._for_parts.get(image_id)
        is_old = image is None or now - image.checked_at > _SECONDS_BETWEEN_CHECKS
        if image is None or not tag or is_old or isinstance(self._source, OffersStreams):
            image = self._for_parts[image_id] = self.get(image_id)
            image.checked_at = now
            # Of a source that tells no versions the next part may be of another image.
            self._last_in_parts = image if isinstance(self._source, OffersImageVersions) else None
        return image

    def is_current(self, image_id: str, image: PackedImage) -> bool:
        """Whether the voxels of an image are still those that were summed.

        Those of sources whose images change while they are served are not copied.
        """
        if not isinstance(self._source, OffersStreams):
            return True
        key = version_key(self._source, image_id)
        return key is None or self._in_memory.get(key) is image

    def has(self, image_id: str, tag: str = "") -> bool:
        """Whether an image is in memory: as it is now, or, for a part of the version ``tag``, as
        it was. Raises what the source raises.
        """
        if tag and image_id in self._for_parts:
            return True
        key = version_key(self._source, image_id)
        return key is not None and key in self._in_memory

    def reserve(self, owner: object, byte_count: int, beside: PackedImage) -> None:
        """Count the memory of a copy of a part of ``beside``, as long as ``owner`` makes it.

        Raises ``NoRoomError`` if there is none.
        """
        self._require_room(beside.content.size)
        self._reserved[owner] = byte_count

    def count(self, part: PackedImage, owner: object) -> None:
        """Count the memory of the copy that ``owner`` has made, as long as somebody sends it."""
        del self._reserved[owner]
        self._in_memory[object()] = part

    def count_growing(self, message: codec.ImageMessage) -> PackedImage:
        """Count the memory of an image that grows, once for all who keep what is returned.

        Raises ``NoRoomError`` if there is none.
        """
        key = id(message.pixels)  # which live as long as this is kept
        counted = self._in_memory.get(key)
        if counted is None:
            self._require_room()
            counted = self._in_memory[key] = PackedImage(codec.PackedContent(message))
        return counted

    def forget_changed(self) -> None:
        """Forget images that are no longer what the source has under their ids.

        A few of those that are kept are looked at, and the next few the next time: a 4D series can
        have a thousand images, of many files each.
        """
        self._last_in_parts = None
        self._unchecked = self._unchecked or [*self._kept]
        checked = self._unchecked[-_CHECKED_AT_ONCE:]
        del self._unchecked[-_CHECKED_AT_ONCE:]
        for key in checked:
            if key in self._kept and not self._may_be_current(key):
                del self._kept[key]

    def _may_be_current(self, key: tuple[str, Hashable]) -> bool:
        """Whether an image is what the source has under its id, as far as that is known now."""
        try:
            return version_key(self._source, key[0]) == key
        except SourceError:
            return False
        except NotReadyError:
            return True

    def _load(self, image_id: str, key: tuple[str, Hashable] | None) -> PackedImage:
        self.forget_changed()
        self._require_room()
        message = self._source.image(image_id)
        image = PackedImage(codec.PackedContent(message), key, self._tag(image_id, message))
        self._in_memory[object() if key is None else key] = image
        return image

    def _tag(self, image_id: str, message: codec.ImageMessage) -> str:
        tag = getattr(self._source, "image_tag", None)
        return "" if tag is None else tag(image_id, message)

    def _require_room(self, beside: int = 0) -> None:
        """Forget what has to be for one image more, or a copy of one that has ``beside`` bytes.

        Raises ``NoRoomError``.
        """
        self._forget(self._limit - 1)
        if self._is_full(beside):
            self._last_in_parts = None  # who wanted parts of it may want no more
        if self._is_full(beside):
            raise NoRoomError

    def _is_full(self, beside: int) -> bool:
        """Whether others have all memory. The only one is made whatever the limit is."""
        others = self.size - beside
        return others > 0 and others >= self._limit

    def _forget(self, limit: int) -> None:
        """Forget the images that nobody has asked for the longest, until the rest fits."""
        size = self.size
        while self._kept and (size > limit or len(self._kept) > _MOST_KEPT):
            key, image = self._kept.popitem(last=False)
            byte_count = image.content.size
            del image
            if key not in self._in_memory:  # nobody is sent it
                size -= byte_count
