"""``igtlmeta fetch`` of a large image over a connection that is lost."""

from __future__ import annotations

from pathlib import Path

import nrrd
import numpy as np

from cli.command import igtlmeta
from helpers.peers import ImagesInMemory, ServerInThread, make_image
from helpers.shaped_link import ShapedLink

LARGE = (512, 512, 65)  # 34 MB


class Unchanging(ImagesInMemory):
    """Tells that its images stay as they are, so that the server packs them once."""

    def image_version(self, image_id: str) -> int:
        """Return the same each time."""
        return 1

    def metadata(self, image_id: str) -> dict[str, str]:
        """Return what the file says of the image, too."""
        return {"Modality": "CT"}


def test_it_goes_on_where_it_stopped(tmp_path: Path):
    image = make_image(1, LARGE)
    # Of noise nothing can be compressed, however busy the machine is.
    data = np.random.default_rng(1).bytes(image.pixels.nbytes)
    image.pixels = np.frombuffer(data, np.uint16).reshape(image.pixels.shape)
    image.metadata = {"Modality": "CT"}
    source = Unchanging({"A": image})
    with ServerInThread(source) as server, ShapedLink(server.port, cut_after=[19 << 20]) as link:
        result = igtlmeta("fetch", f"127.0.0.1:{link.port}", "A", "-o", tmp_path)
        assert link.connection_count == 2
    assert result.returncode == 0
    assert "going on where it stopped" in result.stderr
    voxels, header = nrrd.read(str(tmp_path / "A.nrrd"))
    assert np.array_equal(voxels, image.pixels.T)
    assert header["Modality"] == "CT"
    assert source.asked_for == ["A"]
