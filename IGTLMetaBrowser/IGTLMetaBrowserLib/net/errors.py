"""What can go wrong between a client and its server.

``NetworkError``: its text says what happened, to what, and what to try
    ├── ``ConnectionFailedError``: no connection came about (name, port, time-out)
    │   └── ``TLSError``: certificates are missing or not trusted, or one end speaks no TLS
    │       └── ``UntrustedCertificateError``: a user may accept the certificate
    ├── ``ConnectionLostError``: the connection ended before the answer was complete
    ├── ``RefusedError``: the server answered that it cannot, in its own words if it gave any
    ├── ``AnswerError``: an answer came, but it cannot be read
    │   └── ``DamagedAnswerError``: it was changed on its way
    ├── ``TimeOutError``: nothing came in time
    └── ``CancelledError``: somebody here no longer wants the answer
"""

from __future__ import annotations


class NetworkError(Exception):
    """Base of all errors of a connection.

    ``setting`` is the field of ``ConnectionSettings`` that would have to be changed to avoid it, or
    empty. Where a user changes it, the layers above know.
    """

    def __init__(self, text: str, setting: str = "") -> None:
        super().__init__(text)
        self.setting = setting


class ConnectionFailedError(NetworkError):
    """No connection came about."""


class ConnectionLostError(NetworkError):
    """The connection ended."""


class RefusedError(NetworkError):
    """The server says that it does not have what was asked for, or cannot send it."""


class AnswerError(NetworkError):
    """An answer arrived that cannot be read."""


class DamagedAnswerError(AnswerError):
    """An answer whose checksum is wrong; asked again, on another connection, it may come whole."""


class TimeOutError(NetworkError):
    """The server did not answer in time."""


class CancelledError(NetworkError):
    """The query was cancelled."""


class TLSError(ConnectionFailedError):
    """The two ends cannot agree on TLS, or on each other's certificates."""


class UntrustedCertificateError(TLSError):
    """The server's certificate is not trusted; a user may accept its SHA-256 ``fingerprint``.

    ``words`` say what happened, without what to do.
    """

    def __init__(self, words: str, fingerprint: str) -> None:
        super().__init__(
            f"{words}. Ask the server's administrator whether its SHA-256 fingerprint is "
            f"{fingerprint}, before you accept it (--tls-fingerprint)"
        )
        self.words = words
        self.fingerprint = fingerprint
