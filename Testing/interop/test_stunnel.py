"""TLS with a peer that is not ours: stunnel, before the C++ library's programs and our own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from helpers.certificates import Authority
from helpers.peers import ImagesInMemory, ServerInThread, make_image
from IGTLMetaBrowserLib import net
from interop import reference_library, stunnel
from interop.reference_library import BuildExample

pytestmark = pytest.mark.skipif(stunnel.PROGRAM is None, reason=stunnel.WHY_MISSING)


@pytest.fixture
def before_database(database_port: int, authority: Authority, tmp_path: Path) -> Iterator[int]:
    """The C++ ImageDatabaseServer behind stunnel, which wants clients' certificates."""
    certificate = authority.issue("127.0.0.1")
    options = (f"cert = {certificate}", f"CAfile = {authority.file}", "verifyChain = yes")
    with stunnel.running(tmp_path, database_port, *options) as port:
        yield port


def test_our_client_fetches_from_the_cpp_server(before_database: int, authority: Authority):
    tls = net.ClientTLS(authority.file, authority.issue("browser.example"))
    with net.Client("127.0.0.1", before_database, tls=tls) as client:
        assert [item.id for item in client.list_images()][:1] == ["IMAGE_0"]
        pixels = client.get_image("IMAGE_0").pixels
    assert pixels.tobytes() == reference_library.raw_image(2)


def test_our_client_without_a_certificate_is_told(before_database: int, authority: Authority):
    tls = net.ClientTLS(authority.file)
    with (
        net.Client("127.0.0.1", before_database, tls=tls) as client,
        pytest.raises(net.NetworkError, match="the server requires a certificate from clients"),
    ):
        client.list_images()


@pytest.fixture
def our_server(authority: Authority) -> Iterator[ServerInThread]:
    """Our server, which wants clients' certificates."""
    source = ImagesInMemory({"A": make_image(5), "LARGE": make_image(3, (128, 128, 64))})
    tls = net.ServerTLS(authority.issue("127.0.0.1"), client_authority=authority.file)
    with ServerInThread(source, tls=tls.make_context()) as server:
        yield server


@pytest.fixture
def plain_port(our_server: ServerInThread, authority: Authority, tmp_path: Path) -> Iterator[int]:
    """Where programs without TLS reach our server, through stunnel."""
    options = (
        "client = yes",
        f"cert = {authority.issue('old.example')}",
        f"CAfile = {authority.file}",
        "verifyChain = yes",
        "checkIP = 127.0.0.1",
    )
    with stunnel.running(tmp_path, our_server.port, *options) as port:
        yield port


def test_the_cpp_client_lists_our_images(
    build_example: BuildExample, plain_port: int, our_server: ServerInThread
):
    program = build_example("ImageMeta/ImageMetaClient")
    with subprocess.Popen(
        [program, "127.0.0.1", str(plain_port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "LARGE" in line:
                break
        process.kill()
    assert any("LARGE" in line for line in lines)


def test_large_images_pass_whole(plain_port: int):
    with net.Client("127.0.0.1", plain_port) as client:
        expected = make_image(3, (128, 128, 64)).pixels
        assert np.array_equal(client.get_image("LARGE").pixels, expected)
