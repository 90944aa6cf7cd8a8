"""``igtlmeta record`` and ``replay``: what a device does, for those who cannot come to it."""

from __future__ import annotations

import argparse
import signal
import ssl
from types import FrameType
from typing import Any, Protocol

from .. import net
from ..net.recording.recorder import Recorder
from ..net.recording.recording import MOST_BYTES, RecordingError, RecordingWriter, read_recording
from ..net.recording.replay import ReplayServer
from ..net.recording.script import MOST_REPLAYED, make_scripts
from ..privacy.redacting_filters import RedactingFilters
from . import serving_options, tls_options
from .connection_options import server_address
from .output import complain, note
from .parser import add_command, path_of, size_of
from .wake_up import Stepped, WakeUp

_STEP_SECONDS = 0.2
_ERRORS = (net.NetworkError, RecordingError)


class _Stepped(Stepped, Protocol):
    host: str
    port: int

    def step(self, seconds: float) -> None: ...
    def close(self) -> None: ...


_ABOUT = (
    "Record what clients and a server send, with its times. Clients connect to this command, "
    "which forwards to the server. The file is not encrypted, even if both connections are."
)
_ABOUT_REPLAY = "Play back a recording as a server, with the recorded answers and timing."


def add_commands(commands: Any) -> None:
    """Add the commands to the subparsers of ``igtlmeta``."""
    usage = "HOST[:PORT] -o FILE [--port PORT] [--deidentify] [--max-size SIZE] [--tls]"
    command = add_command(commands, "record", _ABOUT, record, usage, _ERRORS)
    command.add_argument("address", metavar="HOST[:PORT]", type=server_address, help="the server")
    command.add_argument(
        "-o", "--output", metavar="FILE", type=path_of, required=True, help="a new file"
    )
    tls_options.add_client_options(command)
    command.add_argument(
        "--deidentify",
        action="store_true",
        help="leave names, IDs, texts, metadata and pixels out of the file",
    )
    _add_max_size(command, MOST_BYTES, "end when the file has become so large")
    _add_listening(command)
    _add_replay(commands)


def _add_replay(commands: Any) -> None:
    usage = "FILE [--port PORT] [--speed N] [--max-size SIZE]"
    command = add_command(commands, "replay", _ABOUT_REPLAY, replay, usage, _ERRORS)
    command.add_argument("file", metavar="FILE", type=path_of, help="a file written by record")
    command.add_argument(
        "--speed",
        metavar="N",
        type=serving_options.positive_number,
        default=1.0,
        help="play back N times as fast (1)",
    )
    _add_max_size(command, MOST_REPLAYED, "refuse a recording that takes more memory")
    _add_listening(command)


def _add_max_size(command: argparse.ArgumentParser, most_bytes: int, text: str) -> None:
    command.add_argument(
        "--max-size",
        metavar="SIZE",
        type=size_of,
        default=most_bytes,
        help=f"{text} ({most_bytes >> 30}G)",
    )


def record(arguments: argparse.Namespace) -> int:
    """Run ``igtlmeta record``."""
    _check_exposure(arguments)
    ending = _Ending()
    server_tls = tls_options.client_tls(arguments)
    if server_tls is not None:
        server_tls.make_context()  # else only clients would be told of a file that cannot be read
    options: dict[str, Any] = {
        "server_tls": server_tls,
        "tls": _listening_tls(arguments),
        "limits": serving_options.connection_limits(arguments),
    }
    if arguments.deidentify:
        options["make_filter"] = RedactingFilters().make
    writer = RecordingWriter(arguments.output, arguments.max_size)
    try:
        recorder = Recorder(arguments.address, writer, arguments.host, arguments.port, **options)
        wake_up = WakeUp(recorder)
    except OSError as error:
        writer.close()
        arguments.output.unlink()  # the next attempt would find a file that is there already
        return complain(serving_options.why_not_listening(arguments, error))
    _run(recorder, wake_up, f"recording {recorder.server_address}", ending)
    writer.close()
    note(f"{recorder.connections} connections recorded in {str(arguments.output)!r}")
    return 0


def replay(arguments: argparse.Namespace) -> int:
    """Run ``igtlmeta replay``."""
    _check_exposure(arguments)
    tls = _listening_tls(arguments)
    scripts = make_scripts(read_recording(arguments.file), arguments.max_size)
    if not scripts:
        return complain(f"nobody has connected in {str(arguments.file)!r}: nothing to replay")
    ending = _Ending()
    try:
        limits = serving_options.connection_limits(arguments)
        server = ReplayServer(scripts, arguments.host, arguments.port, arguments.speed, tls, limits)
        wake_up = WakeUp(server)
    except OSError as error:
        return complain(serving_options.why_not_listening(arguments, error))
    _run(server, wake_up, f"replaying {len(scripts)} connections", ending)
    return 0


class _Ending:
    """Notes the first signal that asks for the end; the next ends the process at once."""

    def __init__(self) -> None:
        self.is_asked_for = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.is_asked_for = True
        signal.signal(number, signal.SIG_DFL)


def _run(server: _Stepped, wake_up: WakeUp, what: str, ending: _Ending) -> None:
    with wake_up:
        print(f"{what} on {net.format_address(server.host, server.port)}", flush=True)
        while not ending.is_asked_for:
            server.step(_STEP_SECONDS)
        server.close()


def _add_listening(command: argparse.ArgumentParser) -> None:
    serving_options.add_address_options(command)
    group = command.add_argument_group("TLS of clients")
    for option, text in (
        ("--listen-cert", "let clients connect with TLS only, with this certificate (PEM)"),
        ("--listen-key", "its private key, if it is in a separate file (PEM)"),
    ):
        group.add_argument(option, metavar="FILE", type=path_of, help=text)
    serving_options.add_connection_limits(command.add_argument_group("limits"))


def _listening_tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    """Return how clients connect; None for without TLS. Raises ``TLSError``."""
    if arguments.listen_cert is None:
        if arguments.listen_key is not None:
            arguments.usage_error("--listen-key requires --listen-cert")
        return None
    files = net.ServerTLS(arguments.listen_cert, arguments.listen_key)
    return tls_options.make_server_context(files)


def _check_exposure(arguments: argparse.Namespace) -> None:
    listening = {"tls_cert": arguments.listen_cert, "tls_client_ca": None}
    limited = argparse.Namespace(**{**vars(arguments), **listening})
    serving_options.check_exposure(limited, "--listen-cert and --allow")
