"""Two Orthancs on one database, two gateways, and haproxy: clients do not notice who fails."""

from __future__ import annotations

import pytest

import pacs_cluster
from helpers import cluster


@pytest.mark.skipif(not cluster.is_installed(), reason=f"no cluster: {cluster.INSTALL}")
def test_an_orthanc_and_a_gateway_that_are_killed_in_a_fetch(tmp_path, capsys):
    """The demo, with smaller series: it compares all voxels with those of the files."""
    pacs_cluster.run(tmp_path, slices=60)
    said = capsys.readouterr().out
    assert said.count("of it after the kill") == 2
    assert said.endswith("All images were right.\n")
