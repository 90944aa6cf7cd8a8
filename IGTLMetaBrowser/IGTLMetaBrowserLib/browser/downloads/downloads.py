"""Fetches images one after the other, and keeps the state of each."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence, Set
from dataclasses import replace
from typing import NamedTuple

from ... import codec, net
from ...net.client.list_check import ListCheck
from ...net.client.listed_images import is_same_entry
from ...net.client.parts_transfer import Outcome
from ..connection import ServerConnection
from ..error_texts import error_text
from ..errors import BrowserError
from ..events import (
    Asked,
    ImageFailed,
    ImagePreparing,
    ImageProgress,
    ImagesCancelled,
    ImagesWaiting,
    Observer,
    Transfer,
)
from ..images.image_metadata import ImageMetadata
from ..images.image_states import ImageStates
from ..images.list_requests import ListRequests
from ..images.scene_images import SceneImages
from ..lists.listing import Listing
from .arrivals import Arrivals
from .download_queue import DownloadQueue
from .label_list_check import LabelListCheck
from .part_downloads import PartDownloads
from .requested_images import RequestedImages
from .withdrawn import Withdrawn

# The window draws at each of these events; nobody sees more than ten steps a second of a bar.
_SECONDS_BETWEEN_REPORTS = 0.1
# To put 1,000,000 images into the queue takes a second or two; these, some 7 ms.
_IMAGES_A_TURN = 5_000


class _Unconfirmed(NamedTuple):
    """An image, and what the list has said of it before the connection was lost.

    Of a label map, ``listed_id`` and ``entry`` are those of the image that it belongs to.
    """

    image_id: str
    image: codec.ImageMessage
    listed_id: str
    entry: codec.ImageMetaItem | None


class Downloads:
    """One transfer at a time; a failure never stops the others. ``states`` learn each image's."""

    def __init__(
        self,
        connection: ServerConnection,
        notify: Observer,
        in_scene: SceneImages,
        states: ImageStates,
        metadata: ImageMetadata,
        list_requests: ListRequests,
    ) -> None:
        self._states = states
        self.parts = PartDownloads(connection, in_scene, notify)
        self._arrivals = Arrivals(connection, notify, in_scene, states)
        self._metadata = metadata
        self._list_requests = list_requests
        self._list_check = ListCheck()
        self._label_list_check = LabelListCheck(connection, in_scene)
        self._connection = connection
        self._notify = notify
        self._in_scene = in_scene
        self._requested = RequestedImages()
        self._withdrawn = Withdrawn()
        self._queue = DownloadQueue()
        self._query: net.Query | None = None
        # All of an image has come: observers hear of it first.
        self._whole: tuple[str, codec.ImageMessage] | None = None
        # An image that has come over another connection than its list, and waits for that.
        self._unconfirmed: _Unconfirmed | None = None
        self._body_size = 0  # of the answer, as soon as it begins to arrive
        self._notified_at = 0.0  # the progress, in monotonic seconds
        self._seconds_preparing = 0  # of those that observers were notified of

    @property
    def waiting(self) -> list[str]:
        """The ids of the images that wait, first in first out."""
        return [*self._queue.waiting, *self._requested]

    @property
    def known_ids(self) -> set[str]:
        """The ids of the images that are loaded, wait or are in transfer."""
        return {*self._states.loaded_ids, *self.waiting, *filter(None, [self.current])}

    def byte_count(self, but: Set[str]) -> int:
        """Return the bytes of all that wait or are in transfer, but for some, by the list."""
        requested = {one for one in self._requested if one not in but and one not in self._queue}
        return self._queue.byte_count(but) + sum(self._metadata.listing.byte_counts([*requested]))

    @property
    def has_requested(self) -> bool:
        """Whether there is something for ``queue_requested`` to do."""
        return bool(self._requested) or self._withdrawn.is_being_found

    @property
    def current(self) -> str | None:
        """The id of the image in transfer, until it is in the scene; or None."""
        return self._arrivals.image_id or self._queue.current

    @property
    def is_loading(self) -> bool:
        """Whether an image is in transfer or waits; between two images none is in transfer."""
        has_waiting = self._queue.has_waiting or self.has_requested
        return self.current is not None or has_waiting

    @property
    def transfer(self) -> Transfer | None:
        """The transfer as it stands, or None if there is none."""
        transfer = self._queue.transfer(time.monotonic())
        if transfer is None:
            return None
        transfer = replace(transfer, total=transfer.total + len(self._requested))
        query = self._first_query
        if query is None:
            return transfer
        seconds = self._connection.client.seconds_preparing(query)
        return replace(transfer, seconds_preparing=seconds)

    @property
    def next_turn(self) -> float | None:
        """When to call ``work``, in ``time.monotonic`` seconds; None if it has nothing to do."""
        if self._arrivals.image_id is not None or self._whole is not None:
            return 0.0
        return self.held_until if self.current is None else self.parts.next_turn

    @property
    def held_until(self) -> float | None:
        """Until when, in monotonic s, the next image waits for what the server offers; or None."""
        if self.current is not None or not self._connection.has_server:
            return None
        return self.parts.awaits_offer_until(self._queue.first_waiting)

    @property
    def _first_query(self) -> net.Query | None:
        """The one for which the server has to make the image in transfer ready; None afterwards."""
        transfer = self.parts.current
        if transfer is None:
            return self._query
        return next(iter(transfer.queries), None) if transfer.partial is None else None

    def on_server_selected(self) -> None:
        """Believe the list of another server, and what it offers."""
        self._list_check = ListCheck()
        self._unconfirmed = self._whole = None
        self._withdrawn.forget()
        self.parts.forget_all()

    def request(self, image_ids: Sequence[str]) -> None:
        """Let images wait; one that waits or is in transfer already is not asked for twice.

        Many are put into the queue by ``queue_requested``, some in each turn.
        """
        self._requested.add(image_ids)
        if len(self._requested) <= _IMAGES_A_TURN:
            self.queue_requested()
        else:
            # To look up the first of so many takes a turn of its own. There is something to do now.
            self._notify(ImagesWaiting(()))

    def queue_requested(self) -> None:
        """Put some requested images into the queue, or take some out that are withdrawn."""
        if not self._requested:
            self._give_up_withdrawn()
            return
        wanted = list(dict.fromkeys(self._requested.take(_IMAGES_A_TURN)))
        if "" in wanted:
            wanted.remove("")
            self._fail("", BrowserError("an image without an id cannot be asked for"))
        new = [image_id for image_id in wanted if image_id not in self._queue]
        if new:
            sizes = self._metadata.listing.byte_counts(new)
            self._queue.add(dict(zip(new, sizes, strict=True)))
            self._wait(new)

    def fetch_next(self) -> None:
        """Ask for the next image, if none is in transfer."""
        if self._withdrawn.is_being_found:
            return  # it may be one of those
        # One at a time: OpenIGTLink answers carry no number, so that two answers of one type could
        # not be told apart if the server names them otherwise than they were asked for.
        while self.current is None and self._queue.has_waiting and self.held_until is None:
            image_id = self._queue.begin_next(time.monotonic())
            self._notified_at = 0.0
            try:
                self._ask(image_id)
            except codec.EncodeError as error:
                self._queue.finish()
                self._fail(image_id, error)
            else:
                self._body_size = self._seconds_preparing = 0
                self._states.load(image_id)
                self._notify(Asked())
        self._connection.notify_attempt()

    def _ask(self, image_id: str) -> None:
        """Ask for an image, in parts if that is of use. Raises ``codec.EncodeError``."""
        listing = self._metadata.listing
        byte_count = listing.byte_counts([image_id])[0]
        if not self.parts.begin(image_id, listing.entry(image_id), byte_count):
            self._query = self._connection.client.ask("IMAGE", image_id)

    def report_progress(self) -> None:
        """Notify of how much of the image in transfer has arrived, if it is more than before."""
        transfer, query = self.parts.current, self._first_query
        self.parts.watch()
        if transfer is not None and transfer.partial is not None:
            self._report(transfer.received, transfer.partial.byte_count)
        if query is None or query is not self._first_query:
            return
        progress = self._connection.client.progress(query)
        if progress is not None and transfer is None:
            self._body_size = progress.body_size
            self._report(progress.received, progress.body_size)
            if query is not self._first_query:
                return  # who hears of it may cancel it, or leave the server
        seconds = int(self._connection.client.seconds_preparing(query) or 0)
        if seconds > self._seconds_preparing:
            self._seconds_preparing = seconds
            self._notify(ImagePreparing(query.device_name, seconds))

    def on_finished(self, query: net.Query) -> bool:
        """Handle a query that is done; return whether it was that of the image in transfer.

        If the connection is lost, but will be made again, the image waits for it.
        """
        outcome = self.parts.on_finished(query)
        if outcome is not None:
            self._on_part(query.device_name, outcome)
            return True
        if query is not self._query:
            return False
        self._query = None
        image_id = query.device_name
        is_unreachable = isinstance(query.error, net.ConnectionFailedError)
        if is_unreachable and self._connection.is_made_again:
            self._queue.put_back()
            self._wait([image_id])
        elif isinstance(query.answer, codec.ImageMessage):
            self._on_whole(image_id, query.answer, self._body_size or query.answer_size)
        else:
            error = query.error or BrowserError(f"{query} came as {query.answer}")
            self._queue.finish()
            self._fail(image_id, error)
            if is_unreachable:
                # The first connection failed, so there is no other attempt: none would ever come.
                for waiting in self._take_waiting(None):
                    self._fail(waiting, error)
        return True

    def _on_part(self, image_id: str, outcome: Outcome) -> None:
        if outcome is Outcome.LOST and self._connection.is_made_again:
            self._queue.put_back()
            self._wait([image_id])
        elif outcome is not Outcome.GOES_ON:
            # As any server is asked; its answer, or its words of why not, are those that count.
            self._queue.begin_again()
            self._states.load(image_id)
            self._query = self._connection.client.ask("IMAGE", image_id)

    def on_disconnected(self) -> None:
        """Let the image in transfer wait, if no query for it fails with the connection."""
        image_id = self.parts.on_disconnected()
        if image_id is not None:
            self._on_part(image_id, Outcome.LOST)

    def work(self) -> None:
        """Do a little of what shows the image in transfer, or has it in the scene."""
        if self._arrivals.image_id is not None:
            self._arrivals.end()
            return
        if self._whole is not None:
            self._handle_whole()
            return
        image = self.parts.take_whole()
        if image is None:
            self.parts.work()
        else:
            self._on_whole(image.device_name, image, image.pixels.nbytes)

    def on_nodes_removed(self) -> None:
        """Fetch those images no more whose previews the user has removed."""
        self._arrivals.end()
        removed = self.parts.removed_ids()
        if removed:
            self.cancel(removed)
            self.parts.forget(removed)

    def cancel(self, image_ids: Collection[str] | None = None) -> None:
        """Fetch these images no more, or none at all."""
        self._arrivals.end()
        current, cancelled = self.current, []
        if current is not None and (image_ids is None or current in image_ids):
            if self._query is not None:
                self._connection.client.cancel(self._query)
                self._query = None
            self._list_check.forget(current)
            self._unconfirmed = self._whole = None
            self._queue.finish()
            cancelled.append(current)
        self._states.cancel(cancelled)
        waiting = self._take_waiting(image_ids)
        if image_ids is None:
            self._withdrawn.forget()
            self._states.cancel_waiting()
        else:
            self._states.cancel(waiting)
        cancelled += waiting
        self.parts.cancel(cancelled)
        if cancelled:
            self._notify(ImagesCancelled(cancelled))

    def withdraw(self, before: Listing, now: Listing) -> None:
        """Give up what waits and was in the list before, and is in it no more."""
        if not (self._queue.has_waiting or self.has_requested):
            return
        self._withdrawn.look(before, now)
        self._give_up_withdrawn()

    def _give_up_withdrawn(self) -> None:
        """Give up some of what is listed no more, once all that is requested is in the queue."""
        if self._requested:
            return
        # First all of them: an observer of the first may cancel the others.
        gone = self._metadata.listing.missing(self._withdrawn.take_some())
        withdrawn = self._queue.waiting_of(gone)
        self._queue.remove(withdrawn)
        error = BrowserError("the server has removed it from the list")
        for image_id in withdrawn:
            self._fail(image_id, error)

    def on_list(self) -> bool:
        """A list has come; return whether an image that has waited for it is finished.

        It is the one that was asked for if the list says of it what it said before.
        """
        if self._unconfirmed is None:
            return False
        (image_id, image, listed_id, before), self._unconfirmed = self._unconfirmed, None
        now = self._metadata.listing.entry(listed_id)
        if is_same_entry(before, now):
            self._check(image_id, image)
        elif listed_id != image_id:
            self._queue.finish()
            self._fail(image_id, BrowserError("its image is another one now; get them all again"))
        elif now is not None:
            self._queue.begin_again()
            self._states.load(image_id)
            self._ask_whole(image_id)
        else:
            self._queue.finish()
            self._fail(image_id, BrowserError("the server has removed it from the list"))
        return self.current is None

    def on_list_failed(self, error: net.NetworkError) -> bool:
        """No list has come; return as ``on_list`` does."""
        if self._unconfirmed is None:
            return False
        image_id, self._unconfirmed = self._unconfirmed.image_id, None
        if isinstance(error, net.ConnectionFailedError) and self._connection.is_made_again:
            self._queue.put_back()
            self._wait([image_id])
        else:
            self._queue.finish()
            self._fail(image_id, error)
        return True

    def _on_whole(self, image_id: str, image: codec.ImageMessage, size: int) -> None:
        """All of an image has come; ``size`` in bytes."""
        self._whole = image_id, image
        self._report(size, size)
        self._handle_whole()

    def _handle_whole(self) -> None:
        # Who has heard of it may have cancelled it, left the server, and asked for it once more; or
        # has waited for another image, before which this one was handled.
        whole, self._whole = self._whole, None
        is_current = whole is not None and self._queue.current == whole[0]
        if is_current and self._query is None and self.parts.current is None:
            self._on_answer(*whole)

    def _on_answer(self, image_id: str, image: codec.ImageMessage) -> None:
        listing, listed_id = self._metadata.listing, self._in_scene.listed_id(image_id)
        is_list_older = listed_id in listing and not self._connection.has_sent(listing)
        # The server may have been started again meanwhile, for the next patient, or for the same
        # one with other images.
        if is_list_older:
            self._unconfirmed = _Unconfirmed(image_id, image, listed_id, listing.entry(listed_id))
            if not self._list_requests.is_waiting:
                self._list_requests.request_update()
            return
        self._check(image_id, image)

    def _check(self, image_id: str, image: codec.ImageMessage) -> None:
        """Show an image, if it is as listed."""
        entries = self._metadata.listing.entries_of(image_id)
        try:
            must_ask_again = self._label_list_check.must_ask_again(image_id)
            if must_ask_again or self._list_check.must_ask_again(image_id, image, entries):
                self._ask_again(image_id)
                return
        except net.AnswerError as error:
            self._queue.finish()
            self._fail(image_id, error)
            return
        self._queue.finish()
        self._on_image(image_id, image)

    def _ask_again(self, image_id: str) -> None:
        """Ask for the list, and behind it for an image that is not as listed, or may not be."""
        if self._queue.current != image_id:
            return  # who has heard that something was asked for has cancelled it
        self._queue.begin_again()
        self._body_size = self._seconds_preparing = 0
        self._states.load(image_id)
        self._list_requests.request()
        if self._queue.current == image_id and self._query is None:
            self._ask_whole(image_id)

    def _ask_whole(self, image_id: str) -> None:
        self._query = self._connection.client.ask("IMAGE", image_id)
        self._notify(Asked())

    def _on_image(self, image_id: str, image: codec.ImageMessage) -> None:
        error = self._arrivals.show(image_id, image)
        if error is not None:
            self._fail(image_id, error)

    def _report(self, received: int, size: int) -> None:
        image_id, now = self._queue.current, time.monotonic()
        if image_id is None or not self._queue.arrived(received, size, now):
            return
        self._states.load(image_id, received, size)
        if received == size or now - self._notified_at >= _SECONDS_BETWEEN_REPORTS:
            self._notified_at = now
            self._notify(ImageProgress(image_id, received, size))

    def _wait(self, image_ids: Sequence[str]) -> None:
        self._states.wait(image_ids)
        self._notify(ImagesWaiting(image_ids))

    def _take_waiting(self, image_ids: Collection[str] | None) -> list[str]:
        """Let these images wait no more, or none at all; return those that have waited."""
        queued = self._queue.waiting
        if image_ids is not None:
            queued = [image_id for image_id in queued if image_id in image_ids]
        self._queue.remove(queued)
        return queued + self._requested.remove(image_ids)

    def _fail(self, image_id: str, error: Exception) -> None:
        self.parts.forget([image_id])
        self._states.fail(image_id, error_text(error))
        self._notify(ImageFailed(image_id, error))
