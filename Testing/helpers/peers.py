"""Peers for tests over real sockets: our server in a thread, a server that follows a script, and
a plain socket that speaks whole messages.

Every wait in here ends after ``PATIENCE`` seconds with an error, so that no test hangs.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from helpers.patience import Patience
from helpers.silence import Silence, is_readable
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client import client as client_module
from IGTLMetaBrowserLib.net.client import header_versions

if TYPE_CHECKING:
    from IGTLMetaBrowserLib.browser.browser import Browser

PATIENCE = 60.0
# Clients do without what a server does not answer in so many seconds.
_SOON = [
    (client_module, "_CAPABILITY_SECONDS"),
    (header_versions, "_PROBE_SECONDS"),
    (header_versions, "_LIST_SECONDS"),
]
_BEFORE = [getattr(module, name) for module, name in _SOON]

TRAJECTORY = codec.TrajectoryItem(
    name="Left electrode",
    group="Trajectory",
    rgba=(255, 128, 0, 255),
    entry=(10.0, 20.0, 30.0),
    target=(-1.5, 0.0, 8.25),
    diameter=2.5,
    owner="A",
)

ITEM = codec.ImageMetaItem(
    "Head", "MR", "MR", "Doe", "P1", size=(4, 3, 2), scalar_type=codec.ScalarType.UINT16
)
"""What a list says of an image of ``make_image``."""

EventType = TypeVar("EventType")


def make_image(
    shade: int, size: tuple[int, int, int] = (4, 3, 2), device_name: str = ""
) -> codec.ImageMessage:
    """Return an image of ``size`` voxels along i, j, k whose uint16 values begin with ``shade``."""
    i, j, k = size
    pixels = (np.arange(i * j * k, dtype=np.uint32) + shade).astype(np.uint16)
    return codec.ImageMessage.from_ijk_to_ras(
        pixels.reshape(k, j, i), np.eye(4), device_name=device_name
    )


class ImagesInMemory:
    """A ``net.Source`` of given images; ``asked_for`` lists the ids that were asked for."""

    def __init__(
        self,
        images: dict[str, codec.ImageMessage] | None = None,
        trajectories: Sequence[codec.TrajectoryItem] = (),
    ) -> None:
        self._images = images or {}
        self._trajectories = trajectories
        self.asked_for: list[str] = []

    def images(self) -> list[codec.ImageMetaItem]:
        """Return what the images themselves tell."""
        return [
            codec.ImageMetaItem(
                name=f"Image {image_id}",
                id=image_id,
                modality="CT",
                size=image.whole_size,
                scalar_type=codec.ScalarType.of(image.pixels.dtype),
            )
            for image_id, image in self._images.items()
        ]

    def image(self, image_id: str) -> codec.ImageMessage:
        """Return an image, or refuse."""
        self.asked_for.append(image_id)
        if image_id not in self._images:
            raise net.SourceError(f"there is no image {image_id!r} here")
        return self._images[image_id]

    def trajectories(self) -> Sequence[codec.TrajectoryItem]:
        """Return the trajectories."""
        return self._trajectories


def _wait_for_servers(count: int) -> None:
    """Have all clients of this process wait ``PATIENCE`` as long as there are servers."""
    for (module, name), before in zip(_SOON, _BEFORE, strict=True):
        setattr(module, name, PATIENCE if count else before)


class ServerInThread:
    """Our own server, stepped in a thread as long as the ``with`` block lasts.

    It answers as soon as it is let run: all clients of this process wait for that, unless it
    ``is_waited_for`` no longer than any server, as behind a network at fault.
    """

    _waited_for: ClassVar[set[ServerInThread]] = set()

    def __init__(
        self,
        source: net.Source,
        host: str = "127.0.0.1",
        port: int = 0,
        is_waited_for: bool = True,
        **options: Any,
    ) -> None:
        self.server = net.Server(source, host, port, **options)
        self.host, self.port = self.server.host, self.server.port
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._error: BaseException | None = None
        self._is_waited_for = is_waited_for

    def __enter__(self) -> ServerInThread:
        if self._is_waited_for:
            self._waited_for.add(self)
            _wait_for_servers(len(self._waited_for))
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._is_waited_for:  # of several, any may end first
            self._waited_for.remove(self)
            _wait_for_servers(len(self._waited_for))
        self._is_over.set()
        self._thread.join(PATIENCE)
        self.server.close()
        if self._error is not None:
            raise self._error

    def client(self, **options: Any) -> net.Client:
        """Return a client of this server; ``options`` are those of ``net.Client``."""
        return net.Client(self.host, self.port, **options)

    @property
    def thread_id(self) -> int | None:
        """The identifier of the thread, as ``threading.get_ident`` has it."""
        return self._thread.ident

    def _run(self) -> None:
        try:
            while not self._is_over.is_set():
                self.server.step(0.01)
        except BaseException as error:
            self._error = error


class Peer:
    """One end of a connection that speaks whole messages and waits for them.

    Where there is a ``piece_size``, messages are sent in pieces of so many bytes.
    """

    def __init__(
        self, sock: socket.socket, piece_size: int | None = None, silence: Silence | None = None
    ) -> None:
        self.socket = sock
        self._silence = silence or Silence()
        self._piece_size = piece_size
        if piece_size is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(PATIENCE)
        self._receiver = codec.Receiver()
        self._received: deque[codec.Message | codec.Rejected] = deque()

    @classmethod
    def connect(cls, port: int, host: str = "127.0.0.1", source: str = "") -> Peer:
        """Return a peer that is connected to a server, from an address of this computer."""
        return cls(socket.create_connection((host, port), PATIENCE, (source, 0)))

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_error: object) -> None:
        self.socket.close()

    def send(self, *messages: codec.Message | bytes) -> None:
        """Send messages, or bytes as they are."""
        for message in messages:
            data = message if isinstance(message, bytes) else codec.pack(message)
            size = self._piece_size or len(data)
            for start in range(0, len(data), size):
                self._send_all(memoryview(data)[start : start + size])

    def _send_all(self, data: memoryview) -> None:
        patience = Patience(PATIENCE)
        while data:
            try:
                data = data[self.socket.send(data) :]
            except TimeoutError:
                if patience.is_over:
                    raise

    def receive(self) -> codec.Message:
        """Wait for the next message. Raises ``EOFError`` if the other end is closed.

        GET_STATUS, with which clients try header version 2, is passed over as by an old server.
        """
        while (message := self._next_message()).type_name == "GET_STATUS":
            pass
        return message

    def _next_message(self) -> codec.Message:
        while not self._received:
            self._wait()
            count = self.socket.recv_into(self._receiver.get_buffer())
            if count == 0:
                raise EOFError("the other end closed the connection")
            self._received += self._receiver.buffer_updated(count)
        message = self._received.popleft()
        assert isinstance(message, codec.Message), message
        return message

    def receive_bytes(self, count: int) -> bytes:
        """Wait for so many bytes. Raises ``EOFError`` if the other end is closed before the last.

        Not for bytes of which ``receive`` has received some already.
        """
        data = b""
        while len(data) < count:
            self._wait()
            if not (piece := self.socket.recv(count - len(data))):
                raise EOFError("the other end closed the connection")
            data += piece
        return data

    def be_silent(self, seconds: float) -> None:
        """Send nothing for as long, or until something comes."""
        self._silence.wait(self.socket, seconds)

    def pause(self, seconds: float) -> bool:
        """Wait before more is sent, as a slow network does; return whether anything has come."""
        self._silence.pause(seconds)
        return is_readable(self.socket)

    def wait_until_closed(self) -> None:
        """Wait until the other end closes; pass over what it sends until then."""
        with contextlib.suppress(ConnectionResetError):
            while True:
                self._wait()
                if not self.socket.recv(1 << 16):
                    return

    def _wait(self) -> None:
        seconds = self.socket.gettimeout()
        if seconds != 0 and not self._silence.wait(self.socket, seconds):  # else it does not block
            raise TimeoutError("nothing came")


Script = Callable[[Peer], None]


class ScriptedServer:
    """Listens, and follows one script for each connection, one connection after the other.

    The last script serves all connections that follow. A connection is closed where its script
    ends. An assertion that fails in a script fails the test. ``piece_size``: see ``Peer``.
    """

    def __init__(self, *scripts: Script, piece_size: int | None = None) -> None:
        self._scripts = scripts
        self._piece_size = piece_size
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._listener.getsockname()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._error: BaseException | None = None
        self._peer: Peer | None = None
        self._silence = Silence()
        self._clock = contextlib.ExitStack()
        self.connections = 0

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._clock.close()
        self._is_over = True
        # Wakes ``accept``; and whoever waits in a script for a client that is still there.
        socket.create_connection(("127.0.0.1", self.port), PATIENCE).close()
        if self._peer is not None:
            with contextlib.suppress(OSError):  # it may be closed already
                self._peer.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._listener.close()
        if self._error is not None:
            raise self._error

    def client(self, **options: Any) -> net.Client:
        """Return a client of this server, for which ``only_silence_counts``.

        ``options`` are those of ``net.Client``.
        """
        self.only_silence_counts()
        return net.Client(self.host, self.port, **options)

    def only_silence_counts(self) -> contextlib.ExitStack:
        """From now on let time pass only while a script waits for bytes, or pauses.

        So a query times out as the script is silent, and never as it gets no processor. A step of
        the client has no limit of time then, either. Ends with what is returned, or the server.
        """
        self._clock.close()
        self._clock.enter_context(self._silence.counts_alone())
        return self._clock

    def _run(self) -> None:
        try:
            while True:
                while not self._silence.wait(self._listener, PATIENCE):
                    pass
                sock, _ = self._listener.accept()
                with Peer(sock, self._piece_size, self._silence) as self._peer:
                    if self._is_over:
                        return
                    script = self._scripts[min(self.connections, len(self._scripts) - 1)]
                    self.connections += 1
                    _follow(script, self._peer)
        except BaseException as error:
            self._error = error


def _follow(script: Script, peer: Peer) -> None:
    with contextlib.suppress(EOFError, ConnectionError):  # the client may leave
        script(peer)


def serve_well(peer: Peer) -> None:
    """Script: answer the list with nothing, and each GET_IMAGE with an image of shade 7."""
    while True:
        query = peer.receive()
        if query.type_name == "GET_IMAGE":
            answer: codec.Message = make_image(7)
        else:
            answer = codec.ImageMetaMessage()
        answer.device_name = query.device_name
        peer.send(answer)


def step_until(
    client: net.Client, is_reached: Callable[[], bool], server: net.Server | None = None
) -> list[net.ClientEvent]:
    """Step a client, as a window does, until something is reached; return its events.

    ``server`` is stepped in between, where it has no thread of its own.
    """
    events: list[net.ClientEvent] = []
    patience = Patience(PATIENCE)
    while not is_reached():
        assert not patience.is_over, f"it did not happen; the last events: {events[-3:]}"
        if server is not None:
            server.step()
        else:
            wait_for_socket(client)
        events += client.step()
    return events


def step_until_event(client: net.Client, event_type: type[EventType]) -> EventType:
    """Step a client until an event of that type comes, and return it; others are dropped."""
    patience = Patience(PATIENCE)
    while not patience.is_over:
        wait_for_socket(client)
        for event in client.step():
            if isinstance(event, event_type):
                return event
    raise AssertionError(f"no {event_type.__name__} came")


def wait_for_socket(client: net.Client | Browser) -> None:
    """Sleep until a client or a browser has something to do, or for a moment."""
    deadline = client.next_deadline
    seconds = PATIENCE if deadline is None else max(0.0, deadline - time.monotonic())
    if isinstance(client, net.Client):
        write = selectors.EVENT_WRITE if client.wants_write else 0
        sockets = {client.socket: selectors.EVENT_READ | write} if client.socket else {}
    else:
        sockets = client.sockets
    if not sockets:
        time.sleep(min(seconds, 0.05))  # a name is being looked up
        return
    with selectors.DefaultSelector() as selector:
        for socket_, events in sockets.items():
            selector.register(socket_, events)
        # Not longer, as what the caller waits for can happen in another thread.
        selector.select(min(seconds, 0.05))


def open_descriptors() -> int:
    """Return how many files and sockets this process has open."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


def open_sockets() -> set[int]:
    """Return what tells the sockets that this process has open from all others."""
    found = set()
    for path in Path("/dev/fd").iterdir():
        with contextlib.suppress(OSError):  # the folder's own descriptor is closed by now
            status = os.fstat(int(path.name))
            if stat.S_ISSOCK(status.st_mode):
                found.add(status.st_ino)
    return found
