"""Parts of images, such as the region of a ROI node, each of which becomes a volume of its own."""

from __future__ import annotations

import sys
from collections import deque
from typing import NamedTuple

import numpy as np

from .. import codec, net
from ..net.partial_image import Box
from ..net.parts_transfer import Outcome, PartsTransfer
from ..scene.roi_boxes import voxels_around
from .connection import Connection
from .errors import BrowserError
from .events import Asked, Observer, RegionFailed, RegionLoaded, VolumeChanging
from .scene_images import SceneImages

# The first voxel says which image it is of, and where that lies.
_ONE_VOXEL = (1, 1, 1)


class _Region(NamedTuple):
    image_id: str
    corners: np.ndarray


class Regions:
    """One transfer at a time; others wait for it. ``RegionLoaded`` or ``RegionFailed`` follows."""

    def __init__(self, connection: Connection, in_scene: SceneImages, notify: Observer) -> None:
        self._connection = connection
        self._in_scene = in_scene
        self._notify = notify
        self._waiting: deque[_Region] = deque()
        self._current: PartsTransfer | None = None
        # Questions that have failed, of which the browser will be notified.
        self._given_up: set[net.Query] = set()

    @property
    def fraction(self) -> float | None:
        """How much of the region has come that is being fetched, from 0 to 1; None without one."""
        transfer = self._current
        if transfer is None:
            return None
        return 0.0 if transfer.partial is None else transfer.partial.fraction

    @property
    def is_loading(self) -> bool:
        """Whether a region is being fetched or waits for it."""
        return self._current is not None or bool(self._waiting)

    @property
    def are_offered(self) -> bool:
        """Whether the server sends parts of images. Raises ``BrowserError`` without a server."""
        return bool(self._connection.client.offers_parts)

    def request(self, image_id: str, corners: np.ndarray) -> None:
        """Ask for the voxels in the box around ``corners`` (RAS mm, shape (n, 3)) of an image.

        Raises ``BrowserError`` without a server, and with one that cannot do that.
        """
        if not self.are_offered:
            raise BrowserError(
                "this server cannot send a part of an image; load the image, and crop it with the "
                "module Crop Volume"
            )
        self._waiting.append(_Region(image_id, corners))
        self._begin_next()

    def on_finished(self, query: net.Query) -> bool:
        """Handle the answer to a question; return whether it was asked here."""
        transfer = self._current
        if query in self._given_up:
            self._given_up.remove(query)
            return True
        if transfer is None or query not in transfer:
            return False
        client = self._connection.client
        outcome = transfer.on_finished(query, client.is_connected)
        if outcome in (Outcome.LOST, Outcome.FAILED):
            # A region is soon asked for again: it is not waited for until there is a connection.
            self._given_up |= transfer.cancel(client)
            self._end(transfer, transfer.error)
        elif transfer.is_whole:
            self._end(transfer)
        else:
            if outcome is Outcome.CHANGED:
                self._given_up |= transfer.cancel(client)
                transfer.start_anew()
            transfer.ask(client)
        return True

    def on_disconnected(self, error: Exception) -> None:
        """Wait no more for what was not asked for yet."""
        self._given_up.clear()
        transfer = self._current
        if transfer is not None and not transfer.queries:
            self._end(transfer, error)

    def cancel_all(self) -> None:
        """Fetch no region any more."""
        self._waiting.clear()
        transfer, self._current = self._current, None
        if transfer is not None:
            self._given_up |= transfer.cancel(self._connection.client)
            words = f"loading the region of {codec.printable(transfer.image_id)!r} was cancelled"
            self._notify(RegionFailed(transfer.image_id, net.CancelledError(words)))

    def _begin_next(self) -> None:
        while self._current is None and self._waiting:
            region = self._waiting.popleft()
            transfer = self._new_transfer(region)
            self._current = transfer
            try:
                transfer.ask(self._connection.client)
            except (codec.EncodeError, net.RefusedError) as error:
                self._current = None
                self._notify(RegionFailed(region.image_id, error))
            else:
                self._notify(Asked())

    def _new_transfer(self, region: _Region) -> PartsTransfer:
        def choose(first: codec.ImagePartMessage) -> Box:
            image = first.whole_geometry()
            matrix = self._in_scene.ijk_to_ras(region.image_id, image)
            return Box(*voxels_around(region.corners, matrix, tuple(first.image_size)))

        most_bytes = self._connection.client.settings.max_body_size
        first = codec.GetImagePartMessage(size=_ONE_VOXEL, device_name=region.image_id)
        return PartsTransfer(first, choose, most_bytes)

    def _end(self, transfer: PartsTransfer, error: Exception | None = None) -> None:
        self._current = None
        if error is None:
            try:
                self._notify(RegionLoaded(transfer.image_id, self._show(transfer)))
            except Exception as problem:
                if not isinstance(problem, ValueError):
                    sys.excepthook(*sys.exc_info())  # not the image's fault
                error = problem
        if error is not None:
            self._notify(RegionFailed(transfer.image_id, error))
        if self._connection.has_server:
            self._begin_next()

    def _show(self, transfer: PartsTransfer) -> object:
        partial = transfer.partial
        whole = partial.first.whole_geometry()
        to_ras = self._in_scene.ijk_to_ras(transfer.image_id, whole)
        first_voxel = np.eye(4)
        first_voxel[:3, 3] = partial.box.start
        image = codec.ImageMessage.from_ijk_to_ras(
            partial.pixels,
            to_ras @ first_voxel,
            device_name=transfer.image_id,
            timestamp=partial.first.timestamp,
            metadata=partial.first.metadata,
        )
        self._notify(VolumeChanging(transfer.image_id))
        return self._in_scene.show_region(transfer.image_id, image, partial.box.start)
