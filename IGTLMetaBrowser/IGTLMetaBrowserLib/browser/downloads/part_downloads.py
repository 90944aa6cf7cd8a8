"""Images that are fetched in parts: a coarse one first, which is shown, then the rest.

So with servers that offer it (IMGPART, ``docs/PROTOCOL.md``), and images that take long. What has
come before a connection was lost need not come again. Where a server's parts turn out to be of no
use, the image is asked for as from any other server.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Set

from ... import codec, net
from ...net.client.listed_images import is_of_another_patient
from ...net.client.partial_image import Box, PartialImage, coarse_stride
from ...net.client.parts_transfer import Outcome, PartsTransfer
from ...scene.errors import SceneError
from ..connection import ServerConnection
from ..events import Observer, PreviewShown, VolumeChanging
from ..images.scene_images import SceneImages

# Smaller images are there before anybody misses them.
_FEWEST_BYTES = 8 << 20
# The coarse image has about 2 % of the voxels.
_LEAST_RATIO = 48
# An image that is there so soon is fetched as a whole: to copy parts, and to draw what is coarse,
# would only keep it waiting.
_SECONDS_WITHOUT_PREVIEW = 1.0
SECONDS_FOR_OFFER = 10.0
"""For a server that is connected again to say once more that it sends parts."""
# In software, all views together take 100 ms to be drawn.
_SECONDS_BETWEEN_DRAWINGS = 0.5
_LEAST_DRAWN = 0.08
_SECONDS_A_TURN = 0.005


class PartDownloads:
    """At most one transfer at a time.

    ``shows_previews``: what has come of an image is shown, as is of use if anybody sees it;
    ``keeps_previews``: also when it was cancelled.
    """

    def __init__(
        self, connection: ServerConnection, in_scene: SceneImages, notify: Observer
    ) -> None:
        self.shows_previews = True
        self.keeps_previews = False
        self._connection = connection
        self._in_scene = in_scene
        self._notify = notify
        self._current: PartsTransfer | None = None
        # Those that were cut, by a lost connection or by the user, with what has come.
        self._cut: dict[str, PartsTransfer] = {}
        # Questions that have failed, of which the browser will be notified.
        self._given_up: set[net.Query] = set()
        self._shown_ids: set[str] = set()
        # When the views may draw the preview, and how much of it was real the last time.
        self._draw_at = 0.0
        self._drawn_fraction = 0.0
        self._has_preview = True
        self._are_parts_usable = True
        self._offer_until = 0.0
        # Bytes a second, over the present connection; None if that is not known.
        self._speed: float | None = None

    @property
    def current(self) -> PartsTransfer | None:
        """The transfer that is going on, or None."""
        return self._current

    @property
    def ids_with_previews(self) -> Set[str]:
        """The ids of the images that are shown, and not whole."""
        return self._shown_ids

    @property
    def next_turn(self) -> float | None:
        """When to call ``work``, in ``time.monotonic`` seconds; None if it has nothing to do."""
        transfer = self._current
        if transfer is None or transfer.partial is None:
            return None
        if transfer.is_whole or transfer.is_writing:
            return 0.0
        is_shown = transfer.image_id in self._shown_ids
        is_changed = transfer.partial.fraction >= self._drawn_fraction + _LEAST_DRAWN
        return self._draw_at if self._has_preview and (is_changed or not is_shown) else None

    # Transfers

    def begin(self, image_id: str, entry: codec.ImageMetaItem | None, byte_count: int) -> bool:
        """Ask for an image in parts; return False if it should be asked for as a whole."""
        client = self._connection.client
        transfer = self._cut.pop(image_id, None)
        if not (client.offers_parts and self._are_parts_usable):
            self._remove_preview(image_id)
            return False
        if transfer is None:
            if entry is None or byte_count < _FEWEST_BYTES or self._is_soon_there(byte_count):
                return False
            transfer = self._new_transfer(image_id, entry)
        transfer.ask(client)
        self._current = transfer
        self._draw_at, self._drawn_fraction = time.monotonic(), 0.0
        self._has_preview = self.shows_previews
        return True

    def _new_transfer(self, image_id: str, entry: codec.ImageMetaItem) -> PartsTransfer:
        def whole(first: codec.ImagePartMessage) -> Box:
            # What is not as listed is for the check against the list, which needs the whole image.
            if tuple(first.image_size) != tuple(entry.size):
                raise net.AnswerError(f"it has {first.image_size} voxels, not {entry.size}")
            if first.scalar_type != entry.scalar_type:
                raise net.AnswerError("it has voxels of another type than listed")
            if is_of_another_patient(first, entry):
                raise net.AnswerError("it is of another patient than listed")
            return Box((0, 0, 0), tuple(first.image_size))

        stride = coarse_stride(tuple(entry.size), _LEAST_RATIO)
        coarse = codec.GetImagePartMessage(stride=stride, device_name=image_id)
        most_bytes = self._connection.client.settings.max_body_size
        return PartsTransfer(coarse, whole, most_bytes)

    def awaits_offer_until(self, image_id: str | None) -> float | None:
        """When to begin at the latest with an image that can go on where it was cut.

        In ``time.monotonic`` seconds; None if there is nothing to wait for. After reconnecting, the
        server first has to say that it sends parts.
        """
        client, now = self._connection.client, time.monotonic()
        if image_id not in self._cut or client.offers_parts is not None:
            return None
        if not client.is_connected:
            return now + SECONDS_FOR_OFFER
        return self._offer_until if now < self._offer_until else None

    @property
    def has_cut(self) -> bool:
        """Whether an image can go on where it was cut."""
        return bool(self._cut)

    def on_connected(self) -> None:
        """There is a connection, of which nothing is known yet."""
        self._speed = None
        self._offer_until = time.monotonic() + SECONDS_FOR_OFFER

    def watch(self) -> None:
        """Look how the parts arrive."""
        if self._current is not None:
            self._current.watch(self._connection.client)

    def on_finished(self, query: net.Query) -> Outcome | None:
        """Handle the answer to a question; None if it was not asked here.

        There is a transfer only as long as it ``GOES_ON``; one that is ``LOST`` can be begun again.
        """
        transfer = self._current
        if query in self._given_up:
            self._given_up.remove(query)
            return Outcome.GOES_ON
        if transfer is None or query not in transfer:
            return None
        client = self._connection.client
        transfer.watch(client)  # with the bytes that have just come
        is_first = transfer.partial is None
        outcome = transfer.on_finished(query, client.is_connected)
        if outcome is Outcome.CHANGED:
            self._given_up |= transfer.cancel(client)
            transfer.start_anew()
            self._drawn_fraction = 0.0
            self._remove_preview(transfer.image_id)
            outcome = Outcome.GOES_ON
        elif outcome is Outcome.GOES_ON and is_first and self._is_fast(transfer):
            outcome = Outcome.FAST
        if outcome is Outcome.GOES_ON:
            transfer.ask(client)
            return outcome
        self._given_up |= transfer.cancel(client)
        self._current = None
        if outcome is Outcome.LOST:
            self._cut[transfer.image_id] = transfer
        elif outcome is Outcome.FAILED:
            self._remove_preview(transfer.image_id)
            # What is of no use once would cost time with each image.
            self._are_parts_usable = isinstance(transfer.error, net.RefusedError)
        return outcome

    def on_disconnected(self) -> str | None:
        """Return the id of the image in transfer if nothing of it is asked for: it is cut."""
        transfer = self._current
        if transfer is None or transfer.queries or transfer.is_all_here:
            return None
        self._current = None
        self._cut[transfer.image_id] = transfer
        return transfer.image_id

    def _is_fast(self, transfer: PartsTransfer) -> bool:
        self._speed = transfer.speed.bytes_per_second
        return self._is_soon_there(transfer.partial.byte_count)

    def _is_soon_there(self, byte_count: int) -> bool:
        return self._speed is not None and byte_count / self._speed < _SECONDS_WITHOUT_PREVIEW

    def take_whole(self) -> codec.ImageMessage | None:
        """Return the image of the transfer if it is whole, which then ends; None otherwise."""
        transfer = self._current
        if transfer is None or not transfer.is_whole:
            return None
        self._current = None
        self._shown_ids.discard(transfer.image_id)
        seconds = time.monotonic() - transfer.first_at
        self._speed = transfer.partial.byte_count / seconds if seconds else None
        return transfer.partial.image()

    def cancel(self, image_ids: Iterable[str]) -> None:
        """Wait no more for images; their previews stay if the user wants that."""
        if self._current is not None or self._cut:
            for image_id in image_ids:
                self._cancel(image_id)

    def _cancel(self, image_id: str) -> None:
        transfer = self._cut.get(image_id)
        if self._current is not None and self._current.image_id == image_id:
            transfer, self._current = self._current, None
            self._given_up |= transfer.cancel(self._connection.client)
        is_kept = self.keeps_previews and image_id in self._shown_ids
        if is_kept and transfer is not None:
            self._cut[image_id] = transfer
        else:
            self._cut.pop(image_id, None)
            self._remove_preview(image_id)

    def forget_all(self) -> None:
        """Another server was selected: nothing of what has come is of use there."""
        self._current = None
        self._given_up.clear()
        self._cut.clear()
        self._shown_ids.clear()
        self._are_parts_usable = True

    def work(self) -> None:
        """Do a little of what brings in the transfer, or shows it, and not for long."""
        transfer, turn = self._current, self.next_turn
        if transfer is None or transfer.is_whole or turn is None or time.monotonic() < turn:
            return
        if transfer.is_writing:
            transfer.write_some()
            transfer.ask(self._connection.client)
        elif transfer.image_id not in self._shown_ids:
            self._show_coarse(transfer)
        elif not transfer.partial.is_filled:
            transfer.partial.fill(_SECONDS_A_TURN)
        else:
            self._draw(transfer)

    # Previews

    def removed_ids(self) -> list[str]:
        """Return the ids of the images whose previews were removed by the user."""
        removed = [
            image_id
            for image_id in self._shown_ids
            if self._in_scene.volumes.preview(image_id) is None and not self._in_scene.has(image_id)
        ]
        self._shown_ids.difference_update(removed)
        return removed

    def _show_coarse(self, transfer: PartsTransfer) -> None:
        stride = transfer.partial.first.stride
        image = transfer.partial.coarse_image()
        how_much = _resolution(transfer.partial)
        if not self._is_to_be_shown(transfer):
            return
        try:
            node = self._in_scene.show_preview(transfer.image_id, image, stride, how_much)
        except SceneError:
            node = None  # the whole image cannot be shown either, which will say why
        self._draw_at = time.monotonic() + _SECONDS_BETWEEN_DRAWINGS
        if node is None:
            self._has_preview = False
            return
        self._shown_ids.add(transfer.image_id)
        self._notify(PreviewShown(transfer.image_id, node, how_much, is_first=True))

    def _draw(self, transfer: PartsTransfer) -> None:
        self._drawn_fraction = transfer.partial.fraction
        self._draw_at = time.monotonic() + _SECONDS_BETWEEN_DRAWINGS
        how_much = _how_much(transfer.partial)
        image = transfer.partial.image()
        if not self._is_to_be_shown(transfer):
            return
        node = self._in_scene.show_preview(transfer.image_id, image, (1, 1, 1), how_much)
        if node is not None:
            self._notify(PreviewShown(transfer.image_id, node, how_much, is_first=False))

    def _is_to_be_shown(self, transfer: PartsTransfer) -> bool:
        """Tell observers that a preview changes; return whether none of them has cancelled it."""
        self._notify(VolumeChanging(transfer.image_id))
        return self._current is transfer

    def forget(self, image_ids: Iterable[str]) -> None:
        """Keep nothing of what has come of images that are not in transfer."""
        for image_id in image_ids:
            self._cut.pop(image_id, None)
            self._remove_preview(image_id)

    def _remove_preview(self, image_id: str) -> None:
        self._shown_ids.discard(image_id)
        self._in_scene.volumes.remove_preview(image_id)


def _how_much(partial: PartialImage) -> str:
    """Say how much of an image is real; never more than is."""
    percent = int(100 * partial.fraction)
    return f"{percent} %" if percent else _resolution(partial)


def _resolution(partial: PartialImage) -> str:
    return f"1/{max(partial.first.stride)} resolution"
