"""An archive by DIMSE and TLS (PS3.15 B.9) with a certificate that is wrong: which one is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import orthanc
from helpers.certificates import CLIENT_FAULTS, SERVER_FAULTS, Authority, faulty_certificate
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive, DimseSettings

pytestmark = pytest.mark.skipif(not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


def settings_of(certificate: Path, authority: Path, wants_ours: bool = False) -> dict[str, object]:
    """What Orthanc needs to speak TLS: it reads certificate and key from files of their own."""
    pieces = re.findall(r"-----BEGIN (?:.|\n)*?-----END [^\n]*\n", certificate.read_text())
    folder = certificate.parent
    (folder / "key.pem").write_text("".join(one for one in pieces if "PRIVATE KEY" in one))
    (folder / "own.pem").write_text("".join(one for one in pieces if "PRIVATE KEY" not in one))
    return {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(folder / "own.pem"),
        "DicomTlsPrivateKey": str(folder / "key.pem"),
        "DicomTlsTrustedCertificates": str(authority),
        "DicomTlsRemoteCertificateRequired": wants_ours,
    }


@pytest.mark.parametrize("fault", sorted(SERVER_FAULTS))
def test_an_archive_that_is_not_trusted(authority, tmp_path, fault):
    certificate, trusted = faulty_certificate(authority, fault, "localhost")
    settings = settings_of(certificate, authority.file)
    with orthanc.running(tmp_path / "orthanc", settings=settings) as archive:
        words = SERVER_FAULTS[fault].replace("IP address", "Hostname")
        with pytest.raises(SourceError, match=f"is not trusted: .*{words}.*; see --archive-ca"):
            DimseArchive(archive.peer, DimseSettings(authority=str(trusted))).find({}, 1)


def test_an_archive_whose_authority_leaves_out_what_python_wants_since_3_13(authority, tmp_path):
    """It is trusted by all Pythons alike: the user has named its authority."""
    certificate = authority.issue_without_key_identifier("localhost")
    settings = settings_of(certificate, authority.file)
    with orthanc.running(tmp_path / "orthanc", settings=settings) as archive:
        trusting = DimseSettings(authority=str(authority.file))
        assert DimseArchive(archive.peer, trusting).find({}, 1) == []


@pytest.fixture(scope="module")
def strict(authority, tmp_path_factory) -> Iterator[orthanc.Orthanc]:
    """An archive that wants to know who calls it."""
    settings = settings_of(authority.issue("localhost"), authority.file, wants_ours=True)
    with orthanc.running(tmp_path_factory.mktemp("orthanc"), settings=settings) as archive:
        yield archive


@pytest.mark.parametrize("fault", sorted(CLIENT_FAULTS.keys() - {"revoked"}))
def test_an_archive_that_does_not_trust_us(authority, strict, fault):
    certificate, _ = faulty_certificate(authority, fault, "gateway")
    settings = DimseSettings(authority=str(authority.file), certificate=str(certificate or ""))
    words = f"refuses TLS: .*{CLIENT_FAULTS[fault][0]}.* See --archive-cert"
    with pytest.raises(SourceError, match=words):
        DimseArchive(strict.peer, settings).find({}, 1)


def test_with_the_right_ones_it_answers(authority, strict):
    own = authority.issue("gateway")
    settings = DimseSettings(authority=str(authority.file), certificate=str(own))
    assert DimseArchive(strict.peer, settings).find({}, 1) == []


def test_one_speaks_tls_and_the_other_does_not(authority, strict, tmp_path):
    with pytest.raises(SourceError, match=r"does not speak DICOM without TLS.* --archive-ca"):
        DimseArchive(strict.peer).find({}, 1)
    with orthanc.running(tmp_path / "orthanc") as plain:
        by_tls = DimseArchive(plain.peer, DimseSettings(authority=str(authority.file)))
        with pytest.raises(
            SourceError, match=r"does not speak DICOM with TLS.* without --archive-ca"
        ):
            by_tls.find({}, 1)
