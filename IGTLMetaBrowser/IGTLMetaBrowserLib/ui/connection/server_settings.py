"""The settings of each server, ``net.ConnectionSettings``, kept in the user's settings."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import qt

from ...codec import Coordinates
from ...net import ClientTLS, ConnectionSettings, format_address
from ..settings_values import PREFIX


def settingsOf(host, port):
    """Return the settings of a server; those that the user has not changed are the usual ones."""
    stored = qt.QSettings().value(_key(host, port))
    try:
        return _read(json.loads(stored)) if stored else ConnectionSettings()
    except (
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ):  # somebody else has written into the settings
        return ConnectionSettings()


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
        qt.QSettings().setValue(_key(host, port), json.dumps(changed))
    else:
        qt.QSettings().remove(_key(host, port))


def _key(host, port):
    return f"{PREFIX}Servers/{format_address(host, port)}"


def _readTls(server_name="", accepted_fingerprint="", **files):
    paths = {key: Path(path) for key, path in files.items()}
    return ClientTLS(server_name=server_name, accepted_fingerprint=accepted_fingerprint, **paths)


def _read(changed):
    if changed.get("coordinates"):
        changed["coordinates"] = Coordinates[changed["coordinates"]]
    if "tls" in changed:
        changed["tls"] = _readTls(**changed["tls"])
    return replace(ConnectionSettings(), **changed)
