"""Who is let in by an archive, and by what way: tokens, certificates, proxies, DICOM over TLS."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from email.message import Message
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from helpers import connect_proxy, orthanc, scripted_archive
from helpers.certificates import Authority
from helpers.ready_sources import ready
from helpers.scripted_archive import Answer, Script, archive_of, multipart, record
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive_source import ArchiveSource
from IGTLMetaBrowserLib.sources.dicom_folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicomweb import DicomWebArchive, WebSettings
from IGTLMetaBrowserLib.sources.dimse import DimseArchive, DimseSettings
from IGTLMetaBrowserLib.sources.series_cache import SeriesCache
from interop import stunnel


@pytest.fixture
def script(make_slice: Callable[..., Dataset]) -> Script:
    """An archive with one series."""
    slices = [make_slice((0.0, 0.0, 2.0 * number), number) for number in range(3)]
    return archive_of(multipart(slices), record(slices))


@pytest.fixture
def cache(tmp_path: Path) -> SeriesCache:
    return SeriesCache(tmp_path / "cache", 1 << 30)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path / "ca")


def check_fetched(archive: DicomWebArchive, cache: SeriesCache) -> None:
    with closing(ArchiveSource(archive, cache)) as source:
        (item,) = source.images()
        assert ready(source.image, item.id).pixels.shape == (3, 5, 7)


def test_a_bearer_token(script, cache):
    """It is sent with the list and with the fetch; who has none, or another, is told."""

    def has_token(headers) -> bool:
        return headers["Authorization"] == "Bearer right"

    with scripted_archive.running(script, check=has_token) as port:
        url = f"http://127.0.0.1:{port}/dicom-web"
        check_fetched(DicomWebArchive(url, WebSettings(token="right")), cache)
        for settings in (WebSettings(token="wrong"), WebSettings()):
            with pytest.raises(SourceError, match=r"HTTP 401 .* or a token; see --archive-user"):
                ArchiveSource(DicomWebArchive(url, settings), cache)


def test_a_token_that_expires_between_list_and_fetch(script, cache):
    requests = iter([True, False])
    with scripted_archive.running(script, check=lambda _: next(requests)) as port:
        archive = DicomWebArchive(f"http://127.0.0.1:{port}", WebSettings(token="short"))
        with closing(ArchiveSource(archive, cache)) as source:
            (item,) = source.images()
            with pytest.raises(SourceError, match=r"cannot fetch from .*HTTP 401"):
                ready(source.image, item.id)


def test_a_certificate_of_our_own(script, cache, authority, tmp_path):
    """An archive may want to know who asks: mutual TLS."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.file)
    tls.load_cert_chain(authority.issue("localhost"))
    tls.verify_mode = ssl.CERT_REQUIRED
    own, strange = authority.issue("gateway"), Authority.make(tmp_path / "other").issue("gateway")
    with scripted_archive.running(script, tls) as port:
        url = f"https://localhost:{port}/dicom-web"
        trusted = str(authority.file)
        settings = WebSettings(authority=trusted, certificate=str(own))
        check_fetched(DicomWebArchive(url, settings), cache)
        for certificate in ("", str(strange)):
            settings = WebSettings(authority=trusted, certificate=certificate)
            with pytest.raises(SourceError, match=r"refuses TLS: .*See --archive-cert"):
                ArchiveSource(DicomWebArchive(url, settings), cache)


@pytest.mark.parametrize(
    ("option", "words"),
    [("certificate", "No such file.*--archive-cert"), ("authority", "No such file.*--archive-ca")],
)
def test_a_certificate_that_is_missing(tmp_path, option, words):
    settings = WebSettings(**{option: str(tmp_path / "nothing.pem")})
    with pytest.raises(SourceError, match=rf"nothing\.pem cannot be used: {words}"):
        DicomWebArchive("https://localhost:1/dicom-web", settings)


def test_a_certificate_that_is_none(tmp_path):
    (tmp_path / "key.pem").write_text("nothing of the kind")
    settings = WebSettings(certificate=str(tmp_path / "key.pem"))
    with pytest.raises(SourceError, match="it has no certificate in PEM, or no key"):
        DicomWebArchive("https://localhost:1/dicom-web", settings)


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1/dicom-web",
        "ftp://jane:secret@localhost/dicom-web",
        "jane:secret@localhost",
        "http://jane:secret@localhost:99999/dicom-web",
        "http://jane:sec ret@localhost:99999/dicom-web",
    ],
)
def test_a_url_that_is_none_is_named_without_its_password(url):
    with pytest.raises(SourceError) as caught:
        DicomWebArchive(url).find({}, 1)
    assert "sec" not in str(caught.value)
    assert "URL" in str(caught.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("PACS@127.0.0.1:99999", "names no port from 1 to 65535"),
        (f"PACS@{'x' * 70}:104", "cannot be reached: .*; check host and port"),
    ],
)
def test_a_dicom_address_that_is_none_is_named(address, words):
    with pytest.raises(SourceError, match=words):
        DimseArchive(address).echo()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("settings", [WebSettings(token="secret"), WebSettings("jane", "secret")])
def test_who_we_are_is_told_to_no_other_archive(script, host, settings):
    """To which the archive sends us on."""
    told: list[str | None] = []

    def look(header: Message) -> bool:
        told.append(header["Authorization"])
        return True

    with scripted_archive.running(script, check=look) as other:

        def move(path: str) -> Answer:
            return Answer(302, b"", {"Location": f"http://{host}:{other}{path}"})

        with scripted_archive.running(move) as port:
            (found,) = DicomWebArchive(f"http://127.0.0.1:{port}", settings).find({}, 2)
    assert found["PatientID"] == "42"
    assert told == [None]


def test_the_proxy_of_the_environment(script, cache, monkeypatch):
    """The archive's name is known to the proxy alone, which gets whole URLs."""
    asked: list[str] = []

    def through_proxy(url: str):
        asked.append(url)
        return script(url)

    with scripted_archive.running(through_proxy) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        check_fetched(DicomWebArchive("http://pacs.invalid/dicom-web"), cache)
    assert len(asked) == 2
    assert all(url.startswith("http://pacs.invalid/dicom-web/") for url in asked)


def test_a_proxy_that_is_down_is_named(cache, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{orthanc.free_port()}")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(SourceError, match=r"cannot search http://pacs\.invalid.*refused"):
        ArchiveSource(DicomWebArchive("http://pacs.invalid/dicom-web"), cache)


@pytest.fixture
def behind_tunnel(script, authority, monkeypatch) -> Iterator[tuple[int, str, WebSettings]]:
    """An archive with TLS that only a proxy reaches: its port, the URL, and whom to trust."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority.issue("pacs.invalid"))
    monkeypatch.setenv("no_proxy", "")
    with scripted_archive.running(script, tls) as port:
        settings = WebSettings(token="secret", authority=str(authority.file))
        yield port, "https://pacs.invalid/dicom-web", settings


def test_tls_through_a_proxy(behind_tunnel, cache, monkeypatch):
    """The proxy is asked for a tunnel (CONNECT), and sees neither URLs nor the token."""
    port, url, settings = behind_tunnel
    with connect_proxy.running(port, "jane", "p@ss") as proxy:
        monkeypatch.setenv("https_proxy", f"http://jane:p%40ss@127.0.0.1:{proxy.port}")
        check_fetched(DicomWebArchive(url, settings), cache)
    assert {*proxy.asked} == {"pacs.invalid:443"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"user": "jane", "password": "other"}, "407.*user name and password.*HTTPS_PROXY"),
        ({"status": 403}, "through the proxy .*403.*HTTPS_PROXY"),
        ({"status": 502}, "through the proxy .*502.*HTTPS_PROXY"),
    ],
)
def test_a_proxy_that_makes_no_tunnel(behind_tunnel, cache, monkeypatch, options, words):
    port, url, settings = behind_tunnel
    with connect_proxy.running(port, **options) as proxy:
        monkeypatch.setenv("https_proxy", f"http://jane:s3cret@127.0.0.1:{proxy.port}")
        with pytest.raises(SourceError, match=words) as caught:
            ArchiveSource(DicomWebArchive(url, settings), cache)
    assert "s3cret" not in str(caught.value)


def test_a_certificate_of_another_archive_behind_a_proxy(behind_tunnel, cache, monkeypatch):
    port, _, settings = behind_tunnel
    with connect_proxy.running(port) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(SourceError, match=r"other\.invalid.*refuses TLS|certificate"):
            ArchiveSource(DicomWebArchive("https://other.invalid/dicom-web", settings), cache)


without_orthanc = pytest.mark.skipif(
    not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}"
)


@pytest.fixture
def archive(tmp_path: Path, phantom_folder: Path) -> Iterator[orthanc.Orthanc]:
    """An archive with the phantom's CT, which wants to be called by its own AE title."""
    settings = {"DicomCheckCalledAet": True}
    with orthanc.running(tmp_path / "orthanc", settings=settings) as running:
        running.upload(sorted((phantom_folder / "CT").iterdir()))
        yield running


@without_orthanc
@pytest.mark.skipif(stunnel.PROGRAM is None, reason=stunnel.WHY_MISSING)
def test_dicom_over_tls(archive, cache, authority, phantom_folder, tmp_path):
    """With certificates of both ends (PS3.15 B.9); stunnel stands before the archive."""
    certificate, own = authority.issue("localhost"), authority.issue("gateway")
    options = (f"cert = {certificate}", f"CAfile = {authority.file}", "verifyChain = yes")
    folder = DicomFolderSource(phantom_folder / "CT")
    with stunnel.running(tmp_path, archive.dicom_port, *options) as port:
        address = f"ORTHANC@localhost:{port}"
        right = DimseSettings(authority=str(authority.file), certificate=str(own))
        with closing(ArchiveSource(DimseArchive(address, right), cache)) as source:
            (item,) = source.images()
            image = ready(source.image, item.id)
        np.testing.assert_array_equal(image.pixels, folder.image(item.id).pixels)
        other = Authority.make(tmp_path / "other")
        for wrong in (
            DimseSettings(authority=str(authority.file)),  # who we are is not said
            DimseSettings(authority=str(other.file), certificate=str(own)),
        ):
            with pytest.raises(SourceError, match="cannot be reached, or does not speak DICOM"):
                ArchiveSource(DimseArchive(address, wrong), cache)


@without_orthanc
def test_a_wrong_ae_title_is_named(archive, cache):
    address = f"ANOTHER@localhost:{archive.dicom_port}"
    with pytest.raises(SourceError, match=r"refuses the association: .*it is called ANOTHER"):
        ArchiveSource(DimseArchive(address), cache)
