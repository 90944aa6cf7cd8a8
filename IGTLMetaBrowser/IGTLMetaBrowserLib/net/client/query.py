"""One question to a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ... import codec
from ..errors import NetworkError

_DESCRIPTIONS = {
    "IMGMETA": "the list of images",
    "LBMETA": "the list of label maps",
    "TRAJ": "the trajectories",
    "POINT": "the points",
    "COLORT": "the color table",
    "IMAGE": "the image",
    "IMGPART": "a part of the image",
    "IMGTHUMB": "the thumbnail of the image",
}


@dataclass(eq=False)
class Query:
    """One question. It is answered once: then ``answer`` or ``error`` is set.

    ``is_abandoned``: nobody waits for the answer any more, but it may still come, and must not be
    taken for the answer to another query. ``asked_at`` is in ``time.monotonic`` seconds.
    """

    data_type: str
    device_name: str = ""
    # What is asked besides, of servers that speak header version 2; and the number by which their
    # answer names its query, if they repeat it (0: any).
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)
    message_id: int = 0
    # The question if it has a content; it is asked of servers that have said so.
    request: codec.GetImagePartMessage | None = field(default=None, repr=False)
    answer: codec.Message | None = None
    error: NetworkError | None = None
    is_abandoned: bool = False
    # Whether nobody asked, and its answer is one that has come before.
    is_copy: bool = False
    asked_at: float | None = field(default=None, repr=False)
    deadline: float = field(default=float("inf"), repr=False)
    attempts: int = field(default=0, repr=False)
    # The higher, the later it was asked; 0 if it never was.
    number: int = field(default=0, repr=False)
    header_version: int = field(default=1, repr=False)
    # Whether it is asked in header version 1 because version 2 was of no use for it.
    is_fallback: bool = field(default=False, repr=False)
    # What had been received when it was asked, to see whether anything has come since.
    bytes_before: int = field(default=0, repr=False)
    # An image of another name that may be the answer, or why it cannot be read, see ``Queries``;
    # and until when another could come that shows that it is not.
    candidate: codec.ImageMessage | NetworkError | None = field(default=None, repr=False)
    candidate_name: str = field(default="", repr=False)
    candidate_until: float = field(default=float("inf"), repr=False)
    # The fingerprint of an image of another name after which the query was asked once more.
    first_voxels: int | None = field(default=None, repr=False)
    # What came instead of the answer, for the error that says that it did not come; how many did.
    came_instead: str = field(default="", repr=False)
    others: int = field(default=0, repr=False)

    @property
    def is_done(self) -> bool:
        """Whether an answer or an error is there."""
        return self.answer is not None or self.error is not None

    @property
    def answer_size(self) -> int:
        """About how many bytes the answer has: those of an image's pixels, otherwise 0."""
        if isinstance(self.answer, codec.ImagePartMessage):
            return len(self.answer.data)
        return self.answer.pixels.nbytes if isinstance(self.answer, codec.ImageMessage) else 0

    def __str__(self) -> str:
        what = _DESCRIPTIONS.get(self.data_type, self.data_type)
        name = codec.printable(self.device_name)
        return f"{what} {name!r}" if name else what
