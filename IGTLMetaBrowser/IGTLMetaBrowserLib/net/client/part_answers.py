"""Which query a part of an image answers, and whether it is what was asked for.

A voxel in the wrong place is worse than none: a part answers only the query for just this box, in
just these steps. Servers answer under the id that was asked for (``docs/PROTOCOL.md``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ... import codec
from ..errors import AnswerError
from .query import Query

# So many parts can be asked for before one comes for a second time.
_MOST_ANSWERED = 64


class PartAnswers:
    """Remembers which parts have come, so that one that comes twice harms nobody."""

    def __init__(self) -> None:
        self._answered: deque[codec.GetImagePartMessage] = deque(maxlen=_MOST_ANSWERED)

    def find(
        self, part: codec.ImagePartMessage, waiting: Sequence[Query]
    ) -> tuple[Query | None, AnswerError | None]:
        """Return the query that a part answers, and what is wrong with it as its answer.

        An abandoned query is one whose part nobody wants any more. None: it belongs to none.
        """
        asked = [
            query
            for query in waiting
            if query.request is not None and query.device_name == part.device_name
        ]
        fitting = [query for query in asked if not objection(query.request, part)]
        if fitting:
            query = min(fitting, key=lambda query: query.is_abandoned)
            self._answered.append(query.request)
            return query, None
        if any(not objection(request, part) for request in self._answered):
            # It came twice.
            return Query("IMGPART", part.device_name, is_abandoned=True, is_copy=True), None
        query = next((query for query in asked if not query.is_abandoned), None)
        if query is None or query.request is None:
            return None, None
        return query, AnswerError(
            f"{query} is not the one asked for: {objection(query.request, part)}; nothing of it is "
            "used, load the image again"
        )


def objection(request: codec.GetImagePartMessage | None, part: codec.ImagePartMessage) -> str:
    """Return in words why a part does not answer a request; empty if it does."""
    if request is None or request.device_name != part.device_name:
        return f"it is of the image {codec.printable(part.device_name)!r}"
    start, size = request.box_in(part.image_size)
    if (tuple(part.start), tuple(part.size)) != (start, size):
        return f"it has {part.size} voxels from {part.start} on, not {size} from {start} on"
    if tuple(part.stride) != tuple(request.stride):
        return f"its stride is {part.stride}, not {request.stride}"
    if part.encoding not in (codec.PartEncoding.RAW, *request.encodings):
        return f"it is in encoding {part.encoding:d}"
    if request.tag and part.tag != request.tag:
        return "it is of another version of the image"
    return ""
