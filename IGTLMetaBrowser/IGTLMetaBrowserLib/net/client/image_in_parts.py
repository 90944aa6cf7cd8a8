"""A whole image in parts, for scripts: if the connection is lost, it goes on where it stopped.

All parts are of one version of the image (their tag), or it begins anew. Parts are compressed if
the network turns out to be slower than that takes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

from ... import codec
from ..errors import (
    AnswerError,
    ConnectionFailedError,
    ConnectionLostError,
    DamagedAnswerError,
    NetworkError,
    RefusedError,
    TimeOutError,
)
from .base_client import ProgressCallback
from .client import Client
from .partial_image import Box
from .parts_transfer import Outcome, PartsTransfer

# One voxel tells all that the whole image has in common.
_ONE_VOXEL = (0xFFFF, 0xFFFF, 0xFFFF)
_BYTES_AT_ONCE = 32 << 20
# Before each attempt in which nothing more has come.
_DELAYS = (0.0, 0.5, 1.0, 2.0, 4.0)
_LOST = (ConnectionLostError, ConnectionFailedError, DamagedAnswerError, TimeOutError)


def get_image_in_parts(
    client: Client,
    image_id: str,
    progress: ProgressCallback | None = None,
    on_lost: Callable[[NetworkError], None] | None = None,
) -> codec.ImageMessage:
    """Return an image of a server that ``offers_parts``; ``on_lost`` is called when it goes on.

    ``progress`` counts bytes of voxels, as they are in memory. The coordinates are those of the
    client's settings. Raises ``NetworkError``: ``RefusedError`` if the server sends no parts of it.
    """
    first = codec.GetImagePartMessage(stride=_ONE_VOXEL, device_name=image_id)
    most_bytes = client.settings.max_body_size
    transfer = PartsTransfer(first, _whole, most_bytes, _BYTES_AT_ONCE)
    failures = 0
    while not transfer.is_whole:
        received = transfer.received
        try:
            _run(client, transfer, progress)
        except _LOST as error:
            failures = 1 if transfer.received > received else failures + 1
            if failures > len(_DELAYS):
                raise
            if on_lost is not None:
                on_lost(error)
            time.sleep(_DELAYS[failures - 1])
    image, coordinates = transfer.partial.image(), client.settings.coordinates
    return image if coordinates is None else replace(image, coordinates=coordinates)


def _whole(first: codec.ImagePartMessage) -> Box:
    return Box((0, 0, 0), tuple(first.image_size))


def _run(client: Client, transfer: PartsTransfer, progress: ProgressCallback | None) -> None:
    """Go on until the image is whole, or has changed. Raises ``NetworkError``."""
    try:
        while not transfer.is_whole:
            _ask(client, transfer)
            query = transfer.queries[0]
            while not query.is_done:
                client.wait_for_socket()
                client.step()
                transfer.watch(client)
            outcome = transfer.on_finished(query, client.is_connected)
            if outcome is Outcome.CHANGED:
                transfer.start_anew()
                return
            if outcome is not Outcome.GOES_ON:
                raise transfer.error or AnswerError(f"{query} failed")
            transfer.write_some(math.inf)
            is_copied = query.answer.data is not transfer.partial.first.data
            if is_copied:
                client.reuse_memory_of(query.answer)
            if progress is not None and transfer.received:
                progress(transfer.received, transfer.partial.byte_count)
    finally:
        client.reuse_memory_of(None)
        transfer.cancel(client)


def _ask(client: Client, transfer: PartsTransfer) -> None:
    client.find_capability()  # connects, if the connection was lost
    if not client.is_connected:  # it is to be made once more
        client.check_offer("IMGPART")
    if not client.offers_parts:  # or has not said so soon: whole images need nothing of that
        raise RefusedError(
            f"{client.address} does not say that it sends parts of images; ask for the image"
        )
    transfer.ask(client)
