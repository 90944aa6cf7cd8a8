"""Servers of one image, each in a process of its own, and clients that do nothing but receive."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from IGTLMetaBrowserLib import codec, net

SIZE = (512, 512, 100)  # i, j, k
IMAGE_BYTES = 2 * SIZE[0] * SIZE[1] * SIZE[2]
LISTED = 200
TESTING = Path(__file__).resolve().parents[2]
_PATIENCE = 60.0

PREPARE = f"""
import logging, pathlib, signal, socket, sys, threading
logging.getLogger().addHandler(logging.NullHandler())
sys.path[:0] = {[str(TESTING), str(TESTING.parent / "IGTLMetaBrowser")]!r}
import numpy as np
from IGTLMetaBrowserLib import codec, net
i, j, k = {SIZE!r}
pixels = (np.arange(i * j * k) * 40503 >> 4).astype(np.uint16).reshape(k, j, i)
image = codec.ImageMessage.from_ijk_to_ras(pixels, np.eye(4), device_name="A")
"""

# Each prints its port, and serves until it is ended.
OURS = (
    PREPARE
    + f"""
listing = tuple(codec.ImageMetaItem(name=f"image {{n}}", id=f"{{n}}") for n in range({LISTED}))
class Source:
    def images(self):
        return listing
    def image(self, image_id):
        return image
    def image_version(self, image_id):
        return 0
    def trajectories(self):
        return []
tls = net.ServerTLS(pathlib.Path(sys.argv[1])).make_context() if sys.argv[1:] else None
server = net.Server(Source(), port=0, tls=tls)
print(server.port, flush=True)
server.serve_forever()
"""
)
BARE = (
    PREPARE
    + """
data = codec.pack(image)
def serve(connection):
    with connection:
        while connection.recv(58, socket.MSG_WAITALL):
            connection.sendall(data)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""
)
# Its handler gives ``sendall`` 10 ms for a whole message: too little for a large image. Here it
# gets as long as it takes, so that there is something to compare.
PYIGTL = (
    PREPARE
    + """
import _socket, contextlib, pyigtl, time
def send_all(self, data):
    timeout = self.gettimeout()
    self.settimeout(30)
    with contextlib.suppress(OSError):  # the client has left
        _socket.socket.sendall(self, data)
    self.settimeout(timeout)
socket.socket.sendall = send_all
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
server = pyigtl.OpenIGTLinkServer(port=port, local_server=True)
print(port, flush=True)
message = pyigtl.ImageMessage(pixels, device_name="A")
while True:
    if server.is_connected():
        server.send_message(message, wait=True)
    else:
        time.sleep(0.001)
"""
)


@contextmanager
def running_process(command: Sequence[str | Path]) -> Iterator[tuple[int, int]]:
    """Run a server that prints its port first; yield the port and the number of the process."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.terminate()


@contextmanager
def running(command: Sequence[str | Path]) -> Iterator[int]:
    """Run a server that prints its port first; yield the port."""
    with running_process(command) as (port, _):
        yield port


def python(program: str, *arguments: object) -> list[str]:
    """Return the command that runs a program."""
    return [sys.executable, "-c", program, *map(str, arguments)]


def connect(port: int) -> socket.socket:
    """Return a connection to a server here."""
    return socket.create_connection(("127.0.0.1", port), _PATIENCE)


QUERY = codec.pack(codec.GetMessage("IMAGE", device_name="A"))
LIST_QUERY = codec.pack(codec.GetMessage("IMGMETA"))


def fetch(connection: socket.socket, query: bytes = QUERY) -> int:
    """Ask, and receive the answer's bytes into memory that is thrown away; return how many."""
    connection.sendall(query)
    return receive(connection)


def receive(connection: socket.socket) -> int:
    """Receive one message; return its bytes."""
    header = connection.recv(codec.HEADER_SIZE, socket.MSG_WAITALL)
    left = codec.Header.unpack(header).body_size
    total = codec.HEADER_SIZE + left
    buffer = memoryview(bytearray(1 << 20))
    while left:
        count = connection.recv_into(buffer[:left])
        if not count:
            raise ConnectionError("the server closed the connection within a message")
        left -= count
    return total


def seconds_for_one(port: int, times: int) -> float:
    """Return the seconds in which one client fetches the image so many times."""
    with connect(port) as connection:
        fetch(connection)
        begin = time.perf_counter()
        for _ in range(times):
            fetch(connection)
        return time.perf_counter() - begin


def seconds_of_client(port: int, times: int, settings: net.ConnectionSettings) -> float:
    """The same with our client, which checks the image."""
    with net.Client("127.0.0.1", port, settings) as client:
        client.get_image("A")
        begin = time.perf_counter()
        for _ in range(times):
            client.get_image("A")
        return time.perf_counter() - begin


def seconds_of_pushes(port: int, times: int) -> float:
    """The same of a server that sends unasked."""
    with connect(port) as connection:
        receive(connection)
        begin = time.perf_counter()
        for _ in range(times):
            receive(connection)
        return time.perf_counter() - begin


def seconds_of_connections(port: int, times: int) -> float:
    """The same of a server that sends the image to everybody who connects."""
    begin = time.perf_counter()
    for _ in range(times):
        with connect(port) as connection:
            receive(connection)
    return time.perf_counter() - begin


def seconds_for_many(port: int, count: int) -> float:
    """Return the seconds in which so many clients, at once, fetch the image once each."""
    size = len(codec.pack(codec.GetMessage("IMAGE"))) + 72 + IMAGE_BYTES
    buffer = memoryview(bytearray(1 << 20))
    left = {connect(port): size for _ in range(count)}
    with selectors.DefaultSelector() as selector:
        for connection in left:
            selector.register(connection, selectors.EVENT_READ)
        begin = time.perf_counter()
        for connection in left:
            connection.sendall(QUERY)
        while any(left.values()):
            for key, _ in selector.select(_PATIENCE):
                received = key.fileobj.recv_into(buffer)
                left[key.fileobj] -= received
                if not left[key.fileobj] or not received:
                    selector.unregister(key.fileobj)
        seconds = time.perf_counter() - begin
    for connection in left:
        connection.close()
    return seconds


# Runs beside the measurement: so many clients fetch again and again, and throw all away.
READERS = f"""
import selectors, socket, sys
query, port, count = bytes.fromhex(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
size = 58 + 72 + {IMAGE_BYTES}
left, buffer, selector = {{}}, memoryview(bytearray(1 << 20)), selectors.DefaultSelector()
for _ in range(count):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(query)
    left[connection] = size
    selector.register(connection, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        left[key.fileobj] -= key.fileobj.recv_into(buffer[:left[key.fileobj]])
        if not left[key.fileobj]:
            key.fileobj.sendall(query)
            left[key.fileobj] = size
"""


@contextmanager
def readers(port: int, count: int) -> Iterator[None]:
    """Let so many clients fetch, in a process of their own."""
    command = [*python(READERS), QUERY.hex(), str(port), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            process.stdout.readline()
            yield
        finally:
            process.kill()


def list_seconds(port: int) -> float:
    """Return how long a client needs that connects and asks for the list."""
    begin = time.perf_counter()
    with connect(port) as connection:
        fetch(connection, LIST_QUERY)
    return time.perf_counter() - begin


@dataclass(frozen=True)
class Latency:
    """What of all waits 50 and 99 of a hundred do not exceed, in seconds."""

    median: float
    percentile_99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """Return those of some measurements."""
        ordered = sorted(seconds)
        return cls(ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)])


def load() -> str:
    """Return how busy the machine is."""
    return f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""


# A folder of JPEG 2000 files, served as igtlmeta does: the folder's path is the argument.
COMPRESSED = (
    PREPARE
    + """
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
if __name__ == "__main__":
    source = DicomFolderSource(sys.argv[1], jobs=2, seconds_a_turn=0.01)
    server = net.Server(source, port=0, limits=net.ServerLimits(image_cache_size=1))
    print(server.port, flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        source.close()  # ends its processes
"""
)


def write_compressed_series(folder: Path, count: int) -> None:
    """Write a series of JPEG 2000 slices of 512×512 voxels: noise, the hardest to decode."""
    import numpy as np
    from pydicom import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEG2000Lossless, generate_uid

    numbers, series = np.random.default_rng(1), generate_uid()
    for k in range(count):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
        dataset.SeriesInstanceUID, dataset.Modality = series, "CT"
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.ImagePositionPatient, dataset.PixelSpacing = [0, 0, k], [1, 1]
        pixels = numbers.integers(0, 4096, (512, 512)).astype(np.uint16)
        dataset.set_pixel_data(pixels, "MONOCHROME2", 12, generate_instance_uid=False)
        dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
        dataset.save_as(folder / f"{k}.dcm", enforce_file_format=True)


def query_seconds_while(port: int, image_id: str) -> list[float]:
    """Return how long GET_STATUS takes a client while another waits for an image."""
    status = codec.pack(codec.GetMessage("STATUS"))
    taken = []
    with connect(port) as patient, connect(port) as other:
        fetch(other, status)
        patient.sendall(codec.pack(codec.GetMessage("IMAGE", device_name=image_id)))
        patient.setblocking(False)
        while True:
            begin = time.perf_counter()
            fetch(other, status)
            taken.append(time.perf_counter() - begin)
            try:
                if patient.recv(1, socket.MSG_PEEK):
                    return taken
            except BlockingIOError:
                time.sleep(0.002)
