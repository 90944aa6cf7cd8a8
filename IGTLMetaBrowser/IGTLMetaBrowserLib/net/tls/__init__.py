"""TLS of a connection, on the standard library's ``ssl``.

``tls_client`` and ``tls_server`` do the handshake in steps; ``tls_socket`` reads and writes then.
Both ends load files and name certificates by ``certificates``, and warn by ``certificate_dates``.
"""
