"""Python packages that Slicer does not bundle: installed when needed, if the user agrees."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys

import slicer
from slicer.i18n import tr as _

from ...optional_packages import is_installed, requirement


def isInstalled(module):
    """Return whether Slicer's Python has a module, and not an older one than is needed."""
    importlib.invalidate_caches()
    return is_installed(module)


def ensureInstalled(package, module, statusLine):
    """Return whether a package is there; ask the user to install it if not, and say if it fails."""
    if isInstalled(module):
        return True
    question = _(
        "This needs the Python package {package} from pypi.org. Install it into Slicer now?"
    )
    if slicer.util.confirmOkCancelDisplay(question.format(package=package)):
        statusLine.show(_("Installing {package} …"), package=package)
        try:
            slicer.util.pip_install(requirement(module))
        except (subprocess.CalledProcessError, RuntimeError, OSError) as error:
            text = _("{package} could not be installed: {error}.")
            statusLine.show(text, package=package, error=error)
            return False
    if not isInstalled(module):
        text = _("This needs the Python package {package}, which is not installed.")
        statusLine.show(text, package=package)
        return False
    return True


def pythonProgram():
    """Return the Python that can be started: in Slicer, sys.executable is Slicer itself."""
    # Slicer has its Python in the PATH of the application.
    return shutil.which("PythonSlicer") or sys.executable
