"""Slices of an image to scroll through before it is loaded: every n-th voxel of it.

From a server that offers IMGPART (``docs/PROTOCOL.md``), or from the volume of a loaded image.
"""

from __future__ import annotations

import logging
from collections import OrderedDict

from ... import codec, net
from ...codec.slice_stack import MOST_PIXELS, SliceStack
from ...codec.window_level import is_emission, window_level
from ...net.client.listed_images import is_of_another_patient
from ...signal import Signal
from .previewed_images import PreviewedImages

_logger = logging.getLogger(__name__)

# Each has up to 4 MB for 16-bit voxels.
_MOST_KEPT = 4
# Of colors in 16 bits, or a vector of doubles: what has more is nothing that can be shown.
_LARGEST = 48 << 20


class SlicePreviews:
    """Those of the images of one server, one at a time.

    ``changed`` is emitted with the id of the image that is looked at.
    """

    def __init__(self, images: PreviewedImages) -> None:
        self.changed: Signal[[str]] = Signal()
        self._images = images
        self._connection = images.connection
        self._kept: OrderedDict[str | None, SliceStack] = OrderedDict()  # by key
        self._failed: set[str | None] = set()
        self._lost: set[str | None] = set()  # with the connection
        self._query: net.Query | None = None
        self._asked_key: str | None = None
        self._wanted: str | None = None

    def want(self, image_id: str | None) -> None:
        """This image is looked at now, or none."""
        self._wanted = image_id
        if self._query is not None and self._query.device_name != image_id:
            self._connection.client.cancel(self._query)
            self._query = None
        if image_id is not None:
            self._images.notify_of_wish()

    def stack(self, image_id: str) -> SliceStack | None:
        """Return the slices of an image, or None if there are none (yet)."""
        if self._images.are_hidden:
            return None
        of_volume = self._images.slices_of_volume(image_id)
        return self._kept.get(self._images.key(image_id)) if of_volume is None else of_volume

    @property
    def is_coming(self) -> bool:
        """Whether the image that is looked at is being asked for, or will be."""
        return self._query is not None or self._is_missing()

    @property
    def is_asking(self) -> bool:
        """Whether slices are on their way."""
        return self._query is not None

    @property
    def is_busy(self) -> bool:
        """Whether ``work`` has something to do now."""
        return self._can_ask() and self._is_missing()

    def work(self) -> None:
        """Ask for what is looked at, if it is not there."""
        if not self.is_busy or self._wanted is None:
            return
        entry = self._images.entry(self._wanted)
        if entry is None:
            return
        self._asked_key = self._images.key(self._wanted)
        stride = tuple(max(1, -(-count // MOST_PIXELS)) for count in entry.size)
        self._query = self._connection.client.ask_part(
            codec.GetImagePartMessage(device_name=self._wanted, stride=stride)
        )

    def on_finished(self, query: net.Query) -> bool:
        """Handle a query that is done; return whether it was the one for a preview."""
        if query is not self._query:
            return False
        self._query = None
        image_id, key = query.device_name, self._asked_key
        try:
            if not isinstance(query.answer, codec.ImagePartMessage):
                raise query.error or net.AnswerError("it is no part of an image")
            stack = self._stack_of(image_id, query.answer)
        except (net.NetworkError, codec.CodecError) as error:
            _logger.info("no preview of an image: %s", error)
            # Once, it may have been the network.
            is_lost = isinstance(error, net.ConnectionLostError) and key not in self._lost
            (self._lost if is_lost else self._failed).add(key)
        else:
            self._keep(key, stack)
        self.changed.emit(image_id)
        return True

    def on_image_shown(self, image_id: str) -> None:
        """An image has come into the scene: its own voxels are better."""
        if image_id == self._wanted:
            self.changed.emit(image_id)

    def on_server_selected(self) -> None:
        """Begin with another server, or with none."""
        self._kept.clear()
        self._failed.clear()
        self._lost.clear()
        self._query = self._wanted = None

    def _is_missing(self) -> bool:
        image_id = self._wanted
        if image_id is None or self._query is not None or not self._is_offered:
            return False
        entry = self._images.entry(image_id)
        if entry is None or not all(entry.size) or self._images.key(image_id) in self._failed:
            return False
        return not self._images.are_hidden and self.stack(image_id) is None

    @property
    def _is_offered(self) -> bool:
        connection = self._connection
        return connection.has_server and connection.client.offers_parts is True

    def _can_ask(self) -> bool:
        return self._is_offered and self._images.can_be_asked_for

    def _stack_of(self, image_id: str, part: codec.ImagePartMessage) -> SliceStack:
        coordinates = self._connection.client.settings.coordinates
        whole = part.whole_geometry().usable_ijk_to_ras(coordinates)
        entry = self._images.entry(image_id)
        if entry is None or tuple(part.image_size) != tuple(entry.size):
            raise net.AnswerError(f"it has {part.image_size} voxels, which is not as listed")
        if is_of_another_patient(part, entry):
            raise net.AnswerError("it is of another patient than listed")
        if part.byte_count > _LARGEST:
            raise net.AnswerError(f"it has {part.byte_count} bytes; {_LARGEST} can be shown")
        modality = entry.modality
        voxels = part.voxels()
        window = window_level(voxels, modality)
        return SliceStack(voxels, whole @ part.part_to_image(), *window, is_emission(modality))

    def _keep(self, key: str | None, stack: SliceStack) -> None:
        self._kept[key] = stack
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
