"""Loading 4D series as sequences: their images are fetched like others, and then become frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ... import net
from ...scene.errors import SceneError
from ..errors import BrowserError
from ..events import Failed, ImageStatus, Observer, SequenceLoaded
from .image_metadata import ImageMetadata
from .image_states import ImageStates
from .scene_images import SceneImages

_UNDER_WAY = (ImageStatus.WAITING, ImageStatus.LOADING)


class Sequences:
    """The sequences (4D) in the list of a server, and those that are being loaded.

    ``request`` fetches images; ``states`` say how far they are.
    """

    def __init__(
        self,
        notify: Observer,
        in_scene: SceneImages,
        metadata: ImageMetadata,
        states: ImageStates,
        request: Callable[[Iterable[str]], None],
    ) -> None:
        self._notify = notify
        self._in_scene = in_scene
        self._metadata = metadata
        self._states = states
        self._request = request
        self._loading: list[net.ImageSequence] = []

    def close(self) -> None:
        """Load nothing any more, and let go of what fetches images: it has this object, too."""
        self._loading.clear()
        self._request = lambda _image_ids: None

    def of(self, image_id: str) -> net.ImageSequence | None:
        """Return the sequence that an image belongs to by the last list, or None."""
        return net.sequence_of(image_id, self._metadata.listing.sequences)

    def having(self, image_ids: Iterable[str]) -> list[net.ImageSequence]:
        """Return the sequences that these images belong to; there may be 1,000,000 images."""
        listed = self._metadata.listing.sequences
        of_ids = {one: sequence for sequence in listed for one in sequence.ids}
        found = (of_ids[one] for one in image_ids if one in of_ids) if of_ids else ()
        return list({sequence.ids: sequence for sequence in found}.values())

    def browser_node(self, sequence: net.ImageSequence) -> Any:
        """Return the node that replays a sequence, or None if it is not in the scene."""
        return self._in_scene.sequence_browser(sequence)

    def missing(self, sequence: net.ImageSequence) -> list[str]:
        """Return the ids of a sequence's images that have no volume of their own."""
        return [one for one in sequence.ids if not self._in_scene.has_volume(one)]

    def select_frame(self, image_id: str) -> None:
        """Let the sequence that an image is a frame of, if it is one, show that frame."""
        self._in_scene.select_frame(image_id)

    def request(self, image_ids: Iterable[str]) -> None:
        """Load the sequences that images belong to; ``SequenceLoaded`` or ``Failed`` follows.

        What is loaded as a sequence already stays. Raises ``BrowserError`` without a server.
        """
        for sequence in self.having(image_ids):
            if self.browser_node(sequence) is None and sequence not in self._loading:
                self._request(self.missing(sequence))
                self._loading.append(sequence)

    def make(self, sequence: net.ImageSequence) -> Any:
        """Make one sequence of loaded images, whose volumes go; return its browser node.

        The images count as loaded. Raises ``SceneError`` if one is not there, or Slicer cannot
        replay them.
        """
        return self._in_scene.make_sequence(sequence)

    @property
    def is_ready(self) -> bool:
        """Whether there is something for ``work`` to do."""
        return any(map(self._is_decided, self._loading))

    def work(self) -> None:
        """Make the sequences whose images have all come; give up those of which one will not."""
        for sequence in filter(self._is_decided, [*self._loading]):
            if sequence not in self._loading:
                return  # who has heard of the one before has left the server
            self._loading.remove(sequence)
            missing = self.missing(sequence)
            statuses = [self._states.state(one).status for one in missing]
            if not missing:
                self._finish(sequence)
            elif ImageStatus.FAILED in statuses:
                words = f"{len(missing)} of its {len(sequence.ids)} volumes are not loaded"
                self._notify(Failed(BrowserError(f"No sequence was made: {words}; try again")))

    def forget(self) -> None:
        """Make no sequence of what is being loaded."""
        self._loading.clear()

    def _is_decided(self, sequence: net.ImageSequence) -> bool:
        states = (self._states.state(one) for one in self.missing(sequence))
        return not any(state.status in _UNDER_WAY for state in states)

    def _finish(self, sequence: net.ImageSequence) -> None:
        try:
            node = self.make(sequence)
        except SceneError as error:
            self._notify(Failed(error))
        else:
            self._notify(SequenceLoaded(sequence.ids, node))
