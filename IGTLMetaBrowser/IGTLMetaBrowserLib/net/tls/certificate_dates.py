"""Whether a server's certificate is valid today, before its first client refuses it.

``ssl`` reads the dates of no certificate but one that an other end has shown: so the server shows
it to a client in this process, which trusts that very certificate.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path

# X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL.
_OF_DATES = (9, 10)
# A handshake needs two turns of each end; one more shows the server's refusal of this client.
_TURNS = 3


def why_not_valid_today(server: ssl.SSLContext, certificate: Path) -> str:
    """Return in words what is wrong with the dates of a server's certificate, or an empty text.

    ``certificate`` is the PEM file that the context has read.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(certificate)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    try:
        for end in ends * _TURNS:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    except ssl.SSLCertVerificationError as error:
        return error.verify_message if error.verify_code in _OF_DATES else ""
    except ssl.SSLError:  # as of a client without a certificate
        pass
    return ""
