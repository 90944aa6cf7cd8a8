"""Label maps that come over another connection than their list: that is asked for once more.

A server that was started again may have the next patient's structures under the IDs of before.
"""

from __future__ import annotations

from ..connection import ServerConnection
from ..images.scene_images import SceneImages


class LabelListCheck:
    """Asks for the list once over each connection; if it does not come, ``SceneImages`` refuses."""

    def __init__(self, connection: ServerConnection, in_scene: SceneImages) -> None:
        self._connection = connection
        self._in_scene = in_scene
        self._asked_over = 0  # the number of the connection

    def must_ask_again(self, image_id: str) -> bool:
        """Whether an image is to be asked for once more, behind the list, which this asks for."""
        number = self._connection.number
        if self._asked_over == number or not self._in_scene.is_label_list_older(image_id):
            return False
        self._asked_over = number
        self._connection.ask("LBMETA")
        return True
