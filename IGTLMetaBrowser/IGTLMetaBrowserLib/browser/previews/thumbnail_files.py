"""Thumbnails on the user's disk, under a limit of bytes, for several processes at once.

Each is a file with the packed message, whose checksum finds what is damaged. It is called by a
digest of the server and of what its list says of the image, and so by nothing that tells who the
patient is. The digest is in the message as well: a file under another's name is found out.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from ... import codec
from ...regular_file import opened
from ...system_errors import why_not_written
from ...whole_file import replaced_at_end

_logger = logging.getLogger(__name__)

_SUFFIX = ".igtl"
_LIMIT = 64 << 20
# Three planes of 128 × 128 RGB pixels have less; a larger file was not written here.
_LARGEST_FILE = 1 << 20
# To look through the folder takes about 5 ms for 1000 files.
_WRITES_BETWEEN_CLEANINGS = 100
# A device name of OpenIGTLink has no more.
_NAME_SIZE = 20


def thumbnail_key(address: str, entry: codec.ImageMetaItem) -> str:
    """Return under what the thumbnail of an image is kept: an id alone can mean another patient's.

    Whatever a server changes in the entry makes it another image.
    """
    return hashlib.sha256(f"{address}\0{entry!r}".encode("utf-8", "surrogateescape")).hexdigest()


class ThumbnailFiles:
    """The thumbnails in ``folder``, at most ``limit`` bytes; those used least recently go first.

    A disk that refuses is no reason to show nothing: it is logged once, and not written to again.
    """

    def __init__(self, folder: Path, limit: int = _LIMIT) -> None:
        self._folder = folder
        self._limit = limit
        self._can_write = True
        self._writes = 0

    def read(self, key: str) -> codec.ThumbnailMessage | None:
        """Return what is kept under a key, or None."""
        path = self._path(key)
        try:
            with opened(path) as file:
                message = codec.unpack(file.read(_LARGEST_FILE))
            if not isinstance(message, codec.ThumbnailMessage) or message.device_name != _name(key):
                raise codec.DecodeError("it is of another image")
        except FileNotFoundError:
            return None
        except (OSError, codec.DecodeError) as error:
            _logger.info("the thumbnail %s is not used: %s", path, error)
            _remove(path)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # it counts as used now
        return message

    def write(self, key: str, thumbnail: codec.ThumbnailMessage) -> None:
        """Keep a thumbnail under a key."""
        if not self._can_write:
            return
        # What else came in its header, such as metadata, may tell who the patient is.
        named = codec.ThumbnailMessage(thumbnail.planes, thumbnail.tag, device_name=_name(key))
        path = self._path(key)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Not brought to the disk at once, which the window would wait for: after a power cut,
            # the checksum tells.
            with replaced_at_end(path, is_synced=False) as part:
                part.write_bytes(codec.pack(named))
        except OSError as error:
            self._can_write = False
            _logger.warning("thumbnails are not kept: %s", why_not_written(error, path))
            return
        if self._writes % _WRITES_BETWEEN_CLEANINGS == 0:
            self._clean()
        self._writes += 1

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIX}"

    def _clean(self) -> None:
        total = 0
        for _used, size, path in sorted(self._files(), reverse=True):
            total += size
            if total > self._limit:
                _remove(path)

    def _files(self) -> Iterator[tuple[int, int, Path]]:
        """Yield when each file was used, in ns, its bytes, and its path."""
        with contextlib.suppress(OSError), os.scandir(self._folder) as files:
            for file in files:
                if file.name.endswith(_SUFFIX):
                    with contextlib.suppress(OSError):  # another process has just removed it
                        status = file.stat()
                        yield status.st_mtime_ns, status.st_size, Path(file.path)


def _name(key: str) -> str:
    return key[:_NAME_SIZE]


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
