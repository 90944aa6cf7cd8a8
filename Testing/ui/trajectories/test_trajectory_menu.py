"""Trajectories: their context menu, a double click, the labels."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.plans import line


def labeled(planner, name: str) -> bool:
    display = planner.node(name).GetDisplayNode()
    return bool(display.GetPropertiesLabelVisibility() or display.GetPointLabelsVisibility())


def menu_of(planner, name: str):
    planner.select(name)
    menu = planner.user.panel.trajectories.menu
    planner.view.customContextMenuRequested.emit(planner.view.rect.center())
    planner.user.wait_for(lambda: menu.menu.visible, "the menu")
    return menu


def choose(menu, action) -> None:
    assert action.enabled
    QTest.mouseClick(
        menu.menu, Qt.LeftButton, Qt.NoModifier, menu.menu.actionGeometry(action).center()
    )


def slices_at(slicer) -> list[tuple[float, ...]]:
    nodes = slicer.util.getNodesByClass("vtkMRMLSliceNode")
    return [tuple(node.GetSliceToRAS().GetElement(row, 3) for row in range(3)) for node in nodes]


def test_hide_and_show(plan):
    planner = plan(line("1"), line("2"))
    menu = menu_of(planner, "2")
    choose(menu, menu.hide)
    assert not planner.is_seen("2")
    menu = menu_of(planner, "2")
    choose(menu, menu.show)
    assert planner.is_seen("2")


def test_jump_to_target_and_to_the_entry_point(plan, slicer_host):
    slice_node = slicer_host.mrmlScene.AddNewNodeByClass("vtkMRMLSliceNode", "Red")
    planner = plan(line("1"), line("2"))
    entry, target = (
        tuple(planner.node("2").GetNthControlPointPositionWorld(index)) for index in (0, 1)
    )
    menu = menu_of(planner, "2")
    choose(menu, menu.jumpToEntry)
    assert slices_at(slicer_host) == [entry]
    menu = menu_of(planner, "2")
    choose(menu, menu.jumpToTarget)
    assert slices_at(slicer_host) == [target]
    slicer_host.mrmlScene.RemoveNode(slice_node)


def test_a_double_click_jumps_to_the_target(plan, slicer_host):
    slice_node = slicer_host.mrmlScene.AddNewNodeByClass("vtkMRMLSliceNode", "Red")
    planner = plan(line("1"), line("2"))
    planner.select("2")
    target = tuple(planner.node("2").GetNthControlPointPositionWorld(1))
    slice_node.JumpSliceByCentering(90, 90, 90)
    index = planner.model.index(1, 1)
    point = planner.view.visualRect(index).center()
    QTest.mouseDClick(planner.view.viewport(), Qt.LeftButton, Qt.NoModifier, point)
    assert slices_at(slicer_host) == [target]
    slicer_host.mrmlScene.RemoveNode(slice_node)


def test_only_the_selected_one_has_a_label_unless_all_are_wanted(plan):
    planner = plan(line("1"), line("2"))
    planner.select("2")
    assert [labeled(planner, name) for name in "12"] == [False, True]
    planner.tick(planner.ui.allLabelsCheckBox)
    planner.user.wait_for(lambda: labeled(planner, "1"), "all labels")
    planner.tick(planner.ui.allLabelsCheckBox)
    planner.user.wait_for(lambda: not labeled(planner, "1"), "one label")
    assert labeled(planner, "2")


def test_copy_copies_the_rows_with_the_columns_that_are_shown(plan):
    planner = plan(line("1"), line("2"))
    menu = menu_of(planner, "2")
    choose(menu, menu.copy)
    (row,) = QApplication.clipboard().text().split("\n")
    assert "2" in row.split("\t")
    assert row.count("\t") == len(planner.user.panel.trajectories.columns.shown()) - 1
