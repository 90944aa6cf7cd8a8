"""Certificates for tests, made by trustme: an authority, and whom it has signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


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
        path.chmod(0o600)
        return path

    def issue_without_key_identifier(self, name: str) -> Path:
        """Return a PEM file of a certificate that does not name the authority's key, and its key.

        RFC 5280 (4.2.1.1) wants it to; what ``openssl x509 -req`` signs does not.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        signer = serialization.load_pem_private_key(self.ca.private_key_pem.bytes(), None)
        own = x509.load_pem_x509_certificate(self.ca.cert_pem.bytes())
        now = datetime.now(timezone.utc)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(own.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(signer, hashes.SHA256())
        )
        path = self.folder / f"{name}-without-key-identifier.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        path.chmod(0o600)
        return path

    def revoke(self, issued: Path) -> Path:
        """Return a PEM file of a revocation list with that certificate alone."""
        certificate = x509.load_pem_x509_certificate(issued.read_bytes())
        signer = serialization.load_pem_private_key(self.ca.private_key_pem.bytes(), None)
        own = x509.load_pem_x509_certificate(self.ca.cert_pem.bytes())
        now = datetime.now(timezone.utc)
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
        revocation_list = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(own.subject)
            .last_update(now - timedelta(days=1))
            .next_update(now + timedelta(days=1))
            .add_revoked_certificate(entry.revocation_date(now).build())
            .sign(signer, hashes.SHA256())
        )
        path = self.folder / "revoked.pem"
        path.write_bytes(revocation_list.public_bytes(serialization.Encoding.PEM))
        return path


SERVER_FAULTS = {
    "expired": "certificate has expired",
    "of another host": "IP address mismatch",
    "revoked": "certificate revoked",
    "of an unknown authority": "unable to get local issuer certificate",
}
"""What can be wrong with a server's certificate, and the words in which a client says so."""

CLIENT_FAULTS = {
    "missing": ("the server requires a certificate", "presented no certificate"),
    "expired": ("the certificate of this end has expired", "certificate has expired"),
    "revoked": ("the certificate of this end was revoked", "certificate revoked"),
    "of an unknown authority": (
        "the other end does not trust the certificate",
        "unable to get local issuer certificate",
    ),
}
"""What can be wrong with a client's certificate, the words of the client, and of the server."""


def faulty_certificate(authority: Authority, fault: str, host: str) -> tuple[Path | None, Path]:
    """Return a certificate with a fault, and the file by which the other end checks it."""
    if fault == "missing":
        return None, authority.file
    if fault == "of an unknown authority":
        return Authority.make(authority.folder / "unknown").issue(host), authority.file
    if fault == "of another host":
        return authority.issue("other.example"), authority.file
    certificate = authority.issue(host, expired=fault == "expired")
    if fault != "revoked":
        return certificate, authority.file
    file = authority.folder / "authority-and-revoked.pem"
    file.write_text(authority.file.read_text() + authority.revoke(certificate).read_text())
    return certificate, file
