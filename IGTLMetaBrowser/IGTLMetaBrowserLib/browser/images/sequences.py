"""Loading 4D series as sequences: their images are fetched like others, and then become frames."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Any

from ...net.list_metadata.image_sequences import ImageSequence, sequence_of
from ...scene.errors import SceneError
from ...turns import at_once
from ..errors import BrowserError
from ..events import Failed, ImageStatus, NodeRemoved, Observer, SequenceLoaded
from .image_metadata import ImageMetadata
from .image_states import ImageStates
from .scene_images import SceneImages

_UNDER_WAY = (ImageStatus.WAITING, ImageStatus.LOADING)
_SECONDS_A_TURN = 0.005


class ImageSequences:
    """The sequences (4D) in the list of a server, and those that are being loaded.

    ``request`` fetches images; ``states`` say how far they are; ``look`` finds which have changed
    as nodes were removed.
    """

    def __init__(
        self,
        notify: Observer,
        in_scene: SceneImages,
        metadata: ImageMetadata,
        states: ImageStates,
        request: Callable[[Iterable[str]], None],
        look: Callable[[], list[str]],
    ) -> None:
        self._notify = notify
        self._in_scene = in_scene
        self._metadata = metadata
        self._states = states
        self._request = request
        self._look = look
        # What of each was last known to be under way: a series may have thousands of images, and is
        # looked at in each step.
        self._loading: dict[ImageSequence, deque[str]] = {}
        # The one that is being made of its images.
        self._making: tuple[ImageSequence, Generator[None, None, Any]] | None = None

    def close(self) -> None:
        """Load nothing any more, and let go of what fetches images: it has this object, too."""
        self.forget()
        self._request = lambda _image_ids: None
        self._look = list

    def of(self, image_id: str) -> ImageSequence | None:
        """Return the sequence that an image belongs to by the last list, or None."""
        return sequence_of(image_id, self._metadata.listing.sequences)

    @property
    def ids(self) -> list[str]:
        """The ids of all images that belong to one by the last list."""
        return [one for sequence in self._metadata.listing.sequences for one in sequence.ids]

    def having(self, image_ids: Iterable[str]) -> list[ImageSequence]:
        """Return the sequences that these images belong to; there may be 1,000,000 images."""
        listed = self._metadata.listing.sequences
        of_ids = {one: sequence for sequence in listed for one in sequence.ids}
        found = (of_ids[one] for one in image_ids if one in of_ids) if of_ids else ()
        return list({sequence.ids: sequence for sequence in found}.values())

    def browser_node(self, sequence: ImageSequence) -> Any:
        """Return the node that replays a sequence as it is listed, or None if there is none."""
        is_listed = all(map(self._is_as_listed, sequence.ids))
        return self._in_scene.volumes.sequence_browser(sequence.ids) if is_listed else None

    def missing(self, sequence: ImageSequence) -> list[str]:
        """Return the ids of a sequence's images that have no volume of their own, as listed now."""
        return [one for one in sequence.ids if not self._has_volume(one)]

    def _has_volume(self, image_id: str) -> bool:
        return self._in_scene.volumes.volume(image_id) is not None and self._is_as_listed(image_id)

    def _is_as_listed(self, image_id: str) -> bool:
        """Whether an image, if it is in the scene, is not the one of before, or the last patient's.

        A server may give their ids to the next series.
        """
        is_outdated = self._states.is_outdated(image_id)
        return not is_outdated and not self._in_scene.is_of_another_patient(image_id)

    def select_frame(self, image_id: str) -> None:
        """Let the sequence that an image is a frame of, if it is one, show that frame."""
        self._in_scene.volumes.select_frame(image_id)

    def request(self, image_ids: Iterable[str]) -> None:
        """Load the sequences that images belong to; ``SequenceLoaded`` or ``Failed`` follows.

        What is loaded as a sequence already, as it is listed, stays. Raises ``BrowserError``
        without a server.
        """
        for sequence in self.having(image_ids):
            is_begun = sequence in self._loading or self._is_being_made(sequence)
            if self.browser_node(sequence) is None and not is_begun:
                self._request(self.missing(sequence))
                self._loading[sequence] = deque(sequence.ids)

    def _is_being_made(self, sequence: ImageSequence) -> bool:
        return self._making is not None and self._making[0] == sequence

    def make(self, sequence: ImageSequence) -> Any:
        """Make one sequence of loaded images, whose volumes go; return its browser node.

        The images count as loaded. Raises ``SceneError`` if one is not there, or Slicer cannot
        replay them.
        """
        return at_once(self._in_scene.make_sequence(sequence))

    @property
    def is_ready(self) -> bool:
        """Whether there is something for ``work`` to do."""
        return self._making is not None or any(map(self._is_decided, self._loading))

    def work(self) -> None:
        """Make the sequences whose images have all come; give up those of which one will not."""
        if self._making is None:
            self._begin_next()
            return
        told = self._go_on(*self._making)
        if changed := self._look():
            self._notify(NodeRemoved(changed))
        if told is not None:
            self._notify(told)

    @property
    def is_moving_volumes(self) -> bool:
        """Whether nodes are removed only as their images become frames: ``look`` comes after it."""
        return self._making is not None and self._making[1].gi_running

    def on_list(self) -> None:
        """Make no sequence of images that are others now: some may come before it is made."""
        if self._making is None:
            return
        sequence, making = self._making
        is_made = self._in_scene.volumes.sequence_browser(sequence.ids) is not None
        if not is_made and not all(map(self._is_as_listed, sequence.ids)):
            self._making = None
            if not making.gi_running:
                making.close()
            self._notify_missing(sequence)

    def forget(self) -> None:
        """Make no sequence of what is being loaded."""
        self._loading.clear()
        making, self._making = self._making, None
        if making is not None and not making[1].gi_running:  # else it is told of this in its turn
            making[1].close()

    def _begin_next(self) -> None:
        sequence = next(filter(self._is_decided, self._loading), None)
        if sequence is None:
            return
        del self._loading[sequence]
        missing = self.missing(sequence)
        statuses = [self._states.of(one).status for one in missing]
        if not missing:
            self._making = sequence, self._in_scene.make_sequence(sequence)
        elif ImageStatus.FAILED in statuses or ImageStatus.LOADED in statuses:
            self._notify_missing(sequence)

    def _notify_missing(self, sequence: ImageSequence) -> None:
        count = len(self.missing(sequence))
        words = f"{count} of its {len(sequence.ids)} volumes are not loaded, or not as listed now"
        self._notify(Failed(BrowserError(f"No sequence was made: {words}; try again")))

    def _is_decided(self, sequence: ImageSequence) -> bool:
        """Whether none of a sequence's missing images waits or is in transfer."""
        waiting = self._loading[sequence]
        while waiting and not self._is_under_way(waiting[0]):
            waiting.popleft()
        if not waiting:  # unless one was asked for again
            waiting.extend(filter(self._is_under_way, sequence.ids))
        return not waiting

    def _is_under_way(self, image_id: str) -> bool:
        status = self._states.of(image_id).status
        return status in _UNDER_WAY and not self._has_volume(image_id)

    def _go_on(
        self, sequence: ImageSequence, making: Generator[None, None, Any]
    ) -> SequenceLoaded | Failed | None:
        """Work for some milliseconds; return what observers are to know at the end."""
        end = time.monotonic() + _SECONDS_A_TURN
        try:
            next(making)
            while self._making is not None and time.monotonic() < end:
                next(making)
        except StopIteration as whole:
            self._making = None
            return SequenceLoaded(sequence.ids, whole.value)
        except SceneError as error:
            self._making = None
            return Failed(error)
        if self._making is None:  # who has heard of a node has left the server
            making.close()
        return None
