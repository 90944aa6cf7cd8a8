"""Which of the images that come unasked are of a stream, and of the patient whom the list names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ... import codec, net
from ...net.client.listed_images import is_same_entry
from ..connection import ServerConnection
from .image_metadata import ImageMetadata
from .list_requests import ListRequests
from .live_images import MOST_LIVE_IMAGES, LiveImages
from .scene_images import SceneImages

# Of what may be shown when the list has come. One alone may be larger.
_MOST_KEPT_BYTES = 64 << 20


class _Kept(NamedTuple):
    """An image, and what the list of an earlier connection says of it.

    Of a label map, ``before`` is the entry of the image that it belongs to.
    """

    image: codec.ImageMessage
    before: codec.ImageMetaItem | None
    is_behind_list: bool


class UnaskedImages:
    """Judges what the server of ``connection`` sends unasked, before ``live`` shows it."""

    def __init__(
        self,
        connection: ServerConnection,
        metadata: ImageMetadata,
        in_scene: SceneImages,
        live: LiveImages,
        list_requests: ListRequests,
    ) -> None:
        self._connection = connection
        self._metadata = metadata
        self._in_scene = in_scene
        self._live = live
        self._list_requests = list_requests
        self._names_seen_once: set[str] = set()
        self._confirmed_over = 0  # the number of the connection
        # The last one of each name, of the connection with this number.
        self._kept: dict[str, _Kept] = {}
        self._kept_over = 0

    def forget(self) -> None:
        """Begin with another server."""
        self._names_seen_once.clear()
        self.forget_kept()

    def forget_kept(self) -> None:
        """The list will not come that says of which patient images are."""
        self._kept = {}

    def is_to_be_shown(
        self, image: codec.ImageMessage, awaited: codec.ImageMetaItem | None, is_behind_list: bool
    ) -> bool:
        """Whether to show an image; ``awaited`` is the entry of the one that is being fetched.

        If it is listed, but by a list of an earlier connection, the list is asked for: an image
        that is sent once may be shown when that has come, see ``take_confirmed``.
        """
        if self._is_listed(image) and not self._list_requests.is_current:
            self._keep(image, is_behind_list)
            self._confirm_once()
            return False
        return not self._may_be_a_damaged_answer(image, awaited)

    def take_confirmed(self) -> list[codec.ImageMessage]:
        """Return, once, the images whose patient is known now that a list has come.

        They came over the same connection behind the list, or it says of them what the one before
        said: an image that came before a list that says something else may be of either patient.
        """
        kept, self._kept = self._kept, {}
        if self._kept_over != self._connection.number or not self._list_requests.is_current:
            return []
        return [
            one.image
            for one in kept.values()
            if one.is_behind_list or is_same_entry(one.before, self._entry(one.image))
        ]

    def of_the_list(self, events: Sequence[net.ClientEvent]) -> Iterator[codec.ImageMessage]:
        """Yield the images that are not listed, or by a list of the same connection."""
        is_current = self._list_requests.is_current
        for event in events:
            if isinstance(event, net.Connected):
                is_current = False
            image = event.message if isinstance(event, net.Unsolicited) else None
            if isinstance(image, codec.ImageMessage) and (is_current or not self._is_listed(image)):
                yield image

    def _keep(self, image: codec.ImageMessage, is_behind_list: bool) -> None:
        if self._kept_over != self._connection.number:
            self._kept, self._kept_over = {}, self._connection.number
        name = image.device_name
        self._kept.pop(name, None)
        if image.is_subvolume:  # those around it were not kept
            return
        self._kept[name] = _Kept(image, self._entry(image), is_behind_list)
        while len(self._kept) > 1 and self._kept_bytes() > _MOST_KEPT_BYTES:
            self._kept.pop(next(iter(self._kept)))

    def _kept_bytes(self) -> int:
        return sum(one.image.pixels.nbytes for one in self._kept.values())

    def _entry(self, image: codec.ImageMessage) -> codec.ImageMetaItem | None:
        return self._metadata.listing.entry(self._in_scene.listed_id(image.device_name))

    def _is_listed(self, image: codec.ImageMessage) -> bool:
        return self._in_scene.listed_id(image.device_name) in self._metadata.listing

    def _confirm_once(self) -> None:
        """Ask for the list, once over each connection: a server may stream and refuse it."""
        if self._confirmed_over != self._connection.number:
            self._confirmed_over = self._connection.number
            self._list_requests.confirm()

    def _may_be_a_damaged_answer(
        self, image: codec.ImageMessage, awaited: codec.ImageMetaItem | None
    ) -> bool:
        """Whether an image fits what is being fetched, and is the first under an unknown name.

        The checksum is that of the body alone: one changed bit in the name makes a stream of an
        answer. A stream comes again under its name, a damaged answer does not.
        """
        name = image.device_name
        if awaited is None or image.whole_size != tuple(awaited.size):
            return False
        is_known = name in self._live.states or name in self._metadata.listing
        if is_known or name in self._names_seen_once:
            return False
        if len(self._names_seen_once) >= MOST_LIVE_IMAGES:  # a server can invent names
            self._names_seen_once.clear()
        self._names_seen_once.add(name)
        return True
