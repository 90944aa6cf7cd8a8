"""Messages that name images of a list that came over another connection: they wait for a new list.

A server that was started again may have the next patient's images under the ids of before.
"""

from __future__ import annotations

import numpy as np

from .. import codec, net
from .connection import ServerConnection
from .errors import BrowserError
from .events import Failed, Observer
from .images.image_metadata import ImageMetadata
from .overlays import Overlays
from .server_images import ServerImages
from .trajectories import Trajectories

_NAMING_IMAGES = (codec.TrajectoryMessage, codec.PointMessage, codec.LabelMetaMessage)


class HeldMessages:
    """Trajectories, points and label maps on their way to ``trajectories`` and ``overlays``.

    What may stand beside an image of before is held, and the list is asked for again. What is held
    is shown when that has come; if none comes, beside no image.
    """

    def __init__(
        self,
        connection: ServerConnection,
        metadata: ImageMetadata,
        images: ServerImages,
        trajectories: Trajectories,
        overlays: Overlays,
        notify: Observer,
    ) -> None:
        self._connection = connection
        self._metadata = metadata
        self._images = images
        self._trajectories = trajectories
        self._overlays = overlays
        self._notify = notify
        # By the type: each replaces the one before, as it does in the scene.
        self._held: dict[str, tuple[codec.Message, net.Query | None]] = {}
        self._held_of = 0  # the number of the connection over which they came
        self._has_no_list = False  # over this connection: it was asked for, and has not come

    def is_held(self, data_type: str) -> bool:
        """Whether a message of a type waits for the list."""
        return data_type in self._held

    def handle(self, message: codec.Message, query: net.Query | None) -> bool:
        """Show a message, or hold it; return whether it is of a kind that is shown.

        ``query`` is the one that is answered, None for what the server sends unasked.
        """
        if self._has_no_list or not self._may_name_other_images(message):
            return self._show(message, query)
        _, answered = self._held.get(message.type_name, (None, None))
        self._held[message.type_name] = message, query or answered
        self._held_of = self._connection.number
        self._images.list_requests.confirm()
        self.show_due()
        return True

    def show_due(self) -> None:
        """Show what is held, unless the list is still to come."""
        if not self._held:
            return
        requests, connection = self._images.list_requests, self._connection
        if requests.is_waiting and not requests.is_unanswered:
            return
        is_lost = not connection.is_connected or connection.number != self._held_of
        # A client that has waited in vain closes the connection itself.
        is_lost = is_lost and not requests.is_unanswered
        if not is_lost and not requests.is_current:
            self._do_without_list()
        held, self._held = self._held, {}
        server = connection.reconnector
        for message, query in held.values():
            if connection.reconnector is not server:
                return  # who has heard of the one before has left it
            if is_lost:
                self._ask_again(query)
            else:
                self._show(message, query)

    def on_connected(self) -> None:
        """A new connection may have a list again."""
        self._has_no_list = False

    def forget(self) -> None:
        """Show nothing of what is held: its server was left."""
        self._held.clear()

    def _may_name_other_images(self, message: codec.Message) -> bool:
        if not isinstance(message, _NAMING_IMAGES) or self._images.list_requests.is_current:
            return False
        # Not item by item: there may be a million.
        return self._metadata.was_listed and bool(np.any(message.items.records["owner"] != b""))

    def _do_without_list(self) -> None:
        self._has_no_list = True
        self._metadata.disown(self._images.loaded_ids())
        text = (
            f"{', '.join(self._held)} came over a new connection without a list of images: it is "
            "shown beside no image, as the server may have another patient's now; get the list, "
            "the images and it again"
        )
        self._notify(Failed(BrowserError(text)))

    def _ask_again(self, query: net.Query | None) -> None:
        """Ask the server of another connection, if this one was asked at all."""
        if query is None:
            return
        if self._connection.is_connected:
            self._connection.ask(query.data_type, query.device_name)
        else:
            self._connection.ask_again(query)

    def _show(self, message: codec.Message, query: net.Query | None) -> bool:
        if isinstance(message, codec.TrajectoryMessage):
            self._trajectories.on_trajectories(message, is_answer=query is not None)
            return True
        return self._overlays.on_message(message, query)
