"""When an image of another name than was asked for is the answer all the same (sans-I/O).

Some servers answer GET_IMAGE under a name of their own (StealthStation through Plus). But streams,
other images and late answers have other names, too, and OpenIGTLink numbers no answer. As a wrong
image is worse than none, an image of another name is the answer only if all of this holds:

1. It has the size and type that are listed for the id that was asked for, and no other image of
   this list or of those before has both. So it can be no other image of the list, whoever asked for
   that one: the client before, or another program.
2. Its name is neither that of a listed image nor that of a stream.
3. No other image is *owed*: a query that timed out, was cancelled or was lost with its connection
   may be answered late, on any connection to the server, and the list may be wrong.
4. The same voxels have not been the answer for another id.
5. Nothing else of another name comes for ``CONFIRM_SECONDS``, so that a slow stream sends its next
   frame, and the image of the right name may still come. If an answer has come under this name
   before, ``GRACE_SECONDS`` are enough.

What remains possible, both only while the server does not answer for an image whose size and type
no other listed image has: a stream of that size and type with less than one frame in
``CONFIRM_SECONDS``; and, if the list is wrong, the late answer to another program.
"""

from __future__ import annotations

from .. import codec
from .listed_images import ListedImages, fits
from .query import Query
from .recent_names import RecentNames

# A stream slower than a frame in a second, once taken for the answer, shows itself by then.
CONFIRM_SECONDS = 10.0
# Longer than the time between two frames of most streams.
GRACE_SECONDS = 1.0


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

    def on_answer(self, image_id: str, image: codec.ImageMessage) -> None:
        """Note that an image of another name was taken for the answer."""
        self._of_answers.add(image.device_name)
        self._taken[image_id] = _fingerprint(image)

    def seconds_to_wait(self, name: str) -> float:
        """Return for how long nothing may speak against an image of this name."""
        return GRACE_SECONDS if name in self._of_answers else CONFIRM_SECONDS

    def fits(self, image_id: str, image: codec.ImageMessage) -> bool:
        """Whether an image has the size and type that are listed for an id."""
        entry = self._images.find(image_id)
        return entry is not None and fits(image, entry)

    def objection(self, image_id: str, image: codec.ImageMessage) -> str:
        """Return in words why an image that fits is not taken for the answer, or nothing."""
        if self._images.count_fitting(image) > 1:
            return "and more than one image of the list has this size and type"
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
        return bool(others) and _fingerprint(image) in others


def _fingerprint(image: codec.ImageMessage) -> int:
    return codec.crc64(memoryview(image.pixels).cast("B"))
