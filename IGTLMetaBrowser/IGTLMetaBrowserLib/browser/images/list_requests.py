"""The list of images as it is asked for: all of it, or what is searched for.

OpenIGTLink gives answers no number, and lists come under any name: one that a server pushes while
its list is awaited is taken for the answer, and then the answer comes as if nobody had asked. One
that comes unasked may also be new, or say of one image that it is there. Nothing tells which it is:
so it is not shown, but has the list asked for once more. If that does not help, the longest one is
taken for the answer: another list that is pushed is one of a part of the images.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ... import codec, net
from ..connection import ServerConnection
from ..lists.image_search import NO_SEARCH, ImageSearch
from ..lists.listing import Listing
from .image_metadata import ImageMetadata

# So often is the list asked for once more; a server may push others without end.
_MOST_DOUBTS = 3
# They are kept while the list is awaited: one of them may be the answer.
_MOST_UNASKED = 3

SEVERAL_LISTS = (
    "the server sends several lists of images, and nothing tells which of them is its answer: the "
    "longest is shown; if images are missing, ask for the list again when it sends no others"
)


class ListRequests:
    """The queries for the list of the server of ``connection``, and ``search``.

    ``search`` is what images are searched for. It stays when another server is chosen.
    """

    def __init__(self, connection: ServerConnection, metadata: ImageMetadata) -> None:
        self._connection = connection
        self._metadata = metadata
        self._waiting: dict[net.Query, ImageSearch] = {}
        self._updates: set[net.Query] = set()
        self._unasked: deque[codec.ImageMetaMessage] = deque(maxlen=_MOST_UNASKED)
        self._doubts = 0  # since the user has asked
        self._is_doubt_told = False
        self.search = NO_SEARCH
        self.is_unanswered = False
        """Whether the server has not answered the last time that it was asked."""

    @property
    def is_current(self) -> bool:
        """Whether the last list came over the present connection."""
        return self._connection.has_sent(self._metadata.listing)

    @property
    def is_waiting(self) -> bool:
        """Whether a list is still to come."""
        return bool(self._waiting)

    @property
    def is_search_due(self) -> bool:
        """Whether the server can search, and its last list is not that of the search."""
        listing = self._metadata.listing
        is_possible = self._connection.has_server and bool(listing.search_keywords)
        return is_possible and listing.search != self.search

    def request(self) -> net.Query:
        """Ask for the list of images.

        Only a server that says so searches: of any other comes the whole list.
        """
        self._doubts, self._is_doubt_told = 0, False
        return self._ask()

    def _ask(self) -> net.Query:
        keywords = self._metadata.listing.search_keywords
        attributes = self.search.attributes(keywords) if keywords else None
        query = self._connection.ask("IMGMETA", metadata=attributes)
        self._waiting[query] = self.search if keywords else NO_SEARCH
        return query

    def search_for(self, search: ImageSearch) -> None:
        """Search for images from now on; ``Listed`` or ``Failed`` follows if the server searches.

        Of what is set while it searches, the last one counts.
        """
        self.search = search
        self.request_search()

    def request_search(self) -> None:
        """Ask for the list of the search, if that is not the last one, or being asked for."""
        # One at a time: an archive needs its time, and the next letter is being typed already.
        if self.is_search_due and not self._waiting:
            self.request()

    def request_update(self) -> None:
        """Ask for the list as the user has it: something in it is known better by now."""
        self._updates.add(self._ask())

    def confirm(self) -> None:
        """Ask for the list, unless it is on its way, or the server is known not to send it."""
        is_offered = self._connection.offers("IMGMETA") is not False
        if is_offered and not self.is_unanswered and not self.is_waiting:
            self.request_update()

    def on_unasked(self, message: codec.ImageMetaMessage) -> None:
        """Note a list that came unasked."""
        self._unasked.append(message)

    def others(self) -> list[codec.ImageMetaMessage]:
        """Return, once, the lists that have come unasked and are others than the one answered."""
        listing = self._metadata.listing
        if self._waiting or not self._unasked or not self.is_current:
            return []
        unasked = [*self._unasked]
        self._unasked.clear()
        return [one for one in unasked if not listing.entries.has_bytes_of(one.items)]

    def may_confirm(self) -> bool:
        """Return whether the list is to be asked for once more; that is so a few times."""
        self._doubts += 1
        return self._doubts <= _MOST_DOUBTS

    def longer_one(self, others: Sequence[codec.ImageMetaMessage]) -> codec.ImageMetaMessage | None:
        """Return the longest of some lists if it is longer than that which is shown."""
        listing, longest = self._metadata.listing, max(others, key=lambda one: len(one.items))
        is_longer = len(longest.items) > len(listing.entries)
        return longest if is_longer and listing.search == NO_SEARCH else None

    def must_tell(self) -> bool:
        """Return, once for each time that the user asks, whether to say that lists differ."""
        was_told, self._is_doubt_told = self._is_doubt_told, True
        return not was_told

    def is_update(self, query: net.Query) -> bool:
        """Return, once, whether a query was asked by ``request_update``."""
        is_update = query in self._updates
        self._updates.discard(query)
        return is_update

    def take(self, query: net.Query) -> ImageSearch | None:
        """Return what a query that is done has searched for, once; None if it was for no list."""
        return self._waiting.pop(query, None)

    def is_wanted(self, listing: Listing, search: ImageSearch) -> bool:
        """Whether the list that was searched for is still what is to be shown."""
        is_outdated = search != self.search and bool(listing.search_keywords)
        return not is_outdated or self._metadata.listing.listed_at is None

    def forget(self) -> None:
        """Wait for nothing any more."""
        self.is_unanswered = False
        self._waiting.clear()
        self._updates.clear()
        self._unasked.clear()
