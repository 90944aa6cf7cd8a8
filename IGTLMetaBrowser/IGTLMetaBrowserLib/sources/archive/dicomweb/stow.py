"""STOW-RS (PS3.18 10.5): files as one request, and what an archive answers to it.

Files are sent as they are, in one piece: a request in chunks is more than some proxies take.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
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
_INSTANCE_UID = "00081155"  # in each item of those sequences
_XML_TAGS = re.compile(r"""tag\s*=\s*["'](\w{8})["']""")  # PS3.19 A.1.6


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
    kind = response.headers.get("Content-Type", "").lower()
    is_json = kind.startswith((ANSWER, "application/json")) and bool(response.content)
    if not is_json:
        response.raise_for_status()
    if response.request.method != "POST":  # it was sent on, and has asked for something else
        return _NOT_SAID
    if not is_json:
        return "" if _is_said_without_json(response, kind, count) else _NOT_SAID
    answer = json.loads(response.content)
    answer = answer[0] if isinstance(answer, list) and answer else answer
    failed, stored = _items(answer, _FAILED), _items(answer, _STORED)
    if not failed and (len(stored) == count or (response.status_code == 200 and not stored)):
        return ""
    reasons = ", ".join(sorted({f"{reason:04X}H" for item in failed for reason in _reasons(item)}))
    words = f", for the reason {reasons} (PS3.18 I.2)" if reasons else ""
    return f"has stored {len(stored)} of {count} files{words}"


def _is_said_without_json(response: requests.Response, kind: str, count: int) -> bool:
    """Whether an answer says that all is stored: by its status, or, with warnings, in XML.

    One that is neither may be a page to log in.
    """
    is_all = response.status_code == _ALL_STORED
    if not response.content:
        return is_all
    if not kind.startswith(_XML):
        return False
    tags = Counter(_XML_TAGS.findall(response.text))
    return not tags[_FAILED] and (is_all or tags[_INSTANCE_UID] == count)


def _items(answer: Any, tag: str) -> list[Any]:
    if not isinstance(answer, Mapping):
        raise ValueError("an answer that is no data set")
    element = answer.get(tag) or {}
    return [*(element.get("Value") or [])]


def _reasons(item: Mapping[str, Any]) -> Iterator[int]:
    for reason in _items(item, _REASON):
        yield int(reason)
