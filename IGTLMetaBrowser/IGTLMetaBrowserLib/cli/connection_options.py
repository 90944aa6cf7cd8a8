"""What the commands that ask a server share: its address, the options for it, and the client."""

from __future__ import annotations

import argparse
import math
from typing import Any

from .. import codec, net
from .parser import size_of, text_of
from .tls_options import add_client_options, client_tls

USAGE = "[--timeout SECONDS] [--max-size SIZE] [--accept-missing-checksum] [--tls]"

_TIMEOUT = 15.0


def add_connection_options(parser: argparse.ArgumentParser) -> None:
    """Add the server's address, and how to treat it."""
    parser.add_argument(
        "address",
        metavar="HOST[:PORT]",
        type=server_address,
        help=f"the server; the default port is {net.DEFAULT_PORT}; IPv6 as "
        f"[::1]:{net.DEFAULT_PORT}",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=_TIMEOUT,
        help="give up if nothing of an answer arrives for this time (%(default)g); some "
        "navigation systems need 20 s and more to export an exam",
    )
    parser.add_argument(
        "--max-size",
        metavar="SIZE",
        type=size_of,
        default=f"{codec.DEFAULT_MAX_BODY_SIZE >> 30}G",
        help="the largest message to receive, for example 6G (%(default)s)",
    )
    parser.add_argument(
        "--accept-missing-checksum",
        action="store_true",
        help="also accept messages without a checksum (it is 0); transmission errors "
        "then go unnoticed",
    )
    add_client_options(parser)


def add_lps_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that overrules the coordinate system of what the server sends."""
    parser.add_argument(
        "--lps",
        action="store_const",
        const=codec.Coordinates.LPS,
        help="the server's coordinates are LPS, whatever its messages say",
    )


def add_json_option(parser: Any) -> None:
    """Add the option for JSON."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def open_client(arguments: argparse.Namespace) -> net.Client:
    """Return a client of the server that was named, with its settings."""
    host, port = arguments.address
    return net.Client(host, port, client_settings(arguments))


def client_settings(arguments: argparse.Namespace) -> net.ConnectionSettings:
    """Return how to treat the server that was named."""
    return net.ConnectionSettings(
        connect_timeout=arguments.timeout,
        answer_timeout=arguments.timeout,
        max_body_size=arguments.max_size,
        accept_missing_checksum=arguments.accept_missing_checksum,
        coordinates=getattr(arguments, "lps", None),
        diameter_is_radius=getattr(arguments, "radius", False),
        tls=client_tls(arguments),
    )


def server_address(text: str) -> tuple[str, int]:
    """Return host and port; for argparse."""
    try:
        return net.parse_address(text_of(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds
