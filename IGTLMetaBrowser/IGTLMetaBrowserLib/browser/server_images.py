"""The images of a server: its list, how far each image is loaded, and the volumes."""

from __future__ import annotations

from collections.abc import Iterable, MutableSequence, Sequence, Set
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
    ImageState,
    ImageStatus,
    Listed,
    ListUnanswered,
    LiveImageState,
    Observer,
    Transfer,
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
    """The images of the server of ``connection``; ``in_scene`` are their volumes."""

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
        self._in_scene = in_scene
        self._notify = notify
        self._is_list_wanted = False
        lists = self._list_requests = ListRequests(connection, metadata)
        self.is_list_unanswered = False
        """Whether the server has not answered the last time that it was asked for its list."""
        states = ImageStates(overlays)
        self._downloads = Downloads(connection, notify, in_scene, states, metadata, lists)
        self._live = LiveImages(notify, in_scene, states)
        self._unasked = UnaskedImages(connection, metadata, in_scene, self._live)
        self.recordings = Recordings(notify, lambda image_id: in_scene.volumes.record(image_id))
        self.regions = Regions(connection, in_scene, notify)
        look = self.on_nodes_removed
        self.sequences = ImageSequences(notify, in_scene, metadata, states, self.request, look)

    # The list

    @property
    def entries(self) -> Sequence[codec.ImageMetaItem]:
        """The last list of images as it came; ``entries.records`` has its columns."""
        return self._metadata.listing.entries

    @property
    def listed_at(self) -> datetime | None:
        """When that list came, with its time zone, or None if none has come."""
        return self._metadata.listing.listed_at

    def entry(self, image_id: str) -> codec.ImageMetaItem | None:
        """Return what the list says of an image, or None; of doubled ids see ``Listing``."""
        return self._metadata.listing.entry(image_id)

    def request_list(self) -> net.Query:
        """Ask for the list of images, or of ``search``; ``Listed`` or ``Failed`` follows."""
        self._is_list_wanted = True
        return self._list_requests.request()

    # The search

    @property
    def search(self) -> ImageSearch:
        """What images are searched for; stays when another server is chosen.

        A server that searches is asked for another list when this is set, and ``Listed`` or
        ``Failed`` follows. Of what is set while it searches, the last one counts.
        """
        return self._list_requests.search

    @search.setter
    def search(self, search: ImageSearch) -> None:
        self._list_requests.search = search
        self._list_requests.request_search()

    @property
    def offers_search(self) -> bool:
        """Whether the server searches; otherwise only what it lists can be filtered."""
        return bool(self._metadata.listing.search_keywords)

    @property
    def is_search_due(self) -> bool:
        """Whether the server can search, and its last list is not that of the search."""
        return self._list_requests.is_search_due

    @property
    def has_search_result(self) -> bool:
        """Whether the list is what the server has found, and not its default list."""
        return self._metadata.listing.search != NO_SEARCH

    @property
    def list_notice(self) -> str:
        """What the server says of its list: that there are more images; or empty."""
        return self._metadata.listing.notice

    # Loading

    @property
    def states(self) -> dict[str, ImageState]:
        """The states of the images of this server that are not NOT_LOADED."""
        return self._downloads.states.states

    def state(self, image_id: str) -> ImageState:
        """Return the state of an image."""
        return self._downloads.states.state(image_id)

    @property
    def queue(self) -> list[str]:
        """The ids of the images that wait to be fetched."""
        return self._downloads.waiting

    @property
    def current(self) -> str | None:
        """The id of the image that is being fetched, or None."""
        return self._downloads.current

    @property
    def is_loading(self) -> bool:
        """Whether an image, or a region of one, is being fetched or waits for it."""
        return self._downloads.is_loading or self.regions.is_loading

    @property
    def transfer(self) -> Transfer | None:
        """How far the image that is being fetched and its batch are, or None."""
        return self._downloads.transfer

    def request(self, image_ids: Iterable[str]) -> None:
        """Put images into the queue; ``ImageLoaded`` or ``ImageFailed`` follows for each.

        A sequence that cannot change is looked at in turns. Raises ``BrowserError`` if there is no
        server.
        """
        self._connection.require_server()
        is_lasting = isinstance(image_ids, Sequence) and not isinstance(image_ids, MutableSequence)
        ids = image_ids if is_lasting else list(image_ids)
        self._downloads.request(ids, self._metadata.listing)
        if self._connection.state is ConnectionState.RECONNECTING:
            self._connection.reconnect_now()
        self.fetch_next()

    def byte_count_under_way(self, but_ids: Iterable[str] = ()) -> int:
        """Return how much memory what waits or is in transfer needs, as far as the list says so.

        But for some images, and those that are loaded already: they get no more.
        """
        if not self._downloads.is_loading:
            return 0
        return self._downloads.byte_count({*but_ids, *self._downloads.states.loaded_ids})

    def cancel(self, image_ids: Iterable[str] | None = None) -> None:
        """Fetch these images no more, or none at all; the connection stays."""
        if not self._connection.has_server:
            return
        self._downloads.cancel(None if image_ids is None else set(image_ids))
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
            self._downloads.fetch_next()
            self.regions.begin_next()

    @property
    def is_queueing(self) -> bool:
        """Whether ``queue_requested`` has more images to put into the queue."""
        return self._downloads.has_requested

    def queue_requested(self) -> None:
        """Put some more of the images into the queue that have been requested."""
        if self.is_queueing:
            self._downloads.queue_requested(self._metadata.listing)
            self.fetch_next()

    @property
    def next_turn(self) -> float | None:
        """When to call ``work``, in ``time.monotonic`` seconds; None if it has nothing to do."""
        moments = (self._downloads.next_turn, self.regions.next_turn)
        return min((moment for moment in moments if moment is not None), default=None)

    def work(self) -> None:
        """Do a little of what brings the image in transfer into the scene."""
        self.regions.work()
        self._downloads.work()
        if self._downloads.current is None:
            self.fetch_next()  # it may have waited for what a server says of itself, in vain

    @property
    def shows_previews(self) -> bool:
        """Whether previews are made of the images that are asked for next and take long."""
        return self._downloads.parts.shows_previews

    @shows_previews.setter
    def shows_previews(self, are_shown: bool) -> None:
        self._downloads.parts.shows_previews = are_shown

    @property
    def keeps_previews(self) -> bool:
        """Whether the preview of an image that is cancelled stays in the scene."""
        return self._downloads.parts.keeps_previews

    @keeps_previews.setter
    def keeps_previews(self, is_kept: bool) -> None:
        self._downloads.parts.keeps_previews = is_kept

    def report_progress(self) -> None:
        """Notify the observers of how much of the image in transfer has arrived."""
        self._downloads.report_progress()

    # In the scene

    @property
    def live(self) -> dict[str, LiveImageState]:
        """The images that the server streams, those that are in its list among them."""
        return self._live.states

    @property
    def coordinates(self) -> codec.Coordinates | None:
        """Overrules what images say of their matrix, for servers that mark RAS as LPS; or None."""
        return self._in_scene.coordinates

    @coordinates.setter
    def coordinates(self, coordinates: codec.Coordinates | None) -> None:
        self._in_scene.coordinates = coordinates

    def node(self, image_id: str) -> Any:
        """Return the volume node of an image, or None if it is not in the scene (any more)."""
        return self._in_scene.node(image_id)

    def preview(self, image_id: str) -> Any:
        """Return the preview of an image that is not whole, or None if there is none."""
        return self._in_scene.volumes.preview(image_id)

    def remove_previews(self, image_ids: Iterable[str]) -> None:
        """Remove what is shown of images that are not whole; they are fetched no more."""
        removed = self.ids_with_previews & set(image_ids)
        if removed:
            self.cancel(removed)
            self._downloads.parts.forget(removed)

    @property
    def ids_with_previews(self) -> Set[str]:
        """The ids of the images of this server that are shown, and not whole."""
        return self._downloads.parts.ids_with_previews

    def slices(self, image_id: str) -> SliceStack | None:
        """Return the slices of an image that is loaded as a whole, as it is listed, or None."""
        is_loaded = self.state(image_id).status is ImageStatus.LOADED
        is_shown = is_loaded and self._downloads.states.is_as_listed(image_id)
        return self._in_scene.slices(image_id) if is_shown else None

    def adopt(self) -> None:
        """Find what of this server is in the scene already; ``ImagesAdopted`` may follow."""
        images, label_maps = self._in_scene.adopt()
        self._downloads.states.adopt(images, label_maps)
        if images or label_maps:
            self._notify(ImagesAdopted((*images, *label_maps)))

    def loaded_ids(self) -> list[str]:
        """Return the ids of this server's images that are in the scene."""
        return list(filter(self._in_scene.has, self._downloads.states.loaded_ids))

    # What happens

    def on_server_selected(self) -> None:
        """Begin with another server, or with none: what was loaded from it before counts."""
        self._is_list_wanted = False
        self._list_requests.forget()
        self.is_list_unanswered = False
        self._in_scene.on_server_selected()
        self._downloads.on_server_selected()
        self._live.forget_all()
        self._unasked.forget()
        self.recordings.stop_all()
        self.sequences.forget()
        if self._connection.has_server:
            self._downloads.states.begin(self._connection.address, self._in_scene.has)
        else:
            self._downloads.states.end()

    def on_connected(self, is_offer_needed: bool = False) -> None:
        """Read the list again if it is old, or was not read yet, and go on with the queue.

        ``is_offer_needed``: also if it is young, as a server says what it offers after its first
        answer, such as its list.
        """
        self._downloads.parts.on_connected()
        self.regions.on_connected()
        has_cut = self._downloads.parts.has_cut or self.regions.has_cut
        is_offer_needed = is_offer_needed or has_cut
        is_being_read = self._list_requests.is_waiting
        if self._is_list_due() or (is_offer_needed and not is_being_read):
            self.request_list()
        self.fetch_next()

    def on_disconnected(self, error: Exception) -> None:
        """The connection was lost."""
        self._downloads.on_disconnected()
        self.regions.on_disconnected(error)

    def on_list_finished(self, query: net.Query) -> bool:
        """Handle the query for the list; return whether the observers know now of its end."""
        search = self._list_requests.take(query)
        if search is None:
            return False
        if query.error is not None and self._downloads.on_list_failed(query.error):
            self.fetch_next()
        is_update = self._list_requests.is_update(query)
        if isinstance(query.answer, codec.ImageMetaMessage):
            listing = self._metadata.new_listing(query.answer)
            # A list that was searched for something else is shown no more.
            if self._list_requests.is_wanted(listing, search):
                self._show_list(listing, search, is_update)
            self._list_requests.request_search()
            self._confirm_if_in_doubt()
        elif query.error is not None and search != self.search and self.is_search_due:
            self._list_requests.request_search()
        elif isinstance(query.error, net.TimeOutError):
            self.is_list_unanswered = True
            self._notify(ListUnanswered(query.error))
        else:
            return False
        return True

    def on_list(self, message: codec.ImageMetaMessage) -> None:
        """Handle a list of images that has come for no search."""
        self._show_list(self._metadata.new_listing(message))

    def on_pushed_list(self, message: codec.ImageMetaMessage) -> None:
        """Ask for the list again, if another one came unasked: see ``list_requests``."""
        self._list_requests.on_unasked(message)
        self._confirm_if_in_doubt()

    def _confirm_if_in_doubt(self) -> None:
        others = self._list_requests.others()
        if others and self._list_requests.may_confirm():
            self.confirm_list()
        elif others:
            if (longer := self._list_requests.longer_one(others)) is not None:
                self._show_list(self._metadata.new_listing(longer), is_update=True)
            if self._list_requests.must_tell():
                self._notify(Failed(BrowserError(SEVERAL_LISTS)))

    def _show_list(
        self, now: Listing, search: ImageSearch = NO_SEARCH, is_update: bool = False
    ) -> None:
        # What is known of the images first: observers read the names of loaded images there.
        before = self._metadata.listing
        now.came(datetime.now(timezone.utc), search, self._connection.number)
        if before.search_keywords or now.search_keywords:
            now.keep_entries_of(before, self._downloads.known_ids)
        self.is_list_unanswered = False
        self._metadata.on_list(now)
        # Label maps of another patient, who has had the id of their image, count no more.
        self._downloads.states.remove_all_but(self._in_scene.has)
        self._downloads.states.list(now)
        self.sequences.on_list()
        self._notify(Listed(now.entries, is_update))
        self._downloads.withdraw(before, now)
        if self._downloads.on_list():
            self.fetch_next()

    def on_image_finished(self, query: net.Query) -> bool:
        """Handle a query that is done; return whether it was that of the image in transfer."""
        if self.regions.on_finished(query):
            return True
        if not self._downloads.on_finished(query):
            return False
        self.fetch_next()
        has_answered = query.answer is not None or isinstance(query.error, net.RefusedError)
        entry = self.entry(query.device_name) if has_answered and not self.is_loading else None
        if entry is not None and not any(entry.size):
            # Now an archive knows how large it is, or which images the series has.
            self._list_requests.request_update()
        return True

    def on_live_image(self, image: codec.ImageMessage) -> None:
        """Show an image that nobody asked for; one that is listed, by a list of its connection."""
        entry = None if self.current is None else self.entry(self.current)
        if self._unasked.is_to_be_shown(image, entry, self.confirm_list):
            self._live.handle(image)

    def set_drawn_live_ids(self, image_ids: Iterable[str]) -> None:
        """Say which live images an observer draws itself, see ``LiveImages.set_drawn_ids``."""
        self._live.set_drawn_ids(image_ids)

    def skip_outdated(self, events: Sequence[net.ClientEvent]) -> list[net.ClientEvent]:
        """Return ``events`` without live images after which a newer one of their id has come."""
        self.recordings.add(self._unasked.of_the_list(events))
        return self._live.skip_outdated(events)

    def on_nodes_removed(self, node: Any = None) -> list[str]:
        """Look what went with a node, or with any; return the ids whose state has changed."""
        if self.sequences.is_moving_volumes or not self._in_scene.may_show_image(node):
            return []  # to look at all images for each of a thousand nodes would take seconds
        self._live.remove_nodes()
        self._downloads.on_nodes_removed()
        self.fetch_next()
        return self._downloads.states.remove_all_but(self._in_scene.has)

    def on_scene_closed(self) -> None:
        """Forget what was in the scene; transfers are cancelled."""
        self.cancel()
        self._live.forget_all()
        self.recordings.abandon_all()
        self._downloads.on_nodes_removed()
        self.sequences.forget()
        self._downloads.states.remove_all_but(self._in_scene.has)

    @property
    def is_list_current(self) -> bool:
        """Whether the last list came over the present connection."""
        return self._connection.has_sent(self._metadata.listing)

    @property
    def is_list_awaited(self) -> bool:
        """Whether a list is still to come."""
        return self._list_requests.is_waiting

    def confirm_list(self) -> None:
        """Ask for the list, unless it is on its way, or the server is known not to send it."""
        is_offered = self._connection.offers("IMGMETA") is not False
        if is_offered and not self.is_list_unanswered and not self.is_list_awaited:
            self._list_requests.request_update()

    def _is_list_due(self) -> bool:
        is_being_read = self._list_requests.is_waiting
        if is_being_read or self.is_list_unanswered or not self._is_list_wanted:
            return False
        return self._metadata.listing.age > _YOUNG_LIST
