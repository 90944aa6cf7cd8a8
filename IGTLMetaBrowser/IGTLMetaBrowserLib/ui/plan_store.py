"""Trajectories stored in the archive that is browsed, as a Comprehensive 3D SR."""

from __future__ import annotations

import tempfile
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..browser.command_process import CommandProcess
from ..metadata.providers.dicom_series import SERIES_UID
from ..scene.errors import SceneError
from ..scene.outgoing_markups import trajectory_item
from ..scene.trajectory_markups import OWNER_ATTRIBUTE
from ..sources.trajectory_file import write_trajectories
from .python_packages import ensureInstalled, pythonProgram

_POLL_MILLISECONDS = 100


class PlanStore:
    """Runs ``igtlmeta store`` for the archive of ``gateway``, one plan at a time."""

    def __init__(self, browser, gateway, statusLine):
        self._browser = browser
        self._gateway = gateway
        self._statusLine = statusLine
        self._process = None
        self._folder = None
        self._count = 0
        self._timer = qt.QTimer()
        self._timer.timeout.connect(self._poll)
        self._texts = _texts()

    def close(self):
        """Wait for nothing any more; a plan that is being stored is given up."""
        # In PythonQt, a timer and who it calls keep each other alive.
        self._timer.stop()
        self._timer.timeout.disconnect(self._poll)
        self._end()

    @property
    def isOffered(self):
        """Whether an archive is browsed, and nothing is being stored in it."""
        return self._gateway.address is not None and self._process is None

    def store(self, nodes):
        """Store trajectories of one image, if the user agrees."""
        try:
            imageId = self._imageOf(nodes)
            image = self._browser.images.node(imageId)
            items = [trajectory_item(node, image, owner="") for node in nodes]
            series = self._seriesOf(imageId)
        except SceneError as error:
            self._statusLine.show("{error}.", error=error)
            return
        archive = self._gateway.archive
        question = self._texts["question"].format(
            count=len(items), archive=archive.text, image=image.GetName()
        )
        if not ensureInstalled("highdicom", "highdicom", self._statusLine):
            return
        if slicer.util.confirmOkCancelDisplay(question):
            self._start(items, series, archive)

    def _start(self, items, series, archive):
        self._folder = tempfile.TemporaryDirectory(prefix="igtlmetabrowser-")
        plan = Path(self._folder.name) / "plan.json"
        arguments = ["store", str(plan), f"--series={series}", *archive.arguments()]
        try:
            write_trajectories(plan, items)
            self._process = CommandProcess(pythonProgram(), arguments, archive.secrets())
        except OSError as error:
            self._statusLine.show(self._texts["notStored"], words=error.strerror or error)
            self._end()
            return
        self._count = len(items)
        self._timer.start(_POLL_MILLISECONDS)
        self._statusLine.show(self._texts["storing"], name=archive.text)

    def _poll(self):
        self._process.poll()
        if self._process.exit_code is None:
            return
        self._timer.stop()
        text = self._texts["stored" if self._process.exit_code == 0 else "notStored"]
        self._statusLine.showResult(text, count=self._count, words=self._process.words)
        self._end()

    def _end(self):
        if self._process is not None:
            self._process.kill()
            self._process = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _imageOf(self, nodes):
        """Return the id of the image of a plan: that it came with, or else the one that is seen."""
        owners = {node.GetAttribute(OWNER_ATTRIBUTE) or "" for node in nodes} - {""}
        if len(owners) > 1:
            raise SceneError(_("these trajectories are of several images; store those of one"))
        imageId = owners.pop() if owners else self._imageInViews()
        if not imageId or self._browser.images.node(imageId) is None:
            raise SceneError(_("load and show the image first that the plan is for"))
        return imageId

    def _imageInViews(self):
        composite = slicer.app.layoutManager().sliceWidget("Red")
        if composite is None:
            return ""
        shown = composite.sliceLogic().GetSliceCompositeNode().GetBackgroundVolumeID()
        images = self._browser.images
        loaded = ((imageId, images.node(imageId)) for imageId in images.loaded_ids())
        return next((imageId for imageId, node in loaded if node.GetID() == shown), "")

    def _seriesOf(self, imageId):
        series = self._browser.metadata.registry.get(SERIES_UID, imageId)
        if not series:
            raise SceneError(_("the archive has not said which series this image is of"))
        return series


def _texts():
    return {
        "question": _(
            "Store {count} trajectories in {archive}, in the study of {image}? "
            "What is stored there cannot be taken back from here."
        ),
        "storing": _("Storing the plan in {name} …"),
        "stored": _("Trajectories: {count} {words}."),
        "notStored": _("The plan was not stored: {words}."),
    }
