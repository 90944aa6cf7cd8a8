"""A list to which live images are added: the same as one made anew, but for the work."""

from __future__ import annotations

import random

import numpy as np
import pytest

from helpers.long_lists import count_prepared_rows, make_long_list
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.lists.image_groups import ImageGroups
from IGTLMetaBrowserLib.browser.lists.image_list import ImageList
from IGTLMetaBrowserLib.browser.lists.image_search import ImageSearch
from IGTLMetaBrowserLib.codec import text_rows
from IGTLMetaBrowserLib.privacy.hidden_patients import HiddenPatients
from IGTLMetaBrowserLib.turns import at_once

FIELDS = ("name", "modality", "patient_name", "patient_id", "id", "scan_time", "size", None)
TEXTS = ("", "head", "probe", "müller", "1", "live ct", "no such text")
# Of 300 images all names and ids differ; the patients repeat. The last two have ids of the list.
LISTED = make_long_list(300)
LIVE = [
    codec.ImageMetaItem("Head T1 7", "probe 2", "US", "Müller^Anna 5", "P5"),
    codec.ImageMetaItem("HEAD t1 007", "probe 10", "OT", "Nobody^New", "P10000"),
    codec.ImageMetaItem("", "Ünïcode", "", "", "", size=(512, 512, 20)),
    codec.ImageMetaItem("zzz 3", "image_00000001", "CT", "Aaron", "", codec.Timestamp(3 << 32)),
    codec.ImageMetaItem("aaa", "probe 2", "US"),
    codec.ImageMetaItem("listed", "IMAGE_00000017", "XX"),
    codec.ImageMetaItem("listed", "IMAGE_00000299", "XX"),
]


def known(images: ImageList) -> list[object]:
    """What can be seen of a list: its rows filtered, sorted and in groups."""
    seen: list[object] = [images.modalities, images.are_loadable.tolist(), len(images)]
    seen += [images.has_one_value(field) for field in FIELDS[:-1]]
    seen += [images.entry(row) for row in range(280, len(images))]
    seen += [images.rows_of(["probe 2", "Ünïcode", "IMAGE_00000017", "nobody"]).tolist()]
    seen += [images.count_bytes(np.arange(len(images)), images.rows[:2])]
    for text in TEXTS:
        images.filter(text, ["US", "CT"] if text == "head" else ())
        for field in FIELDS:
            for descending in (False, True):
                images.sort(field, descending)
                seen.append(images.rows.tolist())
    images.filter(search=ImageSearch(patient="Anna", modality="us"))
    seen.append(images.rows.tolist())
    images.filter()
    groups = at_once(ImageGroups.of(images))
    grouped = at_once(groups.arrange(images.rows, are_open=True))
    return [*seen, grouped.shown.tolist(), [groups.group(one) for one in range(groups.total)]]


@pytest.mark.parametrize("are_hidden", [False, True])
@pytest.mark.parametrize("listed", [LISTED, make_long_list(0), make_long_list(8000)])
def test_live_images_that_come_and_go_are_shown_as_in_a_list_made_anew(listed, are_hidden):
    patients, others = HiddenPatients(), HiddenPatients()
    patients.hide(are_hidden)
    others.hide(are_hidden)
    images = ImageList(listed, patients=patients)
    dice = random.Random(1)
    for _ in range(3 if len(listed) < 1000 else 1):
        live = dice.sample(LIVE, dice.randrange(len(LIVE) + 1))
        before, images = images, ImageList(listed, live, patients, before=images)
        anew = ImageList(listed, live, others)
        assert known(images) == known(anew)
        rows = np.arange(len(before))
        assert images.rows_of_list(before, rows).tolist() == [
            -1 if (row := images.row(image_id)) is None else row
            for image_id in before.image_ids(rows)
        ]
        assert images.count_changes(before) == (0, 0)


def test_nothing_is_made_again_of_the_images_that_are_listed(monkeypatch):
    patients = HiddenPatients()
    patients.hide()
    listed = make_long_list(3000)
    images = ImageList(listed, patients=patients)
    while images.prepare(1.0):
        pass
    known(images)
    counts = count_prepared_rows(monkeypatch)
    live = [codec.ImageMetaItem("Head T1 7", f"probe {number}") for number in range(5)]
    for number in range(1, 6):
        images = ImageList(listed, live[:number], patients, before=images)
        known(images)
    assert 0 < max(counts) <= 5


def test_who_becomes_known_by_a_live_image_is_hidden_in_the_list_as_well():
    patients = HiddenPatients()
    patients.hide()
    table = codec.unpack(
        codec.pack(codec.ImageMetaMessage(items=[codec.ImageMetaItem("Scan of Zoë", "a")]))
    ).items
    images = ImageList(table, patients=patients)
    assert images.entry(0).name == "Scan of Zoë"
    live = [codec.ImageMetaItem("Probe", "b", patient_name="Zoë^Zeta")]
    images = ImageList(table, live, patients, before=images)
    assert [images.entry(row).name for row in range(2)] == ["Scan of (hidden)", "Probe"]
    images.filter("zoe")
    assert images.rows.tolist() == []


def test_what_comes_is_ranked_among_the_others_in_turns(monkeypatch: pytest.MonkeyPatch):
    """Of a million names it was a step of 0.1 s each time."""
    images = ImageList(LISTED)
    images.sort("name")
    monkeypatch.setattr(text_rows, "_ROWS_A_TURN", 30)
    column = ImageList(LISTED, LIVE, before=images).column("name")
    assert sum(1 for _ in column.prepare_ranks()) > len(LISTED) / 30
