"""Who is let in by an archive, and by what way: tokens, certificates, proxies, DICOM over TLS."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email.message import Message
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from helpers import connect_proxy, orthanc, scripted_archive
from helpers.certificates import SERVER_FAULTS, Authority, faulty_certificate
from helpers.peers import PATIENCE
from helpers.ready_sources import ready
from helpers.reserved_port import free_port
from helpers.scripted_archive import Answer, Posted, Script, archive_of, multipart, record
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.archive import ArchiveError
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.dicomweb.session import WebSettings
from IGTLMetaBrowserLib.sources.archive.dimse.association import Peer, associated, find_model
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive, DimseSettings
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from interop import stunnel


@pytest.fixture
def script(make_slice: Callable[..., Dataset]) -> Script:
    """An archive with one series."""
    slices = [make_slice((0.0, 0.0, 2.0 * number), number) for number in range(3)]
    return archive_of(multipart(slices), record(slices))


@pytest.fixture
def cache(tmp_path: Path) -> SeriesCache:
    return SeriesCache(tmp_path / "cache", 1 << 30)


def check_fetched(archive: DicomWebArchive, cache: SeriesCache) -> None:
    with closing(ArchiveSource(archive, cache)) as source:
        (item,) = source.images()
        assert ready(source.image, item.id).pixels.shape == (3, 5, 7)


def noted_authorizations() -> tuple[list[str | None], Callable[[Message], bool]]:
    """Return what an archive is told of who asks, and the check that notes it and lets all in."""
    told: list[str | None] = []

    def look(header: Message) -> bool:
        told.append(header["Authorization"])
        return True

    return told, look


def moved_to(url: str) -> Script:
    """Script: an archive that sends all on to another one."""
    return lambda path: Answer(302, b"", {"Location": f"{url}{path}"})


def test_a_bearer_token(script, cache):
    """It is sent with the list and with the fetch; who has none, or another, is told."""

    def has_token(headers) -> bool:
        return headers["Authorization"] == "Bearer right"

    with scripted_archive.running(script, check=has_token) as port:
        url = f"http://127.0.0.1:{port}/dicom-web"
        check_fetched(DicomWebArchive(url, WebSettings(token="right")), cache)
        for settings, words in (
            (WebSettings(token="wrong"), "it does not accept the user name and password, or the t"),
            (WebSettings(), "it requires a user name and password, or a t"),
        ):
            with pytest.raises(SourceError, match=f"HTTP 401 .*{words}oken; see --archive-user"):
                ArchiveSource(DicomWebArchive(url, settings), cache)


def test_a_token_that_expires_between_list_and_fetch(script, cache):
    # It is asked whether there are more, and what its studies have.
    requests = iter([True, True, True, False])
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


@contextmanager
def archive_with(certificate: Path, script: Script) -> Iterator[str]:
    """Run an archive that shows this certificate; its URL is yielded."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    with scripted_archive.running(script, tls) as port:
        yield f"https://localhost:{port}/dicom-web"


@pytest.mark.parametrize("fault", sorted(SERVER_FAULTS))
def test_an_archive_that_is_not_trusted(script, cache, authority, fault):
    certificate, trusted = faulty_certificate(authority, fault, "localhost")
    words = SERVER_FAULTS[fault].replace("IP address", "Hostname")
    with (
        archive_with(certificate, script) as url,
        pytest.raises(SourceError, match=f"is not trusted: .*{words}.*; see --archive-ca"),
    ):
        ArchiveSource(DicomWebArchive(url, WebSettings(authority=str(trusted))), cache)


def test_an_archive_whose_authority_leaves_out_what_python_wants_since_3_13(
    script, cache, authority
):
    """It is trusted by all Pythons alike: the user has named its authority."""
    with archive_with(authority.issue_without_key_identifier("localhost"), script) as url:
        check_fetched(DicomWebArchive(url, WebSettings(authority=str(authority.file))), cache)


def test_an_archive_without_tls_is_called_by_its_other_name(cache: SeriesCache):
    with (
        scripted_archive.running(lambda request: None) as port,
        pytest.raises(SourceError, match="does not speak TLS; try http:// instead of https://"),
    ):
        ArchiveSource(DicomWebArchive(f"https://localhost:{port}/dicom-web"), cache)


@pytest.mark.parametrize(
    ("option", "words"),
    [("certificate", "No such file.*--archive-cert"), ("authority", "No such file.*--archive-ca")],
)
def test_a_certificate_that_is_missing(tmp_path, option, words):
    settings = WebSettings(**{option: str(tmp_path / "nothing.pem")})
    with pytest.raises(SourceError, match=rf"nothing\.pem' cannot be read: {words}"):
        DicomWebArchive("https://localhost:1/dicom-web", settings)


def test_a_certificate_that_is_none(tmp_path):
    (tmp_path / "key.pem").write_text("nothing of the kind")
    settings = WebSettings(certificate=str(tmp_path / "key.pem"))
    with pytest.raises(SourceError, match=r"has no -----BEGIN CERT.*; see --archive-cert"):
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
        ("PÄCS@127.0.0.1:104", "'PÄCS' is no AE title: 1 to 16 characters of ASCII"),
        ("  @127.0.0.1:104", "'  ' is no AE title"),
        (f"{'P' * 17}@127.0.0.1:104", "'P{17}' is no AE title"),
        (f"PACS@{'x' * 70}:104", "cannot be reached: .*; check host and port"),
    ],
)
def test_a_dicom_address_that_is_none_is_named(address, words):
    with pytest.raises(SourceError, match=words):
        DimseArchive(address).find({}, 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("settings", [WebSettings(token="secret"), WebSettings("jane", "secret")])
def test_who_we_are_is_told_to_no_other_archive(script, host, settings):
    """To which the archive sends us on."""
    told, look = noted_authorizations()
    with scripted_archive.running(script, check=look) as other:
        move = moved_to(f"http://{host}:{other}")
        with scripted_archive.running(move) as port:
            (found,) = DicomWebArchive(f"http://127.0.0.1:{port}", settings).find({}, 1)
    assert found["PatientID"] == "42"
    assert told == [None]


@pytest.mark.parametrize("settings", [WebSettings(token="right"), WebSettings()])
def test_passwords_in_a_netrc_file_are_for_others(script, tmp_path, monkeypatch, settings):
    """As for who is sent on to: requests would rather send these than a token."""
    (tmp_path / "netrc").write_text("default login jane password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    told, look = noted_authorizations()
    with scripted_archive.running(script, check=look) as other:
        move = moved_to(f"http://localhost:{other}")
        with scripted_archive.running(move, check=look) as port:
            DicomWebArchive(f"http://127.0.0.1:{port}", settings).find({}, 1)
    assert told == ["Bearer right" if settings.token else None, None]


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        (WebSettings(), "Basic amFuZTpwQHNz"),  # jane:p@ss
        (WebSettings(user="joe", password="own"), "Basic am9lOm93bg=="),
        (WebSettings(token="right"), "Bearer right"),
    ],
)
def test_a_password_in_the_url_is_for_an_archive_that_is_told_nothing_else(script, settings, sent):
    told, look = noted_authorizations()
    with scripted_archive.running(script, check=look) as other:
        move = moved_to(f"http://localhost:{other}")
        with scripted_archive.running(move, check=look) as port:
            DicomWebArchive(f"http://jane:p%40ss@127.0.0.1:{port}", settings).find({}, 1)
    assert told == [sent, None]


def test_an_archive_with_tls_does_not_send_on_to_one_without(script, authority):
    """Names of patients would be read by others: as a proxy does that does not know of its TLS."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority.issue("localhost"))
    asked: list[str] = []

    def ask(path: str) -> Answer:
        asked.append(path)
        return script(path)

    with scripted_archive.running(ask) as plain:
        move = moved_to(f"http://localhost:{plain}")
        with scripted_archive.running(move, tls) as port:
            settings = WebSettings(authority=str(authority.file))
            archive = DicomWebArchive(f"https://localhost:{port}", settings)
            with pytest.raises(ArchiveError, match="it sends on to an address without TLS"):
                archive.find({}, 2)
    assert not asked


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
    assert len(asked) == 4
    assert all(url.startswith("http://pacs.invalid/dicom-web/") for url in asked)


def test_a_proxy_that_is_down_is_named(cache, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(SourceError, match=r"cannot search http://pacs\.invalid.*refused"):
        ArchiveSource(DicomWebArchive("http://pacs.invalid/dicom-web"), cache)


@pytest.fixture
def behind_tunnel(script, authority, keep, monkeypatch) -> Iterator[tuple[int, str, WebSettings]]:
    """An archive with TLS that only a proxy reaches: its port, the URL, and whom to trust."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority.issue("pacs.invalid"))
    monkeypatch.setenv("no_proxy", "")
    with scripted_archive.running(script, tls, posted=keep) as port:
        settings = WebSettings(token="secret", authority=str(authority.file))
        yield port, "https://pacs.invalid/dicom-web", settings


@pytest.fixture
def kept() -> list[bytes]:
    """What was stored in the archive behind the proxy."""
    return []


@pytest.fixture
def keep(kept) -> Posted:
    def keep(path: str, content: bytes) -> Answer:
        assert path == "/dicom-web/studies"
        kept.append(content)
        return Answer(200)

    return keep


def test_a_file_is_stored_through_a_proxy(behind_tunnel, kept, monkeypatch):
    """As it is, by STOW-RS; the proxy wants a password. It is larger than what goes in one piece
    of a tunnel."""
    port, url, settings = behind_tunnel
    content = bytes(range(256)) * 20_000
    with connect_proxy.running(port, "jane", "p@ss") as proxy:
        monkeypatch.setenv("https_proxy", f"http://jane:p%40ss@127.0.0.1:{proxy.port}")
        DicomWebArchive(url, settings).store([content])
    assert proxy.asked == ["pacs.invalid:443"]
    (body,) = kept
    assert content in body


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
        for ask in (
            lambda: ArchiveSource(DicomWebArchive(url, settings), cache),
            lambda: DicomWebArchive(url, settings).store([b"a document"]),
        ):
            with pytest.raises(SourceError, match=words) as caught:
                ask()
            assert "s3cret" not in str(caught.value)


def test_a_certificate_of_another_archive_behind_a_proxy(behind_tunnel, cache, monkeypatch):
    port, _, settings = behind_tunnel
    with connect_proxy.running(port) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(SourceError, match=r"other\.invalid.* is not trusted: .*--archive-ca"):
            ArchiveSource(DicomWebArchive("https://other.invalid/dicom-web", settings), cache)


without_orthanc = pytest.mark.skipif(
    not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}"
)


@pytest.fixture
def archive(tmp_path: Path, flat_phantom_folder: Path) -> Iterator[orthanc.Orthanc]:
    """An archive with the phantom's CT, which wants to be called by its own AE title."""
    settings = {"DicomCheckCalledAet": True}
    with orthanc.running(tmp_path / "orthanc", settings=settings) as running:
        running.upload(sorted((flat_phantom_folder / "CT").iterdir()))
        yield running


@without_orthanc
@pytest.mark.skipif(stunnel.PROGRAM is None, reason=stunnel.WHY_MISSING)
def test_dicom_over_tls(archive, cache, authority, flat_phantom_folder, tmp_path):
    """With certificates of both ends (PS3.15 B.9); stunnel stands before the archive."""
    certificate, own = authority.issue("localhost"), authority.issue("gateway")
    options = (f"cert = {certificate}", f"CAfile = {authority.file}", "verifyChain = yes")
    folder = DicomFolderSource(flat_phantom_folder / "CT")
    with stunnel.running(tmp_path, archive.dicom_port, *options) as port:
        address = f"ORTHANC@localhost:{port}"
        right = DimseSettings(authority=str(authority.file), certificate=str(own))
        with closing(ArchiveSource(DimseArchive(address, right), cache)) as source:
            (item,) = source.images()
            image = ready(source.image, item.id)
        np.testing.assert_array_equal(image.pixels, folder.image(item.id).pixels)
        other = Authority.make(tmp_path / "other")
        unnamed = DimseSettings(authority=str(authority.file))  # who we are is not said
        for wrong, words in (
            (unnamed, "refuses TLS: the server requires a certificate"),
            (DimseSettings(authority=str(other.file), certificate=str(own)), "is not trusted: .*"),
        ):
            with pytest.raises(SourceError, match=f"{words}.* --archive-c"):
                ArchiveSource(DimseArchive(address, wrong), cache)


@without_orthanc
def test_a_wrong_ae_title_is_named(archive, cache):
    evt = pytest.importorskip("pynetdicom").evt
    address = f"ANOTHER@localhost:{archive.dicom_port}"
    with pytest.raises(SourceError, match=r"refuses the association: .*it is called ANOTHER"):
        ArchiveSource(DimseArchive(address), cache)
    # Also if the connection is closed before the thread that has asked goes on.
    closed = threading.Event()
    handlers = [
        (evt.EVT_CONN_CLOSE, lambda _event: closed.set()),
        (evt.EVT_REQUESTED, lambda _event: closed.wait(PATIENCE)),
    ]
    peer = Peer(address, "ANOTHER", "localhost", archive.dicom_port, "IGTLMETA", PATIENCE)
    with (
        pytest.raises(SourceError, match="refuses the association: Called AE title not"),
        associated(peer, [find_model()], handlers=handlers),
    ):
        pass
