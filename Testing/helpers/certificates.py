"""Certificates for tests, made by trustme: an authority, and whom it has signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Authority:
    """A certificate authority whose files lie in ``folder``."""

    folder: Path
    ca: trustme.CA

    @classmethod
    def make(cls, folder: Path) -> Authority:
        """Make one, and the file of its certificate."""
        ca = trustme.CA()
        folder.mkdir(parents=True, exist_ok=True)
        ca.cert_pem.write_to_path(folder / "authority.pem")
        return cls(folder, ca)

    @property
    def file(self) -> Path:
        """The PEM file of its certificate."""
        return self.folder / "authority.pem"

    def issue(self, *names: str, common_name: str | None = None, expired: bool = False) -> Path:
        """Return a PEM file of a new certificate for ``names`` and its private key."""
        end = datetime(2020, 1, 1, tzinfo=timezone.utc) if expired else None
        issued = self.ca.issue_cert(*names, common_name=common_name, not_after=end)
        path = self.folder / f"{'-'.join(names)}{'-expired' if expired else ''}.pem"
        issued.private_key_and_cert_chain_pem.write_to_path(path)
        return path
