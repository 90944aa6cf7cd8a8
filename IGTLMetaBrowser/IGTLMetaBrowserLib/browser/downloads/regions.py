"""Parts of images, such as the region of a ROI node, each of which becomes a volume of its own."""

from __future__ import annotations

import sys
import time
from collections import deque

import numpy as np

from ... import codec, net
from ...net.client.partial_image import Box
from ...net.client.parts_transfer import Outcome, PartsTransfer
from ...scene.images.roi_boxes import voxels_around
from ..connection import ServerConnection
from ..errors import BrowserError
from ..events import Asked, Observer, RegionFailed, RegionLoaded, VolumeChanging
from ..images.scene_images import SceneImages
from .part_downloads import SECONDS_FOR_OFFER

# The first voxel says which image it is of, and where that lies.
_ONE_VOXEL = (1, 1, 1)
_NOT_OFFERED = (
    "this server cannot send a part of an image; load the image, and crop it with the module Crop "
    "Volume"
)


class Regions:
    """One transfer at a time; others wait for it. ``RegionLoaded`` or ``RegionFailed`` follows.

    One that is cut with its connection goes on where it stopped, over the next one.
    """

    def __init__(
        self, connection: ServerConnection, in_scene: SceneImages, notify: Observer
    ) -> None:
        self._connection = connection
        self._in_scene = in_scene
        self._notify = notify
        self._waiting: deque[PartsTransfer] = deque()
        # For a server that is connected again to say once more that it sends parts.
        self._offer_until = 0.0
        self._current: PartsTransfer | None = None
        # Questions that have failed, of which the browser will be notified.
        self._given_up: set[net.Query] = set()

    @property
    def fraction(self) -> float | None:
        """How much of the first region has come, from 0 to 1; None without one."""
        transfer = self._current
        if transfer is None:
            if not self._waiting:
                return None
            transfer = self._waiting[0]
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

        Raises ``BrowserError`` without a server, and with one that cannot do that; ``SceneError``
        if the image is in the scene, and bent there.
        """
        self._connection.require_server()
        if not self.are_offered:
            raise BrowserError(_NOT_OFFERED)
        self._waiting.append(self._new_transfer(image_id, corners))
        self.begin_next()

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
        if outcome is Outcome.LOST:
            self._cut(transfer, transfer.error)
        elif outcome is Outcome.FAILED:
            self._given_up |= transfer.cancel(client)
            self._end(transfer, transfer.error)
        else:
            if outcome is Outcome.CHANGED:
                self._given_up |= transfer.cancel(client)
                transfer.start_anew()
            self._go_on(transfer)
        return True

    def _go_on(self, transfer: PartsTransfer) -> None:
        if transfer.is_whole:
            self._end(transfer)
        else:
            transfer.ask(self._connection.client)

    def on_connected(self) -> None:
        """There is a connection, of which nothing is known yet."""
        self._offer_until = time.monotonic() + SECONDS_FOR_OFFER

    def on_disconnected(self, error: Exception) -> None:
        """The connection was lost: what is not asked for at the moment waits for the next one."""
        self._given_up.clear()
        transfer = self._current
        if transfer is not None and not (transfer.queries or transfer.is_all_here):
            self._cut(transfer, error)

    def _cut(self, transfer: PartsTransfer, error: Exception) -> None:
        self._given_up |= transfer.cancel(self._connection.client)
        if self._connection.is_made_again:
            self._current = None
            self._waiting.appendleft(transfer)
        else:
            self._end(transfer, error)

    @property
    def has_cut(self) -> bool:
        """Whether a region waits for a connection, and for what the server says of itself."""
        return self._current is None and bool(self._waiting)

    @property
    def next_turn(self) -> float | None:
        """When to call ``work``, in ``time.monotonic`` seconds; None for not at all."""
        if self._is_writing:
            return 0.0
        is_held = self.has_cut and self._is_connected
        if not is_held or self._connection.client.offers_parts is not None:
            return None
        return self._offer_until

    @property
    def _is_connected(self) -> bool:
        # That a connection was lost is known to the client before it is to the browser.
        connection = self._connection
        return connection.is_connected and connection.client.is_connected

    def cancel_all(self) -> None:
        """Fetch no region any more."""
        transfers = [*self._waiting]
        self._waiting.clear()
        transfer, self._current = self._current, None
        if transfer is not None:
            self._given_up |= transfer.cancel(self._connection.client)
            transfers.insert(0, transfer)
        for transfer in transfers:
            self._notify(RegionFailed(transfer.image_id, _cancelled(transfer)))

    @property
    def _is_writing(self) -> bool:
        return self._current is not None and self._current.is_writing

    def work(self) -> None:
        """Do a little of what brings the region in, and begin with the next one."""
        if self._is_writing:
            self._current.write_some()
            self._go_on(self._current)
        self.begin_next()

    def begin_next(self) -> None:
        """Ask for the next region, if none is in transfer and there is a connection."""
        while self.has_cut and self._is_connected:
            client = self._connection.client
            if client.offers_parts is None and time.monotonic() < self._offer_until:
                return
            transfer = self._waiting.popleft()
            if not client.offers_parts:
                self._notify(RegionFailed(transfer.image_id, BrowserError(_NOT_OFFERED)))
                continue
            self._current = transfer
            try:
                transfer.ask(client)
            except (codec.EncodeError, net.RefusedError) as error:
                self._current = None
                self._notify(RegionFailed(transfer.image_id, error))
            else:
                self._notify(Asked())

    def _new_transfer(self, image_id: str, corners: np.ndarray) -> PartsTransfer:
        # Where the user sees the image now.
        corners = self._in_scene.volumes.points_in_image(image_id, corners)

        def choose(first: codec.ImagePartMessage) -> Box:
            image = first.whole_geometry()
            matrix = self._in_scene.volumes.ijk_to_ras(image_id, image)
            return Box(*voxels_around(corners, matrix, tuple(first.image_size)))

        most_bytes = self._connection.client.settings.max_body_size
        first = codec.GetImagePartMessage(size=_ONE_VOXEL, device_name=image_id)
        return PartsTransfer(first, choose, most_bytes)

    def _end(self, transfer: PartsTransfer, error: Exception | None = None) -> None:
        self._current = None
        if error is None:
            try:
                self._notify(RegionLoaded(transfer.image_id, self._show(transfer)))
            except Exception as problem:
                if not isinstance(problem, (ValueError, net.CancelledError)):
                    sys.excepthook(*sys.exc_info())  # not the image's fault
                error = problem
        if error is not None:
            self._notify(RegionFailed(transfer.image_id, error))
        if self._connection.has_server:
            self.begin_next()

    def _show(self, transfer: PartsTransfer) -> object:
        partial = transfer.partial
        whole = partial.first.whole_geometry()
        to_ras = self._in_scene.volumes.ijk_to_ras(transfer.image_id, whole)
        first_voxel = np.eye(4)
        first_voxel[:3, 3] = partial.box.start
        image = codec.ImageMessage.from_ijk_to_ras(
            partial.pixels,
            to_ras @ first_voxel,
            device_name=transfer.image_id,
            timestamp=partial.first.timestamp,
            metadata=partial.first.metadata,
        )
        server = self._connection.reconnector
        self._notify(VolumeChanging(transfer.image_id))
        if self._connection.reconnector is not server:
            raise _cancelled(transfer)  # who hears of it may leave the server
        return self._in_scene.show_region(transfer.image_id, image, partial.box.start)


def _cancelled(transfer: PartsTransfer) -> net.CancelledError:
    name = codec.printable(transfer.image_id)
    return net.CancelledError(f"loading the region of {name!r} was cancelled")
