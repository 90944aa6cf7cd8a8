"""The servers that could be connected to, kept in the user's settings."""

from __future__ import annotations

import qt

from ...net import format_address, parse_address
from ..settings_values import PREFIX, readTexts

_SETTING = "EndpointHistory"
LONGEST_HISTORY = 10


class EndpointHistory:
    """Host and port of the servers that worked, the last one first."""

    def endpoints(self):
        """Return the pairs of host and port."""
        endpoints = map(_endpoint, readTexts(_SETTING)[:LONGEST_HISTORY])
        return [endpoint for endpoint in endpoints if endpoint is not None]

    def last(self):
        """Return host and port of the server that worked last, or None."""
        return next(iter(self.endpoints()), None)

    def add(self, host, port):
        """Put a server that works in front."""
        endpoints = [(host, port)]
        endpoints += [endpoint for endpoint in self.endpoints() if endpoint != (host, port)]
        addresses = [format_address(*endpoint) for endpoint in endpoints[:LONGEST_HISTORY]]
        qt.QSettings().setValue(PREFIX + _SETTING, addresses)

    def clear(self):
        """Forget all servers."""
        qt.QSettings().remove(PREFIX + _SETTING)


def _endpoint(address):
    """Return host and port; None if somebody else wrote something else into the settings."""
    try:
        return parse_address(address)
    except ValueError:
        return None
