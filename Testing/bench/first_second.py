"""Something to see within the first second: parts of images and thumbnails, beside the plain fetch.

Run it with ``python3 Testing/dev.py bench first_second``; it exits with 1 where something was not
reached. A CT of 512×512×300 voxels, the phantom with noise, comes over loopback and over a link of
100 Mbit/s and 20 ms (there and back). Server and link are processes of their own. The client is
what the browser uses, without a scene; the step ``bench_first_second`` in a real Slicer has that.
"""

# ruff: noqa: E402 - the path comes before what is found on it

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console

TESTING = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTING), str(TESTING.parent / "IGTLMetaBrowser")]

from contests import harness, serving

from helpers import shaped_link
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.browser.downloads.part_downloads import (
    _LEAST_RATIO,
    _SECONDS_WITHOUT_PREVIEW,
)
from IGTLMetaBrowserLib.net.client.partial_image import Box, coarse_stride
from IGTLMetaBrowserLib.net.client.parts_transfer import Outcome, PartsTransfer

SIZE = (512, 512, 300)  # i, j, k
MEGABYTES = 2 * SIZE[0] * SIZE[1] * SIZE[2] / 1e6
BITS_PER_SECOND, SECONDS_ONE_WAY = 100e6, 0.01
ROUNDS, ROUNDS_OF_SLOW, ROUNDS_OF_COARSE = 7, 2, 5
ROWS = 100
PLAIN, PARTS = "plain fetch", "in parts"
COARSE_SECONDS, THUMBNAIL_SECONDS = 0.6, 0.3

# Prints its port, and serves until it is ended.
SERVER = (
    serving.PREPARE
    + f"""
from helpers.large_ct import LargeCT
class Source(LargeCT):
    ids = ("CT", *(f"CT_{{n}}" for n in range({ROWS})))
    def image(self, image_id):
        return self._image
server = net.Server(Source(), port=0)
print(server.port, flush=True)
server.serve_forever()
"""
)


def main() -> int:
    """Measure everything; return 0 where all that is required was reached."""
    console = Console()
    console.print(
        f"Medians; {os.cpu_count()} processors{serving.load()}; {MEGABYTES:.0f} MB",
        highlight=False,
    )
    link_command = [sys.executable, shaped_link.__file__]
    with serving.running(serving.python(SERVER)) as port:
        link_arguments = [str(port), str(BITS_PER_SECOND), str(SECONDS_ONE_WAY)]
        with (
            serving.running([*link_command, *link_arguments]) as link,
            net.Client("127.0.0.1", port) as direct,
            net.Client("127.0.0.1", link) as far,
        ):
            for client in (direct, far):
                client.find_capability()
            plain = direct.get_image("CT").pixels
            reached = [
                thumbnails(console, direct),
                coarse(console, far),
                whole(console, "loopback", direct, plain, ROUNDS, 1.3),
                whole(console, "100 Mbit/s and 20 ms", far, plain, ROUNDS_OF_SLOW, 0.6),
            ]
    return 0 if all(reached) else 1


def thumbnails(console: Console, client: net.Client) -> bool:
    """Show how long the thumbnails of all rows take, when the server has made them."""

    def ask_for_all() -> None:
        queries = [client.ask("IMGTHUMB", f"CT_{row}") for row in range(ROWS)]
        for query in queries:
            client.wait(query)

    name = f"thumbnails of {ROWS} rows, loopback, the server has them"
    return absolute(console, name, ask_for_all, ROUNDS, THUMBNAIL_SECONDS)


def coarse(console: Console, client: net.Client) -> bool:
    """Show how long the first coarse volume takes over the slow link."""
    name = "click to first coarse volume, decoded, 100 Mbit/s and 20 ms"
    return absolute(
        console,
        name,
        lambda: fetch(client, is_coarse_enough=True),
        ROUNDS_OF_COARSE,
        COARSE_SECONDS,
    )


def absolute(
    console: Console, name: str, work: Callable[[], object], rounds: int, most: float
) -> bool:
    """Measure what has to be done in so many seconds. The first turn does not count."""
    work()
    taken = statistics.median(harness.seconds(work) for _ in range(rounds))
    measured = harness.time_text(taken)
    harness.print_verdict(console, name, f"≤ {most:g} s", measured, taken <= most)
    return taken <= most


def whole(
    console: Console, link: str, client: net.Client, plain: np.ndarray, rounds: int, most: float
) -> bool:
    """Show how long the whole volume takes, beside the plain fetch."""

    def in_parts() -> float:
        pixels = np.empty(0)

        def work() -> None:
            nonlocal pixels
            pixels = fetch(client).pixels

        seconds = harness.seconds(work)
        if not np.array_equal(pixels, plain):
            raise ValueError("the parts are not the image")
        return seconds

    contest = harness.Contest(
        f"The whole volume, {link}",
        {
            PLAIN: lambda: harness.seconds(lambda: client.get_image("CT")),
            PARTS: in_parts,
        },
        MEGABYTES,
        "MB",
        [harness.Requirement(PARTS, PLAIN, at_most=most)],
    )
    return harness.hold(console, contest, rounds)


def fetch(client: net.Client, is_coarse_enough: bool = False) -> codec.ImageMessage:
    """Get the image as the browser does, or the coarse one only.

    The browser asks for the rest as a whole if the first part has shown that the link is fast.
    """
    request = codec.GetImagePartMessage(stride=coarse_stride(SIZE, _LEAST_RATIO), device_name="CT")
    transfer = PartsTransfer(request, lambda _: Box((0, 0, 0), SIZE), 1 << 30)
    transfer.ask(client)
    while not transfer.is_whole:
        client.wait_for_socket()
        events = client.step()
        transfer.watch(client)
        for event in events:
            if not isinstance(event, net.Finished) or event.query not in transfer:
                continue
            if transfer.on_finished(event.query, client.is_connected) is not Outcome.GOES_ON:
                raise transfer.error or ValueError("the transfer has failed")
            if is_coarse_enough:
                return transfer.partial.coarse_image()
            speed = transfer.speed.bytes_per_second
            if speed is not None and MEGABYTES * 1e6 / speed < _SECONDS_WITHOUT_PREVIEW:
                return client.get_image("CT")
            transfer.ask(client)
    return transfer.partial.image()


if __name__ == "__main__":
    sys.exit(main())
