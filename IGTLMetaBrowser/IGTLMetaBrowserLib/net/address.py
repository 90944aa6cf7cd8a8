"""A server's address as users write it: ``HOST``, ``HOST:PORT`` or ``[IPv6]:PORT``."""

from __future__ import annotations

import ipaddress
import re

DEFAULT_PORT = 18944
"""OpenIGTLink's port by custom."""

_ADDRESS = re.compile(r"(?:\[([^][]+)\]|([^][:/\s]+))(?::([0-9]{1,5}))?")


def parse_address(text: str, default_port: int = DEFAULT_PORT) -> tuple[str, int]:
    """Return host and port. Raises ``ValueError`` if the text is not an address."""
    match = _ADDRESS.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"{text!r} is not HOST, HOST:PORT or [IPv6]:PORT; write the address without spaces, "
            "and without http://"
        )
    ipv6, name, digits = match.groups()
    port = default_port if digits is None else int(digits)
    if not 0 < port < 65536:
        raise ValueError(f"{text!r} has the port {port}; ports are 1 to 65535")
    return ipv6 or name, port


def format_address(host: str, port: int) -> str:
    """Return host and port as one text, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether nobody but this computer reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
