"""``ConnectionSettings.coordinates`` counts for scripts that use a client alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from helpers.peers import TRAJECTORY, ImagesInMemory, ServerInThread, make_image
from IGTLMetaBrowserLib import codec


@pytest.mark.parametrize("coordinates", [None, *codec.Coordinates])
def test_the_coordinates_of_the_settings_overrule_those_of_the_messages(
    coordinates: codec.Coordinates | None,
):
    image = replace(make_image(1), matrix=np.array([[1, 0, 0, 10], [0, 1, 0, 20], [0, 0, 1, 30.0]]))
    source = ImagesInMemory({"A": image}, [TRAJECTORY])  # both RAS
    with ServerInThread(source) as server, server.client(coordinates=coordinates) as client:
        came = client.get_image("A")
        (trajectory,) = client.get_trajectories()
    is_lps = coordinates is codec.Coordinates.LPS
    sign = np.diag([-1, -1, 1, 1]) if is_lps else np.eye(4)
    assert np.allclose(came.ijk_to_ras(), sign @ image.ijk_to_ras())
    assert np.allclose(trajectory.entry, (sign @ [*TRAJECTORY.entry, 1])[:3])
    assert np.allclose(trajectory.target, (sign @ [*TRAJECTORY.target, 1])[:3])
