"""The servers that could be connected to, kept in the user's settings."""

from __future__ import annotations

import qt

from ...net import format_address, parse_address

SETTINGS_KEY = "IGTLMetaBrowser/EndpointHistory"
LONGEST_HISTORY = 10


class EndpointHistory:
    """Host and port of the servers that worked, the last one first."""

    def endpoints(self):
        """Return the pairs of host and port."""
        stored = qt.QSettings().value(SETTINGS_KEY)
        # A list of one comes back from some files as a plain text.
        addresses = [stored] if isinstance(stored, str) else stored or []
        return [endpoint for endpoint in map(_endpoint, addresses) if endpoint is not None]

    def last(self):
        """Return host and port of the server that worked last, or None."""
        return next(iter(self.endpoints()), None)

    def add(self, host, port):
        """Put a server that works in front."""
        endpoints = [(host, port)]
        endpoints += [endpoint for endpoint in self.endpoints() if endpoint != (host, port)]
        addresses = [format_address(*endpoint) for endpoint in endpoints[:LONGEST_HISTORY]]
        qt.QSettings().setValue(SETTINGS_KEY, addresses)

    def clear(self):
        """Forget all servers."""
        qt.QSettings().remove(SETTINGS_KEY)


def _endpoint(address):
    """Return host and port; None if somebody else wrote something else into the settings."""
    try:
        return parse_address(address)
    except ValueError:
        return None
