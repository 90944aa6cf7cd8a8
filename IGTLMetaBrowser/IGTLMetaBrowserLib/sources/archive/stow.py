"""STOW-RS (PS3.18 10.5): files as one request, and what an archive answers to it.

Files are sent as they are, in one piece: a request in chunks is more than some proxies take.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

ANSWER = "application/dicom+json"
_XML = ("application/dicom+xml", "application/xml", "text/xml")
_ALL_STORED = 200
_NOT_SAID = (
    "does not say that it has stored the files; check the URL, and whether one has to log in"
)
_REFUSED = 409  # nothing was stored; the body says why, as that of 202 does (PS3.18 10.5.3.1)
_FAILED, _STORED = "00081198", "00081199"  # Failed and Referenced SOP Sequence
_REASON = "00081197"


def request_of(files: Sequence[bytes]) -> tuple[bytes, str]:
    """Return body and Content-Type of the request to store files (PS3.10)."""
    boundary = uuid.uuid4().hex
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    parts = [part for file in files for part in (head, file, b"\r\n")]
    body = b"".join([*parts, f"--{boundary}--\r\n".encode()])
    return body, f'multipart/related; type="application/dicom"; boundary={boundary}'


def why_not_stored(response: requests.Response, count: int) -> str:
    """Return in words what an archive has not stored of so many files; nothing if it has them all.

    Raises ``requests.HTTPError`` for other refusals, ``ValueError`` for an answer that is none.
    """
    if response.status_code != _REFUSED:
        response.raise_for_status()
    kind = response.headers.get("Content-Type", "")
    if not kind.startswith((ANSWER, "application/json")):
        response.raise_for_status()
        # By its status it says that it has them (PS3.18 10.5.3.1), unless it is a page to log in.
        is_answer = not response.content or kind.startswith(_XML)
        is_said = response.status_code == _ALL_STORED and response.request.method == "POST"
        return "" if is_said and is_answer else _NOT_SAID
    if response.request.method != "POST":  # it was sent on, and has asked for something else
        return _NOT_SAID
    answer = json.loads(response.content)
    answer = answer[0] if isinstance(answer, list) and answer else answer
    failed, stored = _items(answer, _FAILED), _items(answer, _STORED)
    if not failed and (len(stored) == count or (response.status_code == 200 and not stored)):
        return ""
    reasons = ", ".join(sorted({f"{reason:04X}H" for item in failed for reason in _reasons(item)}))
    words = f", for the reason {reasons} (PS3.18 I.2)" if reasons else ""
    return f"has stored {len(stored)} of {count} files{words}"


def _items(answer: Any, tag: str) -> list[Any]:
    if not isinstance(answer, Mapping):
        raise ValueError("an answer that is no data set")
    element = answer.get(tag) or {}
    return [*(element.get("Value") or [])]


def _reasons(item: Mapping[str, Any]) -> Iterator[int]:
    for reason in _items(item, _REASON):
        yield int(reason)
