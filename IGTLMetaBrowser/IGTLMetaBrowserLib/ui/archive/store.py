"""What is made in the scene, stored in the archive that is browsed, by ``igtlmeta store``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ...browser.endpoints.command_process import CommandProcess
from ...metadata.providers.dicom_series import SERIES_UID
from ...scene.errors import SceneError
from ...system_errors import reason_of
from .label_store import LabelStore
from .plan_store import PlanStore
from .python_packages import ensureInstalled, pythonProgram

_POLL_MILLISECONDS = 100


class ArchiveStore:
    """Stores in the archive of ``gateway``, one document at a time.

    ``plans`` and ``labels`` make the documents.
    """

    def __init__(self, browser, gateway, localeTexts, statusLine):
        self._browser = browser
        self._gateway = gateway
        self._statusLine = statusLine
        self._process = None
        self._folder = None
        self._document = None
        self._timer = qt.QTimer()
        self._timer.timeout.connect(self._poll)
        self._texts = _texts()
        self.plans = PlanStore(browser, self, localeTexts)
        self.labels = LabelStore(browser, self)

    def close(self):
        """Wait for nothing any more; a document that is being stored is given up."""
        # In PythonQt, a timer and who it calls keep each other alive.
        self._timer.stop()
        self._timer.timeout.disconnect(self._poll)
        self._end()

    @property
    def isOffered(self):
        """Whether an archive is browsed, and nothing is being stored in it."""
        return self._gateway.address is not None and self._process is None

    @property
    def isStoring(self):
        """Whether a document is being stored."""
        return self._process is not None

    @property
    def archiveText(self):
        """The address of the archive."""
        return self._gateway.archive.text

    def store(self, makeDocument):
        """Store the ``DocumentToStore`` that ``makeDocument`` returns, if the user agrees.

        It may raise ``SceneError``, whose words are then shown.
        """
        if self.isStoring or not ensureInstalled("highdicom", "highdicom", self._statusLine):
            return
        try:
            document = makeDocument()
        except SceneError as error:
            self._statusLine.show("{error}.", error=error)
            return
        question = self._browser.patients.redact(f"{document.question} {self._texts['notice']}")
        if slicer.util.confirmOkCancelDisplay(question):
            self._start(document)

    def loadedImages(self):
        """Return the ids of the images that are loaded, by those of their nodes."""
        images = self._browser.images
        return {images.node(imageId).GetID(): imageId for imageId in images.loaded_ids()}

    def imageInViews(self):
        """Return the id of the image that is seen in the slice views, or an empty text."""
        widget = slicer.app.layoutManager().sliceWidget("Red")
        if widget is None:
            return ""
        shown = widget.sliceLogic().GetSliceCompositeNode().GetBackgroundVolumeID()
        return self.loadedImages().get(shown, "")

    def image(self, imageId):
        """Return the node of an image. Raises ``SceneError`` if it is not loaded."""
        node = self._browser.images.node(imageId) if imageId else None
        if node is None:
            raise SceneError(_("load and show the image first that it is for"))
        return node

    def seriesOf(self, imageId):
        """Return the SeriesInstanceUID of an image. Raises ``SceneError``."""
        series = self._browser.metadata.registry.get(SERIES_UID, imageId)
        if not series:
            raise SceneError(_("the archive has not said which series this image is of"))
        return series

    def _start(self, document):
        archive = self._gateway.archive
        self._folder = tempfile.TemporaryDirectory(prefix="igtlmetabrowser-")
        path = Path(self._folder.name) / document.fileName
        arguments = ["store", str(path), f"--series={document.series}", *archive.arguments()]
        if document.replaced:
            arguments.append(f"--replaces={document.replaced}")
        if document.segments:
            arguments.append(f"--segment={document.segments}")
        if document.isEmpty:
            arguments.append("--empty")
        try:
            document.write(path)
            self._process = CommandProcess(pythonProgram(), arguments, archive.secrets())
        except (OSError, ValueError) as error:  # a name that is no text, perhaps
            self._statusLine.show(self._texts["notStored"], words=reason_of(error))
            self._end()
            return
        self._document = document
        self._timer.start(_POLL_MILLISECONDS)
        self._statusLine.show(self._texts["storing"], name=archive.text)

    def _poll(self):
        self._process.poll()
        if self._process.exit_code is None:
            return
        self._timer.stop()
        document, text = self._document, self._texts["notStored"]
        if self._process.exit_code == 0:
            uid, segments, *_ = [*self._process.output.split(), "", ""]
            document.onStored(uid, segments)
            text = document.stored
        self._statusLine.showResult(text, words=self._process.words)
        self._end()

    def _end(self):
        if self._process is not None:
            self._process.kill()
            self._process = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def _texts():
    return {
        "notice": _("What is stored there cannot be taken back from here."),
        "storing": _("Storing in {name} …"),
        "notStored": _("It was not stored: {words}."),
    }
