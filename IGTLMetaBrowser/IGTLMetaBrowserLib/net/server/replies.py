"""What a server does with the messages of a client: answers, refusals, and what is pushed to it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping

from ... import codec
from ...codec.messages.items import ItemListMessage
from ..limits import ServerLimits
from ..list_metadata.identity import is_without_items
from ..source import NotReadyError, OffersStreams, Source, SourceError, TakesMessages
from .answers import addressed, answer, metadata_of_list, one_line, refusal_messages, require_lists
from .arriving_images import arriving_image, growing_image
from .image_streams import ImageStreams
from .journal import Journal
from .memory_queue import MemoryQueue
from .packed_images import NoRoomError, PackedImage, PackedImages
from .packed_lists import PackedLists
from .served_client import MAX_BODY_SIZE, QueuedQuery, Reply, ServedClient
from .served_parts import CHANGED, PartInWork
from .thumbnails import ServedThumbnails

# The checksum of 157 MB takes 50 ms: in turns, so that small queries are answered between.
_TURN_SECONDS = 0.01

_Code = codec.StatusCode
# Of the messages that want an answer.
_PREFIXES = tuple(kind.prefix for kind in (codec.GetMessage, codec.StartMessage, codec.StopMessage))


class Replies:
    """Answers the clients of one server from ``source``, one query a turn.

    ``clients`` returns all of them.
    """

    def __init__(
        self,
        source: Source,
        limits: ServerLimits,
        journal: Journal,
        clients: Callable[[], Collection[ServedClient]],
    ) -> None:
        self._source = source
        self._queue_for_memory = MemoryQueue(clients)
        self._limits = limits
        self._journal = journal
        self.images = PackedImages(source, limits.image_cache_size)
        self.streams = ImageStreams(source)
        self._thumbnails = ServedThumbnails(source)
        self._lists = PackedLists()

    def on_event(self, client: ServedClient, event: codec.Message | codec.Rejected) -> None:
        """Note a query, hand the source what is pushed; hang up on who speaks something else."""
        if isinstance(event, codec.Rejected):
            words = one_line(str(event.error))
            self._journal.unreadable(client, words)
            if event.header.body_size > MAX_BODY_SIZE:
                client.connection.lost = ConnectionAbortedError(words)
            elif event.header.type_name[:4] in _PREFIXES:
                client.questions.append(_unreadable_question(event, words))
        elif not isinstance(event, codec.QueryMessage):
            self._hand_over(client, event)
        elif not isinstance(event, codec.ReturnMessage):
            client.questions.append(QueuedQuery(event))

    def go_on(self, client: ServedClient, now: float) -> None:
        """Begin to answer the client's next query, or go on with the one that is not ready."""
        if client.reply is None:
            question = client.questions.popleft()
            client.reply = Reply(question.query, now)
            if question.words:
                self._refuse(client, client.reply, question.code, question.words)
                return
            if not client.may_ask(now):
                words = f"more than {self._limits.queries_per_second:g} queries a second"
                self._refuse(client, client.reply, _Code.BUSY, f"{words}; ask more slowly")
                return
        try:
            self._reply(client, client.reply, now)
        except NotReadyError as error:
            client.resume_at = now + error.retry_after if error.retry_after else None
            client.note_waiting(isinstance(error, NoRoomError), now)
        else:
            client.note_served()

    def finish(self, client: ServedClient) -> None:
        """Let go of the answer whose last byte is sent."""
        reply = client.reply
        if reply is None or (reply.growing is not None and not reply.growing.is_done):
            return
        if reply.byte_count and not client.connection.wants_write:
            client.reply = None
            if not reply.is_refusal:
                self._journal.answered(client, reply)

    def _reply(self, client: ServedClient, reply: Reply, now: float) -> None:
        """Answer a query, or refuse it. Raises ``NotReadyError``."""
        query = reply.query
        try:
            if self._answer(client, reply, now):
                return
            code, words = _Code.UNKNOWN_INSTRUCTION, f"{query.type_name} is not supported here"
        except NotReadyError:
            raise
        except SourceError as error:
            code, words = _Code.NOT_FOUND, str(error)
        except Exception as error:  # one image that cannot be read must not end the server
            self._journal.failed(client, query)
            # What it says may be of this computer: of its disks, of Python, of other patients.
            kind = type(error).__name__
            words = f"the answer failed ({kind}); who runs the server finds why in its log"
            code = _Code.UNKNOWN_ERROR
        if reply.byte_count:  # in the middle of an image, words would be taken for voxels
            client.connection.lost = ConnectionAbortedError(one_line(words))
        else:
            self._refuse(client, reply, code, words)

    def _answer(self, client: ServedClient, reply: Reply, now: float) -> bool:
        """Queue the answer, or what there is of it; return whether the query has one at all.

        Raises ``NotReadyError``, ``SourceError``, and whatever a source does.
        """
        query = reply.query
        if reply.growing is not None:
            client.queue(reply.growing.parts())
            return True
        if reply.listing is not None:
            self._send_list(client, reply)
            return True
        require_lists(self._source, query, reply.begin)
        message = None
        if query.data_type == "IMAGE" and isinstance(self._source, OffersStreams):
            message = self.streams.handle(client, query, now)
        is_get = isinstance(query, codec.GetMessage)
        is_start = isinstance(query, codec.StartMessage) and query.device_name in client.streams
        if query.data_type == "IMAGE" and (is_start or is_get):
            self._send_image(client, reply)
        elif isinstance(query, codec.GetImagePartMessage):
            self._send_part(client, reply, query)
        elif query.data_type == "IMGTHUMB" and is_get:
            self._send_thumbnail(client, reply)
        else:
            return self._send_message(client, reply, message)
        return True

    def _send_message(
        self, client: ServedClient, reply: Reply, message: codec.Message | None
    ) -> bool:
        """Queue ``message``, or what the source answers; return whether that is anything."""
        if message is None:
            message = answer(self._source, reply.query, reply.named)
        if isinstance(message, ItemListMessage):
            reply.listing = self._lists.begin(message)
            self._send_list(client, reply)
        elif message is not None:
            client.queue(codec.pack_parts(addressed(message, reply.query)))
        return message is not None

    def _send_list(self, client: ServedClient, reply: Reply) -> None:
        """Queue a list, when it is packed. Raises ``NotReadyError``."""
        message, packed = reply.listing.message, reply.listing.packed
        content = packed.step(_TURN_SECONDS)
        metadata = metadata_of_list(message, packed.whole_texts, self._source)
        if is_without_items(message):
            content = codec.PackedContent(type(message)())
        self._queue(client, reply, content, metadata)

    def _send_image(self, client: ServedClient, reply: Reply) -> None:
        """Queue an image, when it is read and its checksum computed, or what there is of it.

        Raises ``NotReadyError``.
        """
        if reply.image is None:
            self._queue_for_memory.require_turn(client)
            reply.growing = growing_image(self._source, self.images, reply.query)
            if reply.growing is not None:
                client.queue(reply.growing.parts())
                return
        packed = self._image(client, reply)
        self._queue(client, reply, packed.content, packed.content.message.metadata)

    def _image(self, client: ServedClient, reply: Reply) -> PackedImage:
        """Return the image that is asked for, with its checksum or, for a part, its tag.

        Raises ``NotReadyError``.
        """
        query = reply.query
        is_part = isinstance(query, codec.GetImagePartMessage)
        if reply.image is None:
            self._queue_for_memory.require_turn(client)
            if is_part:
                reply.image = self.images.get_for_part(query.device_name, query.tag)
            else:
                reply.image = self.images.get(query.device_name)
        is_known = is_part and bool(reply.image.known_tag)
        if not is_known and not reply.image.sum_for(_TURN_SECONDS):
            raise NotReadyError
        return reply.image

    def _send_part(
        self, client: ServedClient, reply: Reply, request: codec.GetImagePartMessage
    ) -> None:
        """Queue a part of an image, when it is ready. Raises ``NotReadyError``."""
        if reply.part is None:
            if reply.image is None:
                self._queue_for_memory.require_turn(client)
            arriving = arriving_image(self._source, self.images, request)
            reply.part = PartInWork(self.images, arriving or self._image(client, reply), request)
        packed = reply.part.step(_TURN_SECONDS)
        whole = reply.image  # None while it is still being decoded
        if whole is not None and not self.images.is_current(request.device_name, whole):
            # Voxels of a scene are not copied: they may have changed since the first turn.
            raise SourceError(CHANGED)
        # What is known of the image comes once, with the first part.
        metadata = {} if request.tag else reply.part.metadata
        self._queue(client, reply, packed.content, metadata)

    def _send_thumbnail(self, client: ServedClient, reply: Reply) -> None:
        """Queue the thumbnail of an image, when it is there. Raises ``NotReadyError``."""
        image_id = reply.query.device_name
        if reply.thumbnail is None:
            found = self._thumbnails.find(image_id)
            if found is not None:
                self._queue(client, reply, found.content, {})
                return
            reply.thumbnail = self._thumbnails.begin(image_id, self._image(client, reply))
            raise NotReadyError  # to find the window has taken some ms
        if not self.images.is_current(image_id, reply.thumbnail.image):
            raise SourceError(CHANGED)
        self._queue(client, reply, reply.thumbnail.step(_TURN_SECONDS).content, {})

    def _queue(
        self,
        client: ServedClient,
        reply: Reply,
        content: codec.PackedContent,
        metadata: Mapping[str, str],
    ) -> None:
        query = reply.query
        client.queue(
            content.parts(
                query.device_name,
                query.header_version,
                query.message_id,
                metadata if query.header_version > 1 else {},
            )
        )

    def _refuse(
        self, client: ServedClient, reply: Reply, code: codec.StatusCode, words: str
    ) -> None:
        reply.is_refusal, reply.growing = True, None
        self._journal.refused(client, reply, one_line(words))
        for message in refusal_messages(reply.query, code, words):
            client.queue(codec.pack_parts(message))

    def _hand_over(self, client: ServedClient, message: codec.Message) -> None:
        """Give the source what a client sent unasked, if the source takes that."""
        if not isinstance(self._source, TakesMessages):
            self._journal.not_kept(client, message, "this source accepts no messages", logging.INFO)
            return
        try:
            self._source.receive(message)
        except SourceError as error:
            self._journal.not_kept(client, message, one_line(str(error)))
        except Exception:  # what one client sends must not end the server
            self._journal.failed(client, message)
        else:
            self._journal.received(client, message)


def _unreadable_question(event: codec.Rejected, words: str) -> QueuedQuery:
    """Return what stands for a query that cannot be read, so that its sender is told so."""
    header = event.header
    code = _Code.INVALID
    if isinstance(event.error, codec.ChecksumError):
        code = _Code.CHECKSUM_ERROR
    elif isinstance(event.error, codec.HeaderVersionError):
        code = _Code.UNKNOWN_VERSION
    version = header.version if header.version in (1, 2) else 1
    query = codec.GetMessage(
        header.type_name[4:], device_name=header.device_name, header_version=version
    )
    return QueuedQuery(query, code, words)
