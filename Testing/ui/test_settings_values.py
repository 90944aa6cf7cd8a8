"""The user's settings, into which other programs, other versions and accidents write, too."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QMenu

from ui.conftest import MODULE

KEYS = [
    "EndpointHistory",
    "Servers/localhost:18944",
    "Archives",
    "ArchiveUser",
    "ArchiveAet",
    "ShareCertificate",
    "ShareKey",
    "ShareClientAuthority",
    "ShareNetworks",
    "HidePatients",
    "GroupByPatient",
    "Columns/Images",
    "Columns/Trajectories",
    "ColumnWidths/Images",
    "ColumnWidths/Trajectories",
    "CollapsedSections/serverCollapsibleButton",
]
WRONG = {
    "a number": 7,
    "a list": ["theatre:1", 7, None, ["x"]],
    "a map": {"name": 1},
    "bytes": QByteArray(b"\xff\xfe"),
    "widths without end": "name:99999999999 id:² size:" + "9" * 5000,
    "a long text": "🫀\u202e" * 50_000,
}


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_the_panel_opens_whatever_is_in_the_settings(slicer_host, load_slicer_module, value):
    for key in KEYS:
        slicer_host.app.settings().setValue(f"IGTLMetaBrowser/{key}", value)
    module = load_slicer_module(MODULE)
    module.show(1100, 600)
    ui, panel = module.widget.ui, module.widget.panel
    ui.archiveButton.click()
    panel.archive.dialog.close()
    ui.historyButton.findChild(QMenu).aboutToShow.emit()
    assert ui.connectButton.enabled
    assert ui.imageTableView.columnWidth(1) < 10_000


def test_of_a_list_with_something_else_in_it_the_servers_are_offered(slicer_host, user):
    key = "IGTLMetaBrowser/EndpointHistory"
    slicer_host.app.settings().setValue(key, [7, "theatre:1", None, "no address"])
    menu = user.ui.historyButton.findChild(QMenu)
    menu.aboutToShow.emit()
    assert next(action.text for action in menu.actions()) == "theatre:1"
