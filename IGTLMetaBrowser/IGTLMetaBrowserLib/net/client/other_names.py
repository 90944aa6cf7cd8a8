"""When an image of another name than was asked for is the answer all the same (sans-I/O).

Some servers answer GET_IMAGE under a name of their own (StealthStation through Plus, pyigtl
scripts). But streams, other images and late answers have other names, too, and OpenIGTLink numbers
no answer. As a wrong image is worse than none, an image of another name is the answer only if all
of this holds:

1. It has the size and type that are listed for the id that was asked for.
2. Its name is neither that of a listed image nor that of a stream.
3. No other image is *owed*: a query that timed out, was cancelled or was lost with its connection
   may be answered late, on any connection to the server, and the list may be wrong. Nor does
   another query wait that it could answer.
4. The same voxels have not been the answer for another id.
5. Nothing else of another name comes for ``CONFIRM_SECONDS``, so that a stream sends its next
   frame, and the image of the right name may still come. If an answer has come under this name
   before, ``GRACE_SECONDS`` are enough.
6. If other images of this list or of those before have its size and type, the same voxels come when
   it is asked for once more. A server that answers the question before, perhaps that of another
   program, sends the late image first and then the right one. If an answer has come under this name
   before, and nothing was owed since, the server is in step, and is not asked twice.

What remains possible: a stream of the listed size and type with less than one frame in
``CONFIRM_SECONDS``, if it shows the same voxels or no other image of the list has that size and
type; a server that is late by more questions than this client has asked; and a server that answers
everything with the same image, which is taken for the first id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from weakref import ref

from ... import codec
from ...turns import at_once
from .listed_images import ListedImages, fits
from .query import Query
from .recent_names import RecentNames

# A stream of a frame in a second or faster shows itself by then. Not longer: every first image of a
# server with names of its own waits for it, and rule 6 finds most of what is slower or late.
CONFIRM_SECONDS = 2.0
# Longer than the time between two frames of most streams.
GRACE_SECONDS = 1.0
# Of voxels in one turn: 4 ms without the package fastcrc.
_SUMMED_A_TURN = 16 << 20


class OtherNames:
    """What is known of the names under which a server sends images that are not in its list.

    It is kept from one connection to the next. ``images`` are those of the server's list.
    """

    def __init__(self, images: ListedImages) -> None:
        self._images = images
        self._streams = RecentNames()
        # Of images that could not be the answer; one that comes again is a stream.
        self._unfitting = RecentNames()
        self._of_answers: set[str] = set()
        # The voxels that were taken for an answer, by the id that was asked for.
        self._taken: dict[str, int] = {}
        self._owed: set[str] = set()
        # Those whose late answer has come, and may come twice.
        self._passed_over: set[str] = set()
        # The image that was summed last, and its fingerprint.
        self._summed: tuple[ref[codec.ImageMessage], int] | None = None

    def is_known(self, name: str) -> bool:
        """Whether an image of this name is a frame of a stream or another image of the list."""
        return name in self._streams or name in self._images

    def is_recurring(self, name: str) -> bool:
        """Whether an image of this name has come before that could not be the answer."""
        return name in self._unfitting

    def on_stream(self, *names: str) -> None:
        """Note that images of these names answer nothing."""
        for name in names:
            self._streams.add(name)

    def on_unfitting(self, name: str) -> None:
        """Note that an image of this name could not be the answer."""
        self._unfitting.add(name)

    def on_answer(self, image_id: str, name: str, voxels: int) -> None:
        """Note that an image of another name was taken for the answer."""
        self._of_answers.add(name)
        self._taken[image_id] = voxels

    def must_confirm(self, image: codec.ImageMessage) -> bool:
        """Whether to ask once more, as an image could be another one of the list (rule 6)."""
        return image.device_name not in self._of_answers and self._images.can_be_several(image)

    def seconds_to_wait(self, name: str) -> float:
        """Return for how long nothing may speak against an image of this name."""
        return GRACE_SECONDS if name in self._of_answers else CONFIRM_SECONDS

    def fits(self, image_id: str, image: codec.ImageMessage) -> bool:
        """Whether an image has the size and type that are listed for an id."""
        entry = self._images.find(image_id)
        return entry is not None and fits(image, entry)

    def objection(
        self, image_id: str, image: codec.ImageMessage, others_asked: Collection[str]
    ) -> str:
        """Return in words why an image that fits is not taken for the answer, or nothing.

        ``others_asked`` are the ids of the other images that somebody waits for.
        """
        for other in others_asked:
            if other != image_id and self.fits(other, image):
                return f"which may be the answer for {codec.printable(other)!r}"
        owed = sorted(self._owed - {image_id})
        if owed:
            return f"which may be the late answer for {codec.printable(owed[0])!r}"
        if self._is_of_another_id(image_id, image):
            return "which has come for another ID as well"
        return ""

    def on_owed(self, query: Query) -> None:
        """Note that the answer to a query that nobody waits for may still come."""
        if query.data_type == "IMAGE" and query.device_name:
            self._owed.add(query.device_name)
            self._of_answers.clear()  # the server may be out of step from now on

    def on_finished(self, query: Query) -> None:
        """Note that the server has answered a query, or refused to."""
        if query.data_type != "IMAGE":
            return
        self._owed.discard(query.device_name)
        if query.is_abandoned:
            self._passed_over.add(query.device_name)

    def settle(self, image: codec.ImageMessage) -> str | None:
        """Return the id whose late answer, or its copy, an image is; it is owed no longer.

        One copy: what comes under that name again and again is a stream.
        """
        name = image.device_name
        image_id = name if name in self._owed else None
        if image_id is None and name in self._passed_over:
            self._passed_over.remove(name)
            return name
        if image_id is None and not self.is_known(name):
            image_id = next((id_ for id_ in sorted(self._owed) if self.fits(id_, image)), None)
        if image_id is not None:
            self._owed.remove(image_id)
            self._passed_over.add(image_id)
        return image_id

    def _is_of_another_id(self, image_id: str, image: codec.ImageMessage) -> bool:
        """Whether the same voxels came for another id: a server that sends always the same."""
        others = {taken for id_, taken in self._taken.items() if id_ != image_id}
        return bool(others) and self.fingerprint(image) in others

    def prepare(self, image: codec.ImageMessage) -> Iterator[None]:
        """Find the fingerprint of an image with pauses: of a large one it takes 0.5 s."""
        voxels = memoryview(image.pixels).cast("B")
        crc = 0
        for begin in range(0, len(voxels), _SUMMED_A_TURN):
            crc = codec.crc64(voxels[begin : begin + _SUMMED_A_TURN], crc)
            yield
        self._summed = ref(image), crc

    def fingerprint(self, image: codec.ImageMessage) -> int:
        """Return a number by which the voxels of two images are told apart."""
        if self._summed is None or self._summed[0]() is not image:
            at_once(self.prepare(image))
        assert self._summed is not None
        return self._summed[1]
