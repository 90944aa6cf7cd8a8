"""The server beside a bare ``sendall`` loop, the C++ library's and pyigtl's, over loopback.

Run it with ``python3 Testing/dev.py bench serve``; it exits with 1 where something was not reached.
Each server is a process of its own; all take turns. ImageDatabaseServer, the C++ library's own, has
images of 64 KB only and reads them anew each time; beside it stands a C++ server that sends the
large image packed once.
"""

# ruff: noqa: E402 - the path comes before what is found on it

from __future__ import annotations

import os
import platform
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from rich.console import Console

TESTING = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTING), str(TESTING.parent / "IGTLMetaBrowser")]

from contests import crowds, encryption, harness, serving

from helpers import cpp_library
from helpers.certificates import Authority
from IGTLMetaBrowserLib import net
from interop import reference_library

ROUNDS = 5
ROUNDS_OF_MANY = 3
TIMES = 10
MANY = 32
CONNECTED = 200
MOST_GROWTH = 64  # MB: less than two images of the 52 MB that all fetch
SAMPLES = 200
SMALL_TIMES = 50
SLICES = 60
OURS = "this server"
BARE = "bare sendall loop"
CPP = "C++ library, packed once"
PYIGTL = "pyigtl"
PLAIN, TLS = "without TLS", "with TLS"
DATABASE = "C++ ImageDatabaseServer"


def main() -> int:
    """Hold all contests; return 0 where all that is required was reached."""
    console = Console()
    console.print(
        f"Medians of {ROUNDS} turns; {os.cpu_count()} processors{serving.load()}; "
        f"Python {platform.python_version()}",
        highlight=False,
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours = stack.enter_context(serving.running(serving.python(serving.OURS)))
        bare = stack.enter_context(serving.running(serving.python(serving.BARE)))
        contestants = {
            BARE: partial(serving.seconds_for_one, bare, TIMES),
            OURS: partial(serving.seconds_for_one, ours, TIMES),
        }
        if program := build(console, folder):
            command = [program, "server", *map(str, serving.SIZE)]
            port = stack.enter_context(serving.running(command))
            contestants[CPP] = partial(serving.seconds_of_connections, port, TIMES)
        reached = [
            harness.hold(console, one_client(contestants), ROUNDS),
            many_clients(console, ours),
            crowd(console),
            small_images(console, stack, folder, ours),
            lists(console, ours),
            encrypted(console, stack, folder, ours, bare),
            while_decoding(console, stack, folder),
        ]
        show_pyigtl(console)
    return 0 if all(reached) else 1


def build(console: Console, folder: Path) -> Path | None:
    """Compile the C++ library's part, where the library is installed."""
    if reason := cpp_library.why_missing():
        console.print(f"Left out: {reason}")
        return None
    return cpp_library.build(Path(__file__).with_name("codec.cc"), folder)


def one_client(contestants: harness.Contestants) -> harness.Contest:
    """Return the contest over throughput to one client."""
    return harness.Contest(
        f"{TIMES} × {serving.IMAGE_BYTES / 1e6:.0f} MB to one client",
        contestants,
        TIMES * serving.IMAGE_BYTES / 1e6,
        "MB",
        [harness.Requirement(OURS, BARE, times_as_fast=0.9)],
    )


def many_clients(console: Console, port: int) -> bool:
    """Show the throughput to many clients in sum, beside that to one."""
    one, many = "to one client", f"to {MANY} clients in sum"
    contestants = {
        one: lambda: serving.seconds_for_many(port, 1) * MANY,
        many: partial(serving.seconds_for_many, port, MANY),
    }
    contest = harness.Contest(
        f"{MANY} × {serving.IMAGE_BYTES / 1e6:.0f} MB",
        contestants,
        MANY * serving.IMAGE_BYTES / 1e6,
        "MB",
        [harness.Requirement(many, one, times_as_fast=0.9)],
    )
    return harness.hold(console, contest, ROUNDS_OF_MANY)


def crowd(console: Console) -> bool:
    """Show 32 of 200 clients that fetch, hostile streams beside a good client, and the memory."""
    console.print(f"[bold]{CONNECTED} connected, {MANY} fetching; then attacked[/bold]")
    with serving.running_process(serving.python(serving.OURS)) as (port, process):
        serving.seconds_for_one(port, 1)
        before = crowds.megabytes(process)
        alone = harness.seconds(lambda: serving.seconds_for_many(port, MANY))
        with crowds.connected(port, CONNECTED - MANY):
            seconds = harness.seconds(lambda: serving.seconds_for_many(port, MANY))
            meanwhile = crowds.megabytes(process)
        text = f"{alone:.2f} s without the others, {seconds:.2f} s with them"
        console.print(f"  {MANY} images: {text}", highlight=False)
        single = serving.seconds_for_one(port, TIMES) / TIMES
        taken, connections = crowds.while_attacked(port)
        after = crowds.megabytes(process)
    slowest = f"{max(taken) * 1e3:.0f} ms at most, {single * 1e3:.0f} ms alone"
    words = f"{len(taken)} images of a good client, all whole, {slowest}"
    console.print(f"  {connections} hostile connections: {words}", highlight=False)
    text = f"{before:.0f} MB; {meanwhile:.0f} MB; {after:.0f} MB"
    is_met = max(meanwhile, after) < before + MOST_GROWTH
    required = f"≤ {MOST_GROWTH} MB more than before"
    harness.print_verdict(console, "memory before; with all; after", required, text, is_met)
    console.print()
    return is_met


def small_images(console: Console, stack: ExitStack, folder: Path, port: int) -> bool:
    """Show the time for a list beside ImageDatabaseServer's, which closes after 100 queries."""
    if reason := reference_library.why_missing():
        console.print(f"Left out: {reason}")
        return True
    program = reference_library.build_example("ImageDatabaseServer/ImageDatabaseServer", folder)
    database = stack.enter_context(
        reference_library.running(program, reference_library.IMAGE_FOLDER)
    )
    contestants = {
        DATABASE: partial(list_often, database),
        OURS: partial(list_often, port),
    }
    contest = harness.Contest(
        f"{SMALL_TIMES} lists (3 images there, {serving.LISTED} here) to one client",
        contestants,
        SMALL_TIMES,
        "lists",
    )
    return harness.hold(console, contest, ROUNDS)


def list_often(port: int) -> float:
    """Return the seconds for some lists, asked for one after the other."""
    with serving.connect(port) as connection:
        return harness.seconds(
            lambda: [serving.fetch(connection, serving.LIST_QUERY) for _ in range(SMALL_TIMES)]
        )


def lists(console: Console, port: int) -> bool:
    """Show how long the list takes a new client, alone and while others fetch."""
    title = "The list of a new client (median, 99th percentile)"
    console.print(f"[bold]{title}[/bold]")
    alone = serving.Latency.of([serving.list_seconds(port) for _ in range(SAMPLES)])
    with serving.readers(port, 8):
        busy = serving.Latency.of([serving.list_seconds(port) for _ in range(SAMPLES)])
    text = f"{alone.median * 1e3:.1f} ms, {alone.percentile_99 * 1e3:.1f} ms"
    console.print(f"  alone: {text}", highlight=False)
    text = f"{busy.median * 1e3:.1f} ms, {busy.percentile_99 * 1e3:.1f} ms"
    is_met = busy.percentile_99 <= 0.1
    harness.print_verdict(console, "while 8 fetch", "99th ≤ 100 ms", text, is_met)
    return is_met


def encrypted(console: Console, stack: ExitStack, folder: Path, port: int, bare: int) -> bool:
    """Show what TLS costs our client and server, and what it costs bare loops."""
    authority = Authority.make(folder / "authority")
    certificate = authority.issue("127.0.0.1")
    tls_port = stack.enter_context(serving.running(serving.python(serving.OURS, certificate)))
    command = serving.python(encryption.BARE_TLS, certificate)
    bare_tls = stack.enter_context(serving.running(command))
    tls = net.ConnectionSettings(tls=net.ClientTLS(authority.file))
    contestants = {
        PLAIN: partial(serving.seconds_of_client, port, TIMES, net.ConnectionSettings()),
        TLS: partial(serving.seconds_of_client, tls_port, TIMES, tls),
    }
    title = f"{TIMES} × {serving.IMAGE_BYTES / 1e6:.0f} MB to our client, checked"
    megabytes = TIMES * serving.IMAGE_BYTES / 1e6
    required = [harness.Requirement(TLS, PLAIN, times_as_fast=0.5)]
    contest = harness.Contest(title, contestants, megabytes, "MB", required)
    is_met = harness.hold(console, contest, ROUNDS)
    # Our client spends 97 % of its time within Python's ssl module: this is its limit.
    loops = {
        PLAIN: partial(encryption.seconds_of_bare_loop, bare, TIMES, None),
        TLS: partial(encryption.seconds_of_bare_loop, bare_tls, TIMES, authority.file),
    }
    title = "The same by bare loops over socket and ssl.SSLSocket, unchecked"
    harness.hold(console, harness.Contest(title, loops, megabytes, "MB"), ROUNDS)
    speed = encryption.cipher_speed()
    console.print(f"  {encryption.CIPHER} alone, one processor: {speed}\n", highlight=False)
    return is_met


def while_decoding(console: Console, stack: ExitStack, folder: Path) -> bool:
    """Show how long a small query takes while a JPEG 2000 series is decoded for another client."""
    files = folder / "jpeg2000"
    files.mkdir()
    serving.write_compressed_series(files, SLICES)
    program = folder / "serve_folder.py"  # a file, which worker processes can import
    program.write_text(serving.COMPRESSED)
    port = stack.enter_context(serving.running([sys.executable, program, files]))
    with net.Client("127.0.0.1", port) as client:
        (item,) = client.list_images()
    taken = serving.Latency.of(serving.query_seconds_while(port, item.id))
    text = f"{taken.median * 1e3:.1f} ms, {taken.percentile_99 * 1e3:.1f} ms"
    is_met = taken.percentile_99 <= 0.05
    who = f"a small query while {SLICES} JPEG 2000 slices are decoded"
    harness.print_verdict(console, who, "99th ≤ 50 ms", text, is_met)
    return is_met


def show_pyigtl(console: Console) -> None:
    """Show what pyigtl's server takes for the large image, once it has the time to send it."""
    with serving.running(serving.python(serving.PYIGTL)) as port:
        seconds = serving.seconds_of_pushes(port, 2) / 2
    rate = serving.IMAGE_BYTES / 1e6 / seconds
    words = "unasked; as it is, it fails: it gives a whole message 10 ms (comm.py, settimeout)"
    console.print(f"  {PYIGTL}: {rate:,.0f} MB/s to one client, {words}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
