"""The options of ``igtlmeta serve``: where it listens, and whom it lets in."""

from __future__ import annotations

import argparse
import math
import re
import socket
from dataclasses import replace
from typing import Any

from .. import net
from ..net.address import is_loopback
from ..net.limits import parse_network
from ..net.server.audit import AuditFile, AuditTrail, Destination, Syslog
from ..system_errors import reason_of, with_advice
from .output import note
from .parser import path_of

_DEFAULTS = net.ServerLimits()
_IDLE_SECONDS = 3600.0
_LOCAL_SYSLOG = "/dev/log"
_IN_BRACKETS = re.compile(r"\[([^][]+:[^][]*)\]")
# RFC 5426, 3.3.
_SYSLOG_PORT = 514


def add_address_options(parser: argparse.ArgumentParser) -> None:
    """Add what says where to listen."""
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        type=_host,
        default="127.0.0.1",
        help="the address to listen on (%(default)s)",
    )
    parser.add_argument(
        "--port",
        type=port_number,
        default=net.DEFAULT_PORT,
        help="the port to listen on (%(default)s); 0 picks a free one",
    )
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="listen on a --host that other computers reach",
    )


def why_not_listening(arguments: argparse.Namespace, error: OSError) -> str:
    """Return why a server cannot listen where the options say, and what to try."""
    # ``socket.create_server`` adds the address, as a tuple.
    own_words = OSError(error.errno, reason_of(error).partition(" (while attempting")[0])
    reason = with_advice(own_words, "choose another --host, or --port (0 picks a free one)")
    return f"cannot listen on {net.format_address(arguments.host, arguments.port)}: {reason}"


def add_connection_limits(group: Any) -> None:
    """Add what limits who connects, and for how long."""
    group.add_argument(
        "--allow",
        metavar="NETWORK",
        type=_network,
        action="append",
        default=[],
        help="accept only clients from this network, such as 10.1.0.0/16; "
        "can be given several times",
    )
    group.add_argument(
        "--max-clients",
        metavar="N",
        type=count_number,
        default=_DEFAULTS.max_clients,
        help="connections at the same time (%(default)s)",
    )
    group.add_argument(
        "--max-per-address",
        metavar="N",
        type=count_number,
        help="connections from one address, with IPv6 from one /64 network (three quarters of all; "
        "from this computer itself, all)",
    )
    _add_number(group, "--idle-timeout", "SECONDS", _IDLE_SECONDS, "close idle connections")
    _add_number(
        group,
        "--stall-timeout",
        "SECONDS",
        _DEFAULTS.stall_timeout,
        "drop clients that do not read",
    )


def add_limit_options(parser: argparse.ArgumentParser) -> None:
    """Add what limits clients."""
    group = parser.add_argument_group("limits")
    add_connection_limits(group)
    _add_number(group, "--max-queries", "N", None, "queries per second from a client")
    _add_number(group, "--max-rate", "MB", None, "MB per second sent to a client")
    _add_number(
        group, "--cache", "MB", _DEFAULTS.image_cache_size >> 20, "packed images kept in memory"
    )


def add_record_options(parser: argparse.ArgumentParser) -> None:
    """Add what keeps records of clients."""
    group = parser.add_argument_group("records")
    group.add_argument(
        "--audit",
        metavar="FILE",
        type=path_of,
        help="write an audit trail to FILE, JSON lines with the fields of DICOM PS3.15 A.5",
    )
    group.add_argument(
        "--audit-syslog",
        metavar="HOST:PORT",
        nargs="?",
        const=_LOCAL_SYSLOG,
        help=f"send it to syslog, on this computer ({_LOCAL_SYSLOG}) or elsewhere by UDP",
    )
    group.add_argument(
        "--metrics",
        metavar="PORT",
        type=known_port,
        help="metrics for Prometheus, for this computer only",
    )


def audit_trail(arguments: argparse.Namespace) -> AuditTrail | None:
    """Return the audit trail that the arguments ask for. Raises ``AuditError``."""
    destinations: list[Destination] = []
    if arguments.audit is not None:
        destinations.append(AuditFile(arguments.audit))
    if arguments.audit_syslog is not None:
        destinations.append(Syslog(_syslog_address(arguments)))
    if not destinations:
        return None
    return AuditTrail(f"igtlmeta on {socket.gethostname()}", *destinations)


def _syslog_address(arguments: argparse.Namespace) -> str | tuple[str, int]:
    text = arguments.audit_syslog
    if text.startswith("/"):
        return text
    try:
        return net.parse_address(text, _SYSLOG_PORT)
    except ValueError as error:
        arguments.usage_error(str(error))
        raise


def connection_limits(arguments: argparse.Namespace) -> net.ServerLimits:
    """Return the limits that the arguments of ``add_connection_limits`` set."""
    return net.ServerLimits(
        allowed_networks=tuple(arguments.allow),
        max_clients=arguments.max_clients,
        max_clients_per_address=arguments.max_per_address,
        idle_timeout=arguments.idle_timeout,
        stall_timeout=arguments.stall_timeout,
    )


def limits(arguments: argparse.Namespace) -> net.ServerLimits:
    """Return the limits that the arguments of ``add_limit_options`` set."""
    rate = arguments.max_rate
    return replace(
        connection_limits(arguments),
        queries_per_second=arguments.max_queries,
        bytes_per_second=None if rate is None else rate * 1e6,
        image_cache_size=int(arguments.cache) << 20,
    )


def check_exposure(
    arguments: argparse.Namespace, protection: str = "--tls-cert, --tls-client-ca and --allow"
) -> None:
    """End the process if other computers would reach it and nobody has said that they may.

    ``protection`` are the options of the command that limit who can do what.
    """
    if is_loopback(arguments.host):
        return
    if not arguments.allow_remote:
        arguments.usage_error(
            f"--host {arguments.host} can be reached from other computers: add --allow-remote, "
            f"preferably with {protection}"
        )
    who = "anyone with a certificate" if arguments.tls_client_ca else "anyone"
    where = f" from {', '.join(map(str, arguments.allow))}" if arguments.allow else ""
    how = "encrypted" if arguments.tls_cert else "unencrypted"
    note(f"--allow-remote: {who} who reaches this port{where} can fetch all images, {how}")


def _add_number(group: Any, option: str, unit: str, default: float | None, text: str) -> None:
    shown = "no limit" if default is None else f"{default:g}"
    group.add_argument(
        option, metavar=unit, type=positive_number, default=default, help=f"{text} ({shown})"
    )


def positive_number(text: str) -> float:
    """Return a number above 0; for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def count_number(text: str) -> int:
    """Return a whole number above 0; for argparse."""
    if not re.fullmatch("[0-9]{1,9}", text) or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _host(text: str) -> str:
    """Return an address to listen on; an empty one, as of a variable that is not set, is all.

    IPv6 may have the brackets that it is shown in.
    """
    in_brackets = _IN_BRACKETS.fullmatch(text)
    text = in_brackets[1] if in_brackets else text
    is_ipv6 = text.count(":") > 1
    if not text or "]" in text or (":" in text and not is_ipv6):
        words = "is no address to listen on; write it without its port, which is --port"
        raise argparse.ArgumentTypeError(f"{text!r} {words}")
    return text


def _network(text: str) -> net.Network:
    try:
        return parse_network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def known_port(text: str) -> int:
    """Return a port that somebody else has to know; for argparse."""
    if not (port := port_number(text)):
        raise argparse.ArgumentTypeError("it must be known to others; ports are 1 to 65535")
    return port


def port_number(text: str) -> int:
    """Return a port, or 0 for a free one; for argparse."""
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; ports are 1 to 65535")
    return int(text)
