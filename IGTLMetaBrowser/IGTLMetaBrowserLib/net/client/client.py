"""Blocking calls, for scripts and commands: one for each kind of question."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ... import codec
from ..list_metadata.whole_texts import with_whole_texts
from .base_client import BaseClient, PreparingCallback, ProgressCallback
from .query_errors import of_type
from .several_lists import ask_for_list

# For the answer to GET_CAPABIL, for those who can do without: they ask for whole images.
_CAPABILITY_SECONDS = 2.0


class Client(BaseClient):
    """Asks one server for images and trajectories, and waits for the answers.

    ``progress`` is called with the number of bytes that have arrived and of all bytes: while parts
    arrive, and at the end with all of them. ``preparing`` is called again and again with the
    seconds for which the server has been preparing the answer, see ``seconds_preparing``.
    """

    is_list_in_doubt = False
    """Whether the server has sent several lists, of which ``get_list`` has had the longest."""

    def list_images(self) -> Sequence[codec.ImageMetaItem]:
        """Return the images that the server offers. Raises ``NetworkError``."""
        return with_whole_texts(self.get_list())

    def get_list(
        self,
        image_id: str = "",
        preparing: PreparingCallback | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> codec.ImageMetaMessage:
        """Return the list of images, or the entry of one with its metadata, if the server has any.

        ``attributes`` search for images: values by DICOM keywords, as in QIDO. Of a server that
        does not know this comes the whole list. Raises ``NetworkError``.
        """
        message, self.is_list_in_doubt = ask_for_list(self, image_id, attributes, preparing)
        return message

    def get_image(
        self,
        image_id: str,
        progress: ProgressCallback | None = None,
        preparing: PreparingCallback | None = None,
    ) -> codec.ImageMessage:
        """Return one image, in the coordinates of the settings. Raises ``NetworkError``."""
        message = self.wait(self.ask("IMAGE", image_id), progress, preparing)
        image = of_type(message, codec.ImageMessage)
        coordinates = self.settings.coordinates
        return image if coordinates is None else replace(image, coordinates=coordinates)

    def get_image_part(
        self, request: codec.GetImagePartMessage, progress: ProgressCallback | None = None
    ) -> codec.ImagePartMessage:
        """Return a part of an image. Raises ``NetworkError``, as of a server without parts."""
        self._require_offer("IMGPART")
        part = self.wait(self.ask_part(request), progress)
        return of_type(part, codec.ImagePartMessage)

    def get_thumbnail(self, image_id: str) -> codec.ThumbnailMessage:
        """Return the thumbnail of an image. Raises ``NetworkError``."""
        self._require_offer("IMGTHUMB")
        return of_type(self.wait(self.ask("IMGTHUMB", image_id)), codec.ThumbnailMessage)

    def find_capability(self) -> None:
        """Wait until it is known what the server offers, if asked. Raises ``NetworkError``."""
        seconds = min(_CAPABILITY_SECONDS, self.answer_timeout)
        self._find_offers(
            seconds, lambda: bool((one := self._session) and one.capability.is_awaited)
        )

    def get_trajectories(
        self, preparing: PreparingCallback | None = None
    ) -> Sequence[codec.TrajectoryItem]:
        """Return the planned trajectories, their points in RAS mm. Raises ``NetworkError``."""
        return self.get_trajectory_list(preparing).items

    def get_trajectory_list(
        self, preparing: PreparingCallback | None = None
    ) -> codec.TrajectoryMessage:
        """Return them with what one of our servers says of their documents, in the metadata."""
        message = self.wait(self.ask("TRAJ"), preparing=preparing)
        answer = of_type(message, codec.TrajectoryMessage)
        if self.settings.coordinates is not codec.Coordinates.LPS:
            return answer
        return replace(answer, items=[item.flipped() for item in answer.items])

    def _require_offer(self, data_type: str) -> None:
        """Wait until the server has said that it answers queries for a type.

        Raises ``NetworkError``.
        """
        self._find_offers(self.answer_timeout, lambda: self.is_offer_awaited)
        self.check_offer(data_type)

    def _find_offers(self, seconds: float, is_awaited: Callable[[], bool]) -> None:
        """Wait until it is known what the server offers, as long as that ``is_awaited``."""
        if not self.has_list:
            self.get_list()
        end = time.monotonic() + seconds
        while is_awaited() and (left := end - time.monotonic()) > 0:
            self.wait_for_socket(left)
            self.step()
