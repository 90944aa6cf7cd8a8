"""The images of a server: its list, how far each image is loaded, and the volumes."""

from __future__ import annotations

from collections.abc import Iterable, MutableSequence, Sequence
from datetime import datetime, timezone
from typing import Any

from .. import codec, net
from ..codec.slice_stack import SliceStack
from .connection import ServerConnection
from .downloads.downloads import Downloads
from .downloads.regions import Regions
from .errors import BrowserError
from .events import (
    ConnectionState,
    Failed,
    ImagesAdopted,
    ImageStatus,
    Listed,
    ListUnanswered,
    Observer,
)
from .images.image_metadata import ImageMetadata
from .images.image_states import ImageStates
from .images.list_requests import SEVERAL_LISTS, ListRequests
from .images.live_images import LiveImages
from .images.recordings import Recordings
from .images.scene_images import SceneImages
from .images.sequences import ImageSequences
from .images.unasked_images import UnaskedImages
from .lists.image_search import NO_SEARCH, ImageSearch
from .lists.listing import Listing
from .overlays import Overlays

# After a short interruption a list that is younger is not read again: it may have 100,000 entries.
_YOUNG_LIST = 10.0


class ServerImages:
    """The images of the server of ``connection``.

    list_requests
        The queries for its list, and what is searched for.
    states
        How far each image is loaded.
    downloads, regions, sequences
        What was asked for: images, parts of them, and 4D series.
    live, recordings
        What the server streams.
    in_scene
        The volumes.
    """

    def __init__(
        self,
        connection: ServerConnection,
        metadata: ImageMetadata,
        overlays: Overlays,
        in_scene: SceneImages,
        notify: Observer,
    ) -> None:
        self._connection = connection
        self._metadata = metadata
        self._notify = notify
        self._is_list_wanted = False
        self.in_scene = in_scene
        self.list_requests = requests = ListRequests(connection, metadata)
        self.states = states = ImageStates(overlays)
        self.downloads = Downloads(connection, notify, in_scene, states, metadata, requests)
        self.live = LiveImages(notify, in_scene, states)
        self._unasked = UnaskedImages(connection, metadata, in_scene, self.live, requests)
        self.recordings = Recordings(notify, lambda image_id: in_scene.volumes.record(image_id))
        self.regions = Regions(connection, in_scene, notify)
        look = self.on_nodes_removed
        self.sequences = ImageSequences(notify, in_scene, metadata, states, self.request, look)

    # The list

    @property
    def listing(self) -> Listing:
        """The last list of images of this server."""
        return self._metadata.listing

    def request_list(self) -> net.Query:
        """Ask for the list of images, or of the search; ``Listed`` or ``Failed`` follows."""
        self._is_list_wanted = True
        return self.list_requests.request()

    # Loading

    @property
    def is_loading(self) -> bool:
        """Whether an image, or a region of one, is being fetched or waits for it."""
        return self.downloads.is_loading or self.regions.is_loading

    def request(self, image_ids: Iterable[str]) -> None:
        """Put images into the queue; ``ImageLoaded`` or ``ImageFailed`` follows for each.

        A sequence that cannot change is looked at in turns. Raises ``BrowserError`` if there is no
        server.
        """
        self._connection.require_server()
        is_lasting = isinstance(image_ids, Sequence) and not isinstance(image_ids, MutableSequence)
        ids = image_ids if is_lasting else list(image_ids)
        self.downloads.request(ids)
        if self._connection.state is ConnectionState.RECONNECTING:
            self._connection.reconnect_now()
        self.fetch_next()

    def byte_count_under_way(self, but_ids: Iterable[str] = ()) -> int:
        """Return how much memory what waits or is in transfer needs, as far as the list says so.

        But for some images, and those that are loaded already: they get no more.
        """
        if not self.downloads.is_loading:
            return 0
        return self.downloads.byte_count({*but_ids, *self.states.loaded_ids})

    def cancel(self, image_ids: Iterable[str] | None = None) -> None:
        """Fetch these images no more, or none at all; the connection stays."""
        if not self._connection.has_server:
            return
        self.downloads.cancel(None if image_ids is None else set(image_ids))
        if image_ids is None:
            self.regions.cancel_all()
        self.fetch_next()

    def leave(self) -> None:
        """Fetch nothing more: the server is left."""
        self._connection.is_leaving = True
        self.cancel()

    def fetch_next(self) -> None:
        """Ask for the next image of the queue, unless there is one in transfer."""
        # While the next attempt to connect is not due yet, the queue waits for it.
        is_open = self._connection.has_server
        if is_open and self._connection.state is not ConnectionState.RECONNECTING:
            self.downloads.fetch_next()
            self.regions.begin_next()

    def queue_requested(self) -> None:
        """Put some more of the images into the queue that have been requested."""
        if self.downloads.has_requested:
            self.downloads.queue_requested()
            self.fetch_next()

    @property
    def next_turn(self) -> float | None:
        """When to call ``work``, in ``time.monotonic`` seconds; None if it has nothing to do."""
        moments = (self.downloads.next_turn, self.regions.next_turn)
        return min((moment for moment in moments if moment is not None), default=None)

    def work(self) -> None:
        """Do a little of what brings the image in transfer into the scene."""
        self.regions.work()
        self.downloads.work()
        if self.downloads.current is None:
            self.fetch_next()  # it may have waited for what a server says of itself, in vain

    # In the scene

    def node(self, image_id: str) -> Any:
        """Return the volume node of an image, or None if it is not in the scene (any more)."""
        return self.in_scene.node(image_id)

    def remove_previews(self, image_ids: Iterable[str]) -> None:
        """Remove what is shown of images that are not whole; they are fetched no more."""
        removed = self.downloads.parts.ids_with_previews & set(image_ids)
        if removed:
            self.cancel(removed)
            self.downloads.parts.forget(removed)

    def slices(self, image_id: str) -> SliceStack | None:
        """Return the slices of an image that is loaded as a whole, as it is listed, or None."""
        is_loaded = self.states.of(image_id).status is ImageStatus.LOADED
        is_shown = is_loaded and self.states.is_as_listed(image_id)
        return self.in_scene.slices(image_id) if is_shown else None

    def adopt(self) -> None:
        """Find what of this server is in the scene already; ``ImagesAdopted`` may follow."""
        images, label_maps = self.in_scene.adopt()
        self.states.adopt(images, label_maps)
        if images or label_maps:
            self._notify(ImagesAdopted((*images, *label_maps)))

    def loaded_ids(self) -> list[str]:
        """Return the ids of this server's images that are in the scene."""
        return list(filter(self.in_scene.has, self.states.loaded_ids))

    # What happens

    def on_server_selected(self) -> None:
        """Begin with another server, or with none: what was loaded from it before counts."""
        self._is_list_wanted = False
        self.list_requests.forget()
        self.in_scene.on_server_selected()
        self.downloads.on_server_selected()
        self.live.forget_all()
        self._unasked.forget()
        self.recordings.stop_all()
        self.sequences.forget()
        if self._connection.has_server:
            self.states.begin(self._connection.address, self.in_scene.has)
        else:
            self.states.end()

    def on_connected(self, is_offer_needed: bool = False) -> None:
        """Read the list again if it is old, or was not read yet, and go on with the queue.

        ``is_offer_needed``: also if it is young, as a server says what it offers after its first
        answer, such as its list.
        """
        self.downloads.parts.on_connected()
        self.regions.on_connected()
        has_cut = self.downloads.parts.has_cut or self.regions.has_cut
        is_offer_needed = is_offer_needed or has_cut
        is_being_read = self.list_requests.is_waiting
        if self._is_list_due() or (is_offer_needed and not is_being_read):
            self.request_list()
        self.fetch_next()

    def on_disconnected(self, error: Exception) -> None:
        """The connection was lost."""
        self.downloads.on_disconnected()
        self.regions.on_disconnected(error)

    def on_list_finished(self, query: net.Query) -> bool:
        """Handle the query for the list; return whether the observers know now of its end."""
        requests = self.list_requests
        search = requests.take(query)
        if search is None:
            return False
        if query.error is not None:
            self._unasked.forget_kept()
            if self.downloads.on_list_failed(query.error):
                self.fetch_next()
        is_update = requests.is_update(query)
        if isinstance(query.answer, codec.ImageMetaMessage):
            listing = self._metadata.new_listing(query.answer)
            # A list that was searched for something else is shown no more.
            if requests.is_wanted(listing, search):
                self._show_list(listing, search, is_update)
            requests.request_search()
            self._confirm_if_in_doubt()
        elif query.error is not None and search != requests.search and requests.is_search_due:
            requests.request_search()
        elif isinstance(query.error, net.TimeOutError):
            requests.is_unanswered = True
            self._notify(ListUnanswered(query.error))
        else:
            return False
        return True

    def on_list(self, message: codec.ImageMetaMessage) -> None:
        """Handle a list of images that has come for no search."""
        self._show_list(self._metadata.new_listing(message))

    def on_pushed_list(self, message: codec.ImageMetaMessage) -> None:
        """Ask for the list again, if another one came unasked: see ``list_requests``."""
        self.list_requests.on_unasked(message)
        self._confirm_if_in_doubt()

    def _confirm_if_in_doubt(self) -> None:
        others = self.list_requests.others()
        if others and self.list_requests.may_confirm():
            self.list_requests.confirm()
        elif others:
            if (longer := self.list_requests.longer_one(others)) is not None:
                self._show_list(self._metadata.new_listing(longer), is_update=True)
            if self.list_requests.must_tell():
                self._notify(Failed(BrowserError(SEVERAL_LISTS)))

    def _show_list(
        self, now: Listing, search: ImageSearch = NO_SEARCH, is_update: bool = False
    ) -> None:
        # What is known of the images first: observers read the names of loaded images there.
        before = self.listing
        now.came(datetime.now(timezone.utc), search, self._connection.number)
        if before.search_keywords or now.search_keywords:
            now.keep_entries_of(before, self.downloads.known_ids)
        self.list_requests.is_unanswered = False
        self._metadata.on_list(now)
        # Label maps of another patient, who has had the id of their image, count no more.
        self.states.remove_all_but(self.in_scene.has)
        self.states.list(now)
        self.sequences.on_list()
        self._notify(Listed(now.entries, is_update))
        self.downloads.withdraw(before, now)
        if self.downloads.on_list():
            self.fetch_next()
        server = self._connection.reconnector
        for image in self._unasked.take_confirmed():
            if self._connection.reconnector is server:  # who heard of the last may have left it
                self.live.handle(image)

    def on_image_finished(self, query: net.Query) -> bool:
        """Handle a query that is done; return whether it was that of the image in transfer."""
        if self.regions.on_finished(query):
            return True
        if not self.downloads.on_finished(query):
            return False
        self.fetch_next()
        has_answered = query.answer is not None or isinstance(query.error, net.RefusedError)
        is_last = has_answered and not self.is_loading
        entry = self.listing.entry(query.device_name) if is_last else None
        if entry is not None and not any(entry.size):
            # Now an archive knows how large it is, or which images the series has.
            self.list_requests.request_update()
        return True

    def on_live_image(self, image: codec.ImageMessage, is_behind_list: bool = False) -> None:
        """Show an image that nobody asked for; one that is listed, by a list of its connection.

        ``is_behind_list``: it came behind that list, which is still to be shown.
        """
        current = self.downloads.current
        entry = None if current is None else self.listing.entry(current)
        if self._unasked.is_to_be_shown(image, entry, is_behind_list):
            self.live.handle(image)

    def skip_outdated(self, events: Sequence[net.ClientEvent]) -> list[net.ClientEvent]:
        """Return ``events`` without live images after which a newer one of their id has come."""
        self.recordings.add(self._unasked.of_the_list(events))
        return self.live.skip_outdated(events)

    def on_nodes_removed(self, node: Any = None) -> list[str]:
        """Look what went with a node, or with any; return the ids whose state has changed."""
        if self.sequences.is_moving_volumes or not self.in_scene.may_show_image(node):
            return []  # to look at all images for each of a thousand nodes would take seconds
        self.live.remove_nodes()
        self.downloads.on_nodes_removed()
        self.fetch_next()
        return self.states.remove_all_but(self.in_scene.has)

    def on_scene_closed(self) -> None:
        """Forget what was in the scene; transfers are cancelled."""
        self.cancel()
        self.live.forget_all()
        self.recordings.abandon_all()
        self.downloads.on_nodes_removed()
        self.sequences.forget()
        self.states.remove_all_but(self.in_scene.has)

    def _is_list_due(self) -> bool:
        requests = self.list_requests
        if requests.is_waiting or requests.is_unanswered or not self._is_list_wanted:
            return False
        return self.listing.age > _YOUNG_LIST
