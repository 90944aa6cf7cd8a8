"""A slow link on loopback: a proxy that lets so many bits a second through, so much later.

In a test it runs in a thread of its own; a benchmark starts it as a process, so that it takes no
time from those who are measured::

    python shaped_link.py PORT BITS_PER_SECOND SECONDS_ONE_WAY

prints its own port first.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from dataclasses import dataclass

# About what a network card sends at once; and a router's buffer of 20 ms at 100 Mbit/s.
_PIECE = 16 << 10
_MOST_PIECES = 16
_PATIENCE = 60.0


@dataclass(frozen=True)
class Link:
    """What a link does to each direction; ``seconds`` is how long a byte is on its way."""

    bits_per_second: float
    seconds: float

    async def forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: list[int]
    ) -> None:
        """Pass on what comes until it ends; ``most[0]`` counts down to where it is cut."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_MOST_PIECES)
        sending = asyncio.ensure_future(self._send(pieces, writer))
        clock, free_at = asyncio.get_running_loop().time, 0.0
        try:
            while (piece := await reader.read(min(_PIECE, most[0]))) and not sending.done():
                most[0] -= len(piece)
                free_at = max(clock(), free_at) + 8 * len(piece) / self.bits_per_second
                await pieces.put((free_at + self.seconds, piece))
            await pieces.put((clock(), b""))
            await sending
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send(
        self, pieces: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            arrives_at, piece = await pieces.get()
            if not piece:
                return
            if (wait := arrives_at - clock()) > 0:
                await asyncio.sleep(wait)
            writer.write(piece)
            await writer.drain()


class ShapedLink:
    """A link to the server at ``port`` of this machine; it ends with its ``with`` block.

    ``cut_after``: of the first so many connections each is cut after so many bytes to the client.
    """

    def __init__(
        self,
        port: int,
        bits_per_second: float = 1e9,
        seconds: float = 0.0,
        cut_after: list[int] | None = None,
    ) -> None:
        self.port = 0
        self.connection_count = 0
        self._server_port = port
        self._link = Link(bits_per_second, seconds)
        self._cut_after = list(cut_after or [])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> ShapedLink:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.listen(), self._loop).result(_PATIENCE)
        return self

    def __exit__(self, *_error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(_PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()

    async def listen(self) -> None:
        """Begin to listen; ``port`` is known then."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        most = [self._cut_after.pop(0) if self._cut_after else sys.maxsize]
        there, back = await asyncio.open_connection("127.0.0.1", self._server_port)
        tasks = [
            asyncio.ensure_future(self._link.forward(reader, back, [sys.maxsize])),
            asyncio.ensure_future(self._link.forward(there, writer, most)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for end in (writer, back):
                with contextlib.suppress(OSError, RuntimeError):
                    end.close()


async def _run(port: int, bits_per_second: float, seconds: float) -> None:
    link = ShapedLink(port, bits_per_second, seconds)
    await link.listen()
    print(link.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
