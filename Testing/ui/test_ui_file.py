"""What the file of the panel says to translators, and to those who hear it read aloud."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

FILE = Path(__file__).parents[2] / "IGTLMetaBrowser" / "Resources" / "UI" / "IGTLMetaBrowser.ui"


def test_the_names_of_parameters_are_not_translated() -> None:
    texts = ElementTree.parse(FILE).findall(".//property[@name='SlicerParameterName']/string")
    assert texts
    assert {text.get("notr") for text in texts} == {"true"}


@pytest.mark.parametrize("kind", ["QTableView", "QListWidget", "QSlider"])
def test_what_shows_no_text_that_tells_what_it_is_has_a_name(user, kind) -> None:
    widgets = [one for one in vars(user.ui).values() if one.inherits(kind)]
    assert widgets
    assert [one.objectName for one in widgets if not one.accessibleName] == []
