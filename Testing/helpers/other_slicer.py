"""Another Slicer, the stand-in in a process of its own, for the exchange between two.

Who starts it, a test or a step in a real Slicer, keeps its event loop running: commands and answers
are files in a folder, one each, for both sides to look for whenever they like.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TESTING = Path(__file__).resolve().parents[1]
MODULE = TESTING.parent / "IGTLMetaBrowser" / "IGTLMetaBrowser.py"
PATIENCE_SECONDS = 60
# What a real Slicer sets for itself, and what is not for another Python and another Qt.
_NOT_INHERITED = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "QT_PLUGIN_PATH", "DISPLAY")


class OtherSlicer:
    """The process; ``answer`` is what it replied to the last ``ask``, or None until then.

    Its first answer comes unasked: the files of certificates for both, see ``_certificates``.
    """

    def __init__(self, python: str | Path, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        settings = {key: value for key, value in os.environ.items() if key not in _NOT_INHERITED}
        self._process = subprocess.Popen(
            [str(python), __file__, str(folder)], env={**settings, "QT_QPA_PLATFORM": "offscreen"}
        )

    def ask(self, command: str, **arguments: Any) -> None:
        """Have a method of ``_Commands`` called."""
        self._number += 1
        _write(_command_file(self._folder, self._number), [command, arguments])

    @property
    def answer(self) -> Any:
        """Raises RuntimeError if the process has ended."""
        file = _answer_file(self._folder, self._number)
        if file.exists():
            return json.loads(file.read_text(encoding="utf-8"))
        if self._process.poll() is not None:
            raise RuntimeError(f"the other Slicer has ended with {self._process.returncode}")
        return None

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def _command_file(folder: Path, number: int) -> Path:
    return folder / f"{number}.command.json"


def _answer_file(folder: Path, number: int) -> Path:
    return folder / f"{number}.answer.json"


def _write(file: Path, value: Any) -> None:
    """Write a file that appears at once as a whole."""
    file.with_suffix(".part").write_text(json.dumps(value), encoding="utf-8")
    file.with_suffix(".part").rename(file)


# What runs in the other process -----------------------------------------------------------------


class _Commands:
    """What the other Slicer does; each returns its answer."""

    def __init__(self, folder: Path, module: Any) -> None:
        self._folder = folder
        self._module = module
        self._logic = module.widget.logic

    def fetch(self, port: int) -> dict[str, Any]:
        """Load all images and trajectories of the one who serves there, with TLS; and no others."""
        import slicer

        from helpers.scene_contents import contents
        from IGTLMetaBrowserLib import net

        slicer.mrmlScene.Clear(0)
        tls = net.ClientTLS(self._folder / "authority.pem", self._folder / "other.pem")
        self._logic.connectToServer("127.0.0.1", port, tls=tls)
        for entry in self._logic.listImages():
            self._logic.loadImage(entry.id)
        self._logic.loadTrajectories()
        return contents()

    def push(self, line: dict[str, Any]) -> dict[str, Any]:
        """Send a line, and return how it comes back."""
        import slicerhost
        from helpers.scene_contents import draw_line

        node = draw_line(**line)
        self._logic.browser.trajectories.send([node])
        found: list[Any] = []

        def is_back() -> bool:
            self._logic.loadTrajectories()
            items = [one.item for one in self._logic.browser.trajectories.markups.trajectories]
            found[:] = [item for item in items if item.name == line["name"]]
            return bool(found)

        slicerhost.wait_until(is_back, PATIENCE_SECONDS, "the line on its way back")
        item = found[0]
        keys = ("group", "owner", "diameter", "rgba", "entry", "target")
        return {key: getattr(item, key) for key in keys}

    def share(self, port: int) -> dict[str, Any]:
        """Leave the other's server; show a volume and a line, and share them with TLS."""
        import numpy as np
        import slicer

        from helpers.scene_contents import contents, draw_line

        self._logic.disconnectFromServer()
        slicer.mrmlScene.Clear(0)
        voxels = np.arange(40 * 50 * 60, dtype=np.int16).reshape(40, 50, 60)
        volume = slicer.util.addVolumeFromArray(voxels, name="Knee")
        volume.SetSpacing(0.5, 0.75, 1.25)
        volume.SetOrigin(-20, 10, 5)
        points = [(0.0, 20.0, 30.0), (5.0, -2.5, 12.25)]
        draw_line("Screw", points, 4.5, (20, 200, 120, 255), "Knee plan")
        ui = self._module.widget.ui
        ui.shareCollapsibleButton.collapsed = False
        ui.servePortSpinBox.value = port
        ui.shareCertificatePathLineEdit.currentPath = str(self._folder / "other.pem")
        ui.shareClientAuthorityPathLineEdit.currentPath = str(self._folder / "authority.pem")
        ui.serveButton.click()
        return contents()

    def contents(self, line: str) -> dict[str, Any]:
        """Return what is in the scene once a line of this name is."""
        import slicer

        import slicerhost
        from helpers.scene_contents import contents

        condition = lambda: slicer.mrmlScene.GetFirstNodeByName(line) is not None  # noqa: E731
        slicerhost.wait_until(condition, PATIENCE_SECONDS, f"the line {line}")
        return contents()

    def screenshot(self, file: str) -> bool:
        """Write a picture of the panel."""
        import slicerhost

        slicerhost.screenshot(self._module.window, file)
        return True


def _certificates(folder: Path) -> dict[str, str]:
    """Make an authority, and certificates of it for both."""
    from helpers.certificates import Authority

    authority = Authority.make(folder)
    for name in ("other", "own"):
        authority.issue("127.0.0.1", common_name=name).rename(folder / f"{name}.pem")
    return {"authority": str(authority.file), "own": str(folder / "own.pem")}


def main(folder: Path) -> None:
    """Do what is asked for, until nothing is for a while or the one who asks ends this."""
    sys.path[:0] = [str(TESTING), str(MODULE.parent)]
    import slicerhost

    slicerhost.start()
    module = slicerhost.load_module(MODULE)
    module.show(1100, 900)
    commands = _Commands(folder, module)
    _write(_answer_file(folder, 0), _certificates(folder))
    for number in range(1, 1000):
        file = _command_file(folder, number)
        slicerhost.wait_until(file.exists, PATIENCE_SECONDS, "a command")
        command, arguments = json.loads(file.read_text(encoding="utf-8"))
        _write(_answer_file(folder, number), getattr(commands, command)(**arguments))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
