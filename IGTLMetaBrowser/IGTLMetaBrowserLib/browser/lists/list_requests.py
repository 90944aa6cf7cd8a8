"""The list of images as it is asked for: all of it, or what is searched for."""

from __future__ import annotations

from ... import net
from ..connection import Connection
from ..images.image_metadata import ImageMetadata
from .image_search import NO_SEARCH, ImageSearch
from .listing import Listing


class ListRequests:
    """The queries for the list of the server of ``connection``, and ``search``.

    ``search`` is what images are searched for. It stays when another server is chosen.
    """

    def __init__(self, connection: Connection, metadata: ImageMetadata) -> None:
        self._connection = connection
        self._metadata = metadata
        self._waiting: dict[net.Query, ImageSearch] = {}
        self._updates: set[net.Query] = set()
        self.search = NO_SEARCH

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
        keywords = self._metadata.listing.search_keywords
        attributes = self.search.attributes(keywords) if keywords else None
        query = self._connection.ask("IMGMETA", metadata=attributes)
        self._waiting[query] = self.search if keywords else NO_SEARCH
        return query

    def request_search(self) -> None:
        """Ask for the list of the search, if that is not the last one, or being asked for."""
        # One at a time: an archive needs its time, and the next letter is being typed already.
        if self.is_search_due and not self._waiting:
            self.request()

    def request_update(self) -> None:
        """Ask for the list as the user has it: something in it is known better by now."""
        self._updates.add(self.request())

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
        self._waiting.clear()
        self._updates.clear()
