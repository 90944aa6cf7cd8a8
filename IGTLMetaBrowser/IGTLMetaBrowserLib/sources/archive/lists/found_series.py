"""Which series searches have found, for other gateways that share the folder of the cache.

An id of an image does not tell the UIDs of its series (``dicom.fields.image_id``). A gateway that
takes another's place, or is started again, has not searched for what clients ask it for then. Here
it finds the UIDs, and the archive is asked for those, with the gateway's own filters: what lies
here says nothing about what may be seen.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path

from ....system_errors import reason_of
from ....whole_file import replaced_at_end
from ...dicom.fields import image_id
from ..archive import Query, Series

_logger = logging.getLogger(__name__)

UID_KEYWORDS = ("StudyInstanceUID", "SeriesInstanceUID")
"""What is noted: few archives find a series without its study by DIMSE."""

_FOLDER = "searches"
# A thousand series each at most, by default: 100 KB.
_MOST_SEARCHES = 64


class FoundSeries:
    """Notes what searches find, in ``folder``: one file for each, the oldest are removed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / _FOLDER

    def note(self, query: Query, found: Sequence[Series]) -> None:
        """Have what a search has found be known to all. A disk that is full does no harm."""
        name = hashlib.sha256(repr(sorted(query.items())).encode()).hexdigest()[:32]
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with replaced_at_end(self._folder / name, is_synced=False) as part:
                noted = {image_id(one.uid): [one[key] for key in UID_KEYWORDS] for one in found}
                part.write_text(json.dumps(noted))
            for old in self._newest_first()[_MOST_SEARCHES:]:
                old.unlink(missing_ok=True)
        except OSError as error:
            _logger.warning("what was found is not noted for other gateways: %s", reason_of(error))

    def query_for(self, wanted: str) -> Query | None:
        """Return what to ask an archive for, to have the series of an id; None if it is unknown."""
        for search in self._newest_first():
            match _read(search, wanted).get(wanted):
                case [str(study), str(series)] if image_id(series) == wanted:
                    return dict(zip(UID_KEYWORDS, (study, series), strict=True))
        return None

    def _newest_first(self) -> list[Path]:
        dated = []
        for search in self._folder.glob("[!.]*"):
            with contextlib.suppress(OSError):  # another process has removed it just now
                dated.append((search.stat().st_mtime_ns, search))
        return [search for _, search in sorted(dated, reverse=True)]


def _read(search: Path, wanted: str) -> dict[str, object]:
    """Return what is noted of a search; nothing if an id is not among it.

    A server waits for that: to parse all that can lie there takes 35 ms, with --most 10000 ten
    times that.
    """
    try:
        content = search.read_bytes()
        noted = json.loads(content) if json.dumps(wanted).encode() in content else {}
    except (OSError, ValueError):  # removed just now, or damaged
        return {}
    return noted if isinstance(noted, dict) else {}
