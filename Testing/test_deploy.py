"""The systemd unit and the container file: their options exist, and the sandbox is closed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cli.command import igtlmeta

DEPLOY = Path(__file__).parents[1] / "deploy"
UNIT, CONTAINER = DEPLOY / "igtlmeta.service", DEPLOY / "Containerfile"


@pytest.mark.parametrize("file", [UNIT, CONTAINER], ids=lambda file: file.name)
def test_the_options_of_the_command_exist(file: Path) -> None:
    known = {*re.findall(r"--[a-z-]+", igtlmeta("serve", "--help").stdout)}
    text = "\n".join(line for line in file.read_text().splitlines() if line[:1] != "#")
    parts = {
        UNIT: r"^ExecStart=(.*?)^ExecReload",
        CONTAINER: r"^ENTRYPOINT(.*)",
    }
    command = re.search(parts[file], text, re.DOTALL | re.MULTILINE)[1]
    used = {*re.findall(r"--[a-z-]+", command)}
    # Without a home, nor a cache in it, all images would be read again at each start.
    assert {"--tls-cert", "--tls-client-ca", "--allow-remote", "--index"} <= used
    assert used <= known


def test_the_sandbox_is_closed() -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed; on Debian and Ubuntu: sudo apt-get install systemd")
    # The exposure in tenths: 0 is the best, 15 still "OK", most services have over 90.
    command = [program, "security", "--offline=yes", "--threshold=15", UNIT]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-500:]
