"""The list of images of a server that may push others, for blocking calls.

A server that repeats the number of a query says by it which list is the answer (see ``queries``).
Of any other server nothing tells: if another list than the first has come as well, the list is
asked for a few times more, until none has.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ... import codec
from ...codec.messages.items import ItemTable
from ..list_metadata.identity import is_own_server
from .base_client import BaseClient
from .events import ClientEvent, Unsolicited
from .query_errors import of_type

_MOST_QUESTIONS = 4
_MOST_OTHERS = 3  # are kept, of those that come while an answer is awaited
# For what follows an answer at once; and once a server is known to send several lists.
_LISTEN_SECONDS, _LISTEN_LONGER = 0.02, 0.5


def ask_for_list(
    client: BaseClient,
    image_id: str,
    attributes: Mapping[str, str] | None,
    preparing: Callable[[float], None] | None,
) -> tuple[codec.ImageMetaMessage, bool]:
    """Return the list, or that of one image, and whether it may not be the answer.

    Then it is the longest that came. Raises ``NetworkError``.
    """
    lists: list[codec.ImageMetaMessage] = []
    for _ in range(_MOST_QUESTIONS):
        others: deque[codec.ImageMetaMessage] = deque(maxlen=_MOST_OTHERS)
        keep = partial(_keep_lists, others)
        query = client.ask("IMGMETA", image_id, attributes)
        answer = of_type(client.wait(query, None, preparing, keep), codec.ImageMetaMessage)
        if image_id or answer.message_id == query.message_id:
            return answer, False
        if not is_own_server(answer):  # which pushes none
            _listen(client, keep, _LISTEN_LONGER if lists else _LISTEN_SECONDS)
        if all(_have_same_items(answer, other) for other in others):
            return answer, False
        lists += [answer, *others]
    return max(lists, key=lambda one: len(one.items)), True


def _listen(
    client: BaseClient, on_events: Callable[[Sequence[ClientEvent]], None], seconds: float
) -> None:
    end = time.monotonic() + seconds
    while client.is_connected and (left := end - time.monotonic()) > 0:
        client.wait_for_socket(left)
        on_events(client.step())


def _keep_lists(lists: deque[codec.ImageMetaMessage], events: Sequence[ClientEvent]) -> None:
    unasked = (event.message for event in events if isinstance(event, Unsolicited))
    lists.extend(message for message in unasked if isinstance(message, codec.ImageMetaMessage))


def _have_same_items(some: codec.ImageMetaMessage, others: codec.ImageMetaMessage) -> bool:
    return isinstance(some.items, ItemTable) and some.items.has_bytes_of(others.items)
