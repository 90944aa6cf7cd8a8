"""An archive without images, by DICOMweb: what a gateway to one is started with."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SERIES = {
    "0020000E": {"vr": "UI", "Value": ["1.2.3.4"]},
    "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
    "00080060": {"vr": "CS", "Value": ["CT"]},
    "0008103E": {"vr": "LO", "Value": ["CT head"]},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]},
    "00100020": {"vr": "LO", "Value": ["4711"]},
    "00080020": {"vr": "DA", "Value": ["20240514"]},
}
"""One series, as QIDO lists it (PS3.18 F.2)."""


class EmptyArchive:
    """Answers all queries with ``series``, or ``status`` if that is an error; what it was told.

    ``authorizations`` are the headers by which clients named themselves. While ``may_answer`` is
    not set, nothing is answered.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 200
        self.series: Sequence[Any] = [SERIES]
        self.authorizations: list[str] = []
        self.may_answer = threading.Event()
        self.may_answer.set()


@contextmanager
def empty_archive() -> Iterator[EmptyArchive]:
    """Run such an archive on a free port, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            archive.authorizations.append(self.headers.get("Authorization", ""))
            archive.may_answer.wait(30)
            body = json.dumps(archive.series).encode()
            self.send_response(archive.status)
            self.send_header("Content-Type", "application/dicom+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    archive = EmptyArchive(f"http://127.0.0.1:{server.server_port}/dicom-web")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield archive
    finally:
        archive.may_answer.set()
        server.shutdown()
        thread.join()
        server.server_close()
