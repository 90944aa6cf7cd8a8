"""Blocking calls that wait for what a server offers beyond the protocol, and what is said of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import ConnectionLostError, RefusedError, TimeOutError

if TYPE_CHECKING:
    from .client import Client

_WORDS = {
    "IMGPART": ("parts of images", "ask for whole images"),
    "IMGTHUMB": ("thumbnails of images", "ask for the images"),
}


def find_offers(client: Client, seconds: float, is_awaited: Callable[[], bool]) -> None:
    """Wait until it is known what the server offers, as long as that ``is_awaited``.

    Raises ``NetworkError``.
    """
    if not client.has_list:
        client.get_list()
    end = time.monotonic() + seconds
    while is_awaited() and (left := end - time.monotonic()) > 0:
        client.wait_for_socket(left)
        client.step()


def require_offer(client: Client, data_type: str) -> None:
    """Wait until the server has said that it answers queries for a type.

    Raises ``NetworkError`` as ``check_offer``.
    """
    find_offers(client, client.answer_timeout, lambda: client.is_offer_awaited)
    check_offer(client, data_type)


def check_offer(client: Client, data_type: str) -> None:
    """Raise ``RefusedError`` if the server answers no queries for a type.

    Raises ``TimeOutError`` if it has not said so yet, and ``ConnectionLostError`` if it cannot, as
    there is no connection any more.
    """
    if client.offers(data_type):
        return
    what, instead = _WORDS[data_type]
    if not client.is_connected:
        raise ConnectionLostError(
            f"{client.address} closed the connection before it said whether it sends {what}; try "
            f"again, or {instead}"
        )
    if client.is_offer_awaited:
        raise TimeOutError(
            f"{client.address} has not said yet whether it sends {what}; try again, allow more "
            f"time, or {instead}",
            "answer_timeout",
        )
    raise RefusedError(f"{client.address} does not send {what}; {instead}")
