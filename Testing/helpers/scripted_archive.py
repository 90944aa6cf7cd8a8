"""An archive that answers by a script: all that a DICOMweb service can do wrong."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any, BinaryIO

from pydicom import Dataset


@dataclass
class Answer:
    """What it answers: status, header, body.

    It is ``announced`` so many times (100 Continue) before. ``is_cut`` ends the connection in its
    middle; ``drips_until`` has the second half come byte by byte, with ever more behind it, until
    it is set or nobody listens any more.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False
    drips_until: threading.Event | None = None
    announced: int = 0


Script = Callable[[str], Answer]
"""Answers a path, as the request has it."""

Posted = Callable[[str, bytes], Answer]
"""Answers a path and what was sent to it."""

Check = Callable[[Message], bool]
"""Looks at the header of a request; if it returns false, the answer is 401."""


@contextmanager
def running(
    script: Script,
    tls: ssl.SSLContext | None = None,
    check: Check | None = None,
    posted: Posted | None = None,
) -> Iterator[int]:
    """Run one on a port of this computer, which is yielded, until the end of the block."""
    server = _Server(("127.0.0.1", 0), _handler(script, check, posted))
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(
    script: Script, check: Check | None, posted: Posted | None
) -> type[BaseHTTPRequestHandler]:
    """Return what answers requests."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            is_admitted = check is None or check(self.headers)
            self.send(script(self.path) if is_admitted else Answer(401))

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            is_admitted = check is None or check(self.headers)
            answer = Answer(405) if posted is None else posted(self.path, content)
            self.send(answer if is_admitted else Answer(401))

        def send(self, answer: Answer) -> None:
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * answer.announced)
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                self.send_header(key, value)
            size = 1 << 30 if answer.drips_until else len(answer.body)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            half = len(answer.body) // 2
            is_half = answer.is_cut or answer.drips_until is not None
            self.wfile.write(answer.body[:half] if is_half else answer.body)
            if answer.drips_until is not None:
                _drip(self.wfile, answer.drips_until)
            self.close_connection = is_half

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _drip(file: BinaryIO, is_over: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while not is_over.wait(0.01):
            file.write(b" ")


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:  # handshakes that fail are what is tested
        pass


def record(slices: Sequence[Dataset], count: int | None = None) -> dict[str, Any]:
    """The entry of a list for the series of these slices."""
    first = slices[0]
    listed = Dataset()
    for keyword in (
        "PatientName", "PatientID", "IssuerOfPatientID", "StudyInstanceUID", "SeriesInstanceUID",
        "Modality",
    ):  # fmt: skip
        setattr(listed, keyword, first.get(keyword))
    listed.NumberOfSeriesRelatedInstances = len(slices) if count is None else count
    return listed.to_json_dict()


def listing(*records: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps(records).encode(), {"Content-Type": "application/dicom+json"})


def multipart(slices: Sequence[Dataset], is_closed: bool = True) -> Answer:
    """The answer of WADO-RS with these slices."""
    body = b""
    for dataset in slices:
        file = BytesIO()
        dataset.save_as(file, enforce_file_format=True)
        body += b"\r\n--b\r\nContent-Type: application/dicom\r\n\r\n" + file.getvalue()
    body += b"\r\n--b--\r\n" if is_closed else b""
    kind = 'multipart/related; type="application/dicom"; boundary=b'
    return Answer(200, body[2:], {"Content-Type": kind})


def archive_of(answer: Answer, *records: dict[str, Any]) -> Script:
    """A script that lists these and answers each fetch in the same way."""
    return lambda path: answer if "/studies/" in path else listing(*records)
