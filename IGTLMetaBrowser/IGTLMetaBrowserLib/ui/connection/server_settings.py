"""The settings of each server, ``net.ConnectionSettings``, kept in the user's settings."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import qt

from ...codec import Coordinates
from ...net import ClientTLS, ConnectionSettings, format_address
from ...net.settings import LONGEST_WAIT_SECONDS
from ..settings_values import PREFIX, readText

# More than can be entered, and than there is memory.
_MOST_BYTES = 1 << 50
_TLS_FILES = ("authority", "certificate", "key")
_TLS_TEXTS = ("server_name", "accepted_fingerprint")


def settingsOf(host, port):
    """Return the settings of a server; those that the user has not changed are the usual ones.

    So are single ones that something else has written there, or a newer version.
    """
    try:
        stored = json.loads(readText(_key(host, port)) or "{}")
    except (ValueError, RecursionError):
        return ConnectionSettings()
    kept = stored if isinstance(stored, dict) else {}
    values = {name: read(kept[name]) for name, read in _READERS.items() if name in kept}
    return ConnectionSettings(**{name: one for name, one in values.items() if one is not None})


def keepSettings(host, port, settings):
    """Keep the settings of a server: what is not as usual."""
    usual = ConnectionSettings()
    changed = {
        field.name: getattr(settings, field.name)
        for field in fields(settings)
        if getattr(settings, field.name) != getattr(usual, field.name)
    }
    if "coordinates" in changed:
        changed["coordinates"] = changed["coordinates"].name
    if "tls" in changed:
        changed["tls"] = {key: str(value) for key, value in vars(settings.tls).items() if value}
    if changed:
        qt.QSettings().setValue(PREFIX + _key(host, port), json.dumps(changed))
    else:
        qt.QSettings().remove(PREFIX + _key(host, port))


def _key(host, port):
    return f"Servers/{format_address(host, port)}"


# Of a value from the settings, each returns what it stands for, or None.


def _isInteger(value):
    return isinstance(value, int) and not isinstance(value, bool)  # Python takes True for 1


def _seconds(value):
    isNumber = isinstance(value, float) or _isInteger(value)
    return float(value) if isNumber and 0 < value <= LONGEST_WAIT_SECONDS else None


def _byteCount(value):
    return value if _isInteger(value) and 0 < value <= _MOST_BYTES else None


def _flag(value):
    return value if isinstance(value, bool) else None


def _headerVersion(value):
    return value if _isInteger(value) and value in (1, 2) else None


def _coordinates(value):
    return Coordinates.__members__.get(value) if isinstance(value, str) else None


def _tls(value):
    # Whatever is in there: the user wants this server with TLS, and not without.
    kept = value if isinstance(value, dict) else {}
    texts = {key: text for key, text in kept.items() if text and isinstance(text, str)}
    paths = {key: Path(texts[key]) for key in _TLS_FILES if key in texts}
    return ClientTLS(**paths, **{key: texts[key] for key in _TLS_TEXTS if key in texts})


_READERS = {
    "connect_timeout": _seconds,
    "answer_timeout": _seconds,
    "max_body_size": _byteCount,
    "accept_missing_checksum": _flag,
    "diameter_is_radius": _flag,
    "header_version": _headerVersion,
    "coordinates": _coordinates,
    "tls": _tls,
}
