"""Images that have come, on their way into the scene."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from ... import codec
from ...scene.errors import SceneError
from ..connection import ServerConnection
from ..events import ImageLoaded, ImagesCancelled, Observer, VolumeAdding, VolumeChanging
from ..images.image_states import ImageStates
from ..images.scene_images import SceneImages


class _Arrived(NamedTuple):
    """An image in the scene; ``is_told``: observers know that its preview goes now."""

    image_id: str
    node: Any
    notes: tuple[str, ...]
    is_told: bool = False


class Arrivals:
    """Shows one image at a time, and then lets it take the place of its preview.

    That is a turn of its own: to bring a volume into the views takes as long as to make it. An
    observer may leave the server in between: no image comes into the scene as the next one's.
    """

    def __init__(
        self,
        connection: ServerConnection,
        notify: Observer,
        in_scene: SceneImages,
        states: ImageStates,
    ) -> None:
        self._connection = connection
        self._notify = notify
        self._in_scene = in_scene
        self._states = states
        self._arrived: _Arrived | None = None

    @property
    def image_id(self) -> str | None:
        """The id of the image that takes the place of its preview next, or None."""
        return None if self._arrived is None else self._arrived.image_id

    def show(self, image_id: str, image: codec.ImageMessage) -> Exception | None:
        """Bring an image into the scene; return what keeps it from being shown, or None.

        ``ImageLoaded`` follows, or ``ImagesCancelled`` if its server was left meanwhile.
        """
        server = self._connection.reconnector
        self.end()
        if self._connection.reconnector is server:
            has_volume = self._in_scene.has(image_id)
            self._notify((VolumeChanging if has_volume else VolumeAdding)(image_id))
        if self._connection.reconnector is not server:
            self._notify(ImagesCancelled([image_id]))
            return None
        try:
            node, notes = self._in_scene.show(image_id, image)
        except Exception as error:
            if not isinstance(error, ValueError):
                # Not the image's fault: it is printed, and the others are fetched all the same.
                sys.excepthook(*sys.exc_info())
            return error
        if node.GetScene() is None:
            return SceneError("its volume was removed from the scene at once; load it again")
        if self._connection.reconnector is not server:
            self._notify(ImageLoaded(image_id, node, notes))  # in the scene, as the other one's
            return None
        self._arrived = _Arrived(image_id, node, notes)
        if self._in_scene.volumes.preview(image_id) is None:
            self.end()
        return None

    def end(self) -> None:
        """Let the image that has come, if there is one, take the place of its preview."""
        if self._arrived is None:
            return
        image_id, node, notes, is_told = self._arrived
        if not is_told and self._in_scene.volumes.preview(image_id) is not None:
            self._arrived = told = self._arrived._replace(is_told=True)
            self._notify(VolumeChanging(image_id))
            if self._arrived is not told:
                return  # who cancels all, or leaves the server, has it end there
        self._arrived = None
        self._in_scene.volumes.replace_preview(image_id)
        if self._in_scene.has(image_id):  # or the scene was closed
            notes = self._states.loaded(image_id, notes).notes
            self._notify(ImageLoaded(image_id, node, notes))
