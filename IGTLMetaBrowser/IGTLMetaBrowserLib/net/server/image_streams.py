"""Images that are sent again whenever they change, to clients that have asked so (STT_IMAGE)."""

from __future__ import annotations

from collections.abc import Iterable

from ... import codec
from ..source import NotReadyError, OffersStreams, Source, SourceError
from .served_client import QueuedQuery, ServedClient

_MOST_OF_A_CLIENT = 16


class ImageStreams:
    """Which images of ``source`` go to whom, and what has changed since.

    A client that reads slowly gets fewer images, each as it is then: the next is sent when the one
    before is.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._check_at: float | None = None

    @property
    def next_check(self) -> float | None:
        """When to call ``queue_changed``, in ``time.monotonic`` seconds; None for never."""
        return self._check_at

    def handle(
        self, client: ServedClient, query: codec.QueryMessage, now: float
    ) -> codec.Message | None:
        """Handle STT_IMAGE, answered with the image, and STP_IMAGE, whose answer it returns.

        Raises ``SourceError``.
        """
        if isinstance(query, codec.StartMessage):
            self._start(client, query.device_name, now)
        elif isinstance(query, codec.StopMessage):
            self._stop(client, query.device_name)
            return codec.ReturnMessage("IMAGE")
        return None

    def _start(self, client: ServedClient, image_id: str, now: float) -> None:
        assert isinstance(self._source, OffersStreams)
        if len(client.streams) >= _MOST_OF_A_CLIENT and image_id not in client.streams:
            raise SourceError(f"{_MOST_OF_A_CLIENT} images are sent already; stop one of them")
        client.streams[image_id] = self._source.image_version(image_id)
        if self._check_at is None:  # no later for the others, however often one starts
            self._check_at = now + self._source.seconds_between_images

    def _stop(self, client: ServedClient, image_id: str) -> None:
        """Send an image no longer; without an id, none of them."""
        for name in [image_id] if image_id else [*client.streams]:
            client.streams.pop(name, None)

    def queue_changed(self, clients: Iterable[ServedClient], now: float) -> list[ServedClient]:
        """Queue what has changed for those who wait for it, if it is time; return who they are.

        ``clients`` are all: also those to whom nothing can be sent at the moment.
        """
        if self._check_at is None or now < self._check_at:
            return []
        assert isinstance(self._source, OffersStreams)
        streaming = [client for client in clients if client.streams]
        self._check_at = now + self._source.seconds_between_images if streaming else None
        return [client for client in streaming if not client.is_owed and self._queue(client)]

    def _queue(self, client: ServedClient) -> bool:
        assert isinstance(self._source, OffersStreams)
        for image_id, known in [*client.streams.items()]:
            query = codec.GetMessage("IMAGE", device_name=image_id)
            try:
                version = self._source.image_version(image_id)
            except NotReadyError:
                continue
            except SourceError as error:  # it was removed: said once
                del client.streams[image_id]
                client.questions.append(QueuedQuery(query, codec.StatusCode.NOT_FOUND, str(error)))
                continue
            if version != known:
                client.streams[image_id] = version
                client.questions.append(QueuedQuery(query))
        return bool(client.questions)
