"""Records of TLS 1.3 made by hand, such as no library sends: KeyUpdate by the thousand.

By RFC 8446, for TLS_AES_256_GCM_SHA384, which OpenSSL chooses at both ends.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

KEY_UPDATE = bytes([24, 0, 0, 1, 0])  # 4.6.3: update_not_requested
ALERT, HANDSHAKE, APPLICATION_DATA = 21, 22, 23
CIPHER = "TLS_AES_256_GCM_SHA384"


class HandMadeRecords:
    """Encrypts what one end sends after the handshake, with its first secret."""

    def __init__(self, secret: bytes) -> None:
        self._use(secret)

    @classmethod
    def of(cls, key_log: Path, end: str) -> HandMadeRecords:
        """Go on for ``end``, CLIENT or SERVER, by what ``SSLContext.keylog_filename`` has."""
        lines = [line.split() for line in key_log.read_text().splitlines()]
        secrets = [line[2] for line in lines if line[0] == f"{end}_TRAFFIC_SECRET_0"]
        return cls(bytes.fromhex(secrets[-1]))

    def data(self, content: bytes) -> bytes:
        """Return a record of application data."""
        return self._record(content, APPLICATION_DATA)

    def key_updates(self, count: int) -> bytes:
        """Return so many KeyUpdate records, each of which changes the key of the next."""
        records = []
        for _ in range(count):
            records.append(self._record(KEY_UPDATE, HANDSHAKE))
            self._use(_expand(self._secret, b"traffic upd", 48))
        return b"".join(records)

    def close_notify(self) -> bytes:
        """Return the record that says that no more comes (6.1)."""
        return self._record(bytes([1, 0]), ALERT)

    def _use(self, secret: bytes) -> None:
        self._secret, self._number = secret, 0
        self._key = AESGCM(_expand(secret, b"key", 32))
        self._iv = int.from_bytes(_expand(secret, b"iv", 12), "big")

    def _record(self, content: bytes, kind: int) -> bytes:
        inner = content + bytes([kind])
        header = bytes([APPLICATION_DATA, 3, 3]) + (len(inner) + 16).to_bytes(2, "big")
        nonce = (self._iv ^ self._number).to_bytes(12, "big")
        self._number += 1
        return header + self._key.encrypt(nonce, inner, header)


def _expand(secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label (7.1), without a context."""
    label = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0"
    return HKDFExpand(SHA384(), length, info).derive(secret)


def hand_made_end(
    sock: socket.socket, context: ssl.SSLContext, key_log: Path
) -> tuple[socket.socket, HandMadeRecords]:
    """Do the handshake; return the socket without TLS, and what encrypts for it from then on."""
    is_server = context.protocol == ssl.PROTOCOL_TLS_SERVER
    context.keylog_filename = str(key_log)
    name = None if is_server else "127.0.0.1"
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, is_server, name)
    is_done = False
    while not is_done:
        try:
            tls.do_handshake()
            is_done = True
        except ssl.SSLWantReadError:
            # No more than the handshake: what comes behind it is left to the socket.
            if not (byte := _flushed(sock, outgoing).recv(1)):
                raise EOFError("the other end closed the connection") from None
            incoming.write(byte)
    _flushed(sock, outgoing)
    assert tls.cipher()[0] == CIPHER
    return sock, HandMadeRecords.of(key_log, "SERVER" if is_server else "CLIENT")


def _flushed(sock: socket.socket, outgoing: ssl.MemoryBIO) -> socket.socket:
    if outgoing.pending:
        sock.sendall(outgoing.read())
    return sock
