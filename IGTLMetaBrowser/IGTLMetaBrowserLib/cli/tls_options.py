"""The options of ``igtlmeta`` that have to do with TLS, for clients and for the server."""

from __future__ import annotations

import argparse
import ssl
from typing import Any

from .. import net
from ..net.tls.certificate_dates import why_not_valid_today
from ..net.tls.tls_client import is_fingerprint
from .output import note, note_if_others_may_read
from .parser import path_of


def add_client_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of commands that connect to a server."""
    group = parser.add_argument_group("TLS", "Each of the other options implies --tls.")
    group.add_argument("--tls", action="store_true", help="connect with TLS")
    _add_file(group, "--tls-ca", "the certificate of the authority that signed the server's (PEM)")
    _add_file(group, "--tls-cert", "this client's certificate, with or without its key (PEM)")
    _add_file(group, "--tls-key", "the private key of --tls-cert (PEM)")
    group.add_argument(
        "--tls-name",
        metavar="NAME",
        default="",
        help="the name that must be in the server's certificate, if it is not HOST",
    )
    group.add_argument(
        "--tls-fingerprint",
        metavar="SHA256",
        type=_fingerprint,
        help="trust the certificate with this fingerprint, such as a self-signed one",
    )


def _fingerprint(text: str) -> str:
    if not is_fingerprint(text):
        words = "is no SHA-256 fingerprint, which has 32 bytes: openssl x509 -fingerprint -sha256"
        raise argparse.ArgumentTypeError(f"{text!r} {words}")
    return text


def client_tls(arguments: argparse.Namespace) -> net.ClientTLS | None:
    """Return how to connect with TLS; None for without."""
    if arguments.tls_key and not arguments.tls_cert:
        arguments.usage_error("--tls-key requires --tls-cert")
    tls = net.ClientTLS(
        arguments.tls_ca,
        arguments.tls_cert,
        arguments.tls_key,
        arguments.tls_name,
        arguments.tls_fingerprint or "",
    )
    return tls if arguments.tls or tls != net.ClientTLS() else None


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the server."""
    group = parser.add_argument_group("TLS", "SIGHUP makes the server read these files again.")
    _add_file(group, "--tls-cert", "serve with TLS, with this certificate (PEM)")
    _add_file(group, "--tls-key", "its private key, if it is in a separate file (PEM)")
    _add_file(
        group,
        "--tls-client-ca",
        "accept only clients whose certificate this authority signed (PEM)",
    )
    _add_file(group, "--tls-revoked", "the authority's list of revoked certificates (PEM)")


def server_tls(arguments: argparse.Namespace) -> net.ServerTLS | None:
    """Return the server's files for TLS; None for without."""
    files = (arguments.tls_key, arguments.tls_client_ca, arguments.tls_revoked)
    if arguments.tls_cert is None:
        if any(files):
            arguments.usage_error("the other TLS options require --tls-cert")
        return None
    if arguments.tls_revoked and not arguments.tls_client_ca:
        arguments.usage_error("--tls-revoked requires --tls-client-ca")
    return net.ServerTLS(arguments.tls_cert, *files)


def make_server_context(tls: net.ServerTLS) -> ssl.SSLContext:
    """Read the files; say on stderr what is likely a mistake in them. Raises ``TLSError``."""
    context = tls.make_context()
    note_if_others_may_read(tls.key or tls.certificate)
    if problem := why_not_valid_today(context, tls.certificate):
        note(f"clients will refuse {str(tls.certificate)!r}: {problem}; renew it")
    return context


def _add_file(group: Any, option: str, text: str) -> None:
    group.add_argument(option, metavar="FILE", type=path_of, help=text)
