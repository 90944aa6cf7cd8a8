"""Where an archive (PACS) is, as the user types it, and what of that is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import qt
from slicer.i18n import tr as _

from ...sources.archive.archive import PASSWORD_VARIABLE, TOKEN_VARIABLE
from ..settings_values import PREFIX, readText, readTexts

_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_DIMSE = re.compile(r"[^@\s]{1,16}@[^@\s]+:\d{1,5}")
_MOST_ARCHIVES = 10
_ARCHIVES, _USER, _AET = (f"Archive{name}" for name in ("s", "User", "Aet"))


@dataclass(frozen=True)
class ArchiveAddress:
    """``text`` is a DICOMweb URL or AET@HOST:PORT; ``secret`` a password, or a token without user.

    ``aet`` is our own AE title, for DIMSE; ``authority`` a file with who signed for the archive.
    """

    text: str
    user: str = ""
    secret: str = field(default="", repr=False)
    aet: str = ""
    authority: str = ""

    @property
    def isUrl(self):
        """Whether it is spoken to by DICOMweb, and not by DIMSE."""
        return "://" in self.text

    @property
    def package(self):
        """What is needed to speak to it: the name of the package, and that of its module."""
        return ("dicomweb-client", "dicomweb_client") if self.isUrl else ("pynetdicom",) * 2

    def arguments(self):
        """Return the arguments of ``igtlmeta serve`` for it; nothing that is secret."""
        values = {
            "--dicomweb" if self.isUrl else "--dicom": self.text,
            "--archive-user": self.user if self.isUrl else "",
            "--aet": "" if self.isUrl else self.aet,
            "--archive-ca": self.authority,
        }
        return [f"{option}={value}" for option, value in values.items() if value]

    def secrets(self):
        """Return the environment variables by which the gateway is told the secret."""
        if not self.isUrl or not (self.secret or self.user):
            return {}
        return {PASSWORD_VARIABLE if self.user else TOKEN_VARIABLE: self.secret}


def readAddress(text, user, secret, **others):
    """Return an ``ArchiveAddress``. Raises ``ValueError`` in words.

    User name and password that are a part of the URL are not left there: it is shown, and kept.
    """
    text = text.strip()
    if _URL.fullmatch(text):
        parts = urlsplit(text)
        user, secret = parts.username or user, parts.password or secret
        host = parts.netloc.rpartition("@")[2]
        text = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    elif not _DIMSE.fullmatch(text):
        raise ValueError(
            _(
                "{text} is not a DICOMweb URL such as https://pacs/dicom-web, nor AET@HOST:PORT"
            ).format(text=repr(text))
        )
    return ArchiveAddress(text, user.strip(), secret, **others)


def keep(archive):
    """Keep where an archive is; never a password or token."""
    settings = qt.QSettings()
    texts = [archive.text, *(text for text in keptTexts() if text != archive.text)]
    settings.setValue(PREFIX + _ARCHIVES, texts[:_MOST_ARCHIVES])
    settings.setValue(PREFIX + _USER, archive.user)
    settings.setValue(PREFIX + _AET, archive.aet)


def keptTexts():
    """Return the archives that were used, the last one first."""
    return readTexts(_ARCHIVES)[:_MOST_ARCHIVES]


def keptUser():
    """Return the user name that was used last."""
    return readText(_USER)


def keptAet():
    """Return our own AE title as it was used last, or the usual one."""
    return readText(_AET) or "IGTLMETA"
