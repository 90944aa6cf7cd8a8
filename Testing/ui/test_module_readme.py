"""The examples for scripts of README and docs, run as they stand there, against the demo."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import slicer

from helpers.peers import ServerInThread
from IGTLMetaBrowserLib import net
from IGTLMetaBrowserLib.browser import events
from IGTLMetaBrowserLib.sources.demo import DemoSource
from slicerhost import wait_until

TOP = Path(__file__).parents[2]
README, SCRIPTING = TOP / "README.md", TOP / "docs" / "SCRIPTING.md"


def blocks(page: Path = SCRIPTING) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def table_cells() -> list[str]:
    """Return the examples of calls."""
    text = SCRIPTING.read_text(encoding="utf-8")
    return re.findall(r"(?m)\| `([^`|]*logic[^`|]+)` \|$", text)


@pytest.fixture
def run(user, slicer_host):
    """Runs code in one namespace; every server that it names is the demo."""
    import IGTLMetaBrowser

    demo = IGTLMetaBrowser.IGTLMetaBrowserLogic()
    address = demo.startDemo()
    names: dict[str, object] = {}

    def run_code(code: str) -> None:
        exec(re.sub(r'"[a-z-]+", 1894\d', f'"{address[0]}", {address[1]}', code), names)

    run_code.names = names
    yield run_code
    for logic in names.values():
        if isinstance(logic, IGTLMetaBrowser.IGTLMetaBrowserLogic):
            logic.close()
    demo.close()


def test_the_first_example(run, capsys):
    run(blocks(README)[0])
    assert "DEMO_CT CT head CT (256, 256, 128)" in capsys.readouterr().out
    assert run.names["volumeNode"].GetName() == "CT head"
    assert len(run.names["lineNodes"]) == 7
    assert not run.names["logic"].browser.connection.has_server


def test_the_example_outside_slicer(capsys):
    with ServerInThread(DemoSource()) as server:
        exec(blocks(README)[1].replace("18944", str(server.port)), {})
    printed = capsys.readouterr().out
    assert "DEMO_CT CT head CT (256, 256, 128)" in printed
    assert "(128, 256, 256)" in printed


def test_the_examples_of_a_client_and_a_server(capsys):
    client, server = blocks()[2:]
    with ServerInThread(DemoSource()) as demo:
        exec(client.replace("18944", str(demo.port)), {})
    printed = capsys.readouterr().out
    assert "(128, 256, 256)" in printed
    assert "Tumor biopsy" in printed
    assert "(32, 64, 64)" in printed

    names = {}
    exec(server.replace("18946", "0").replace("server.serve_forever()", "pass"), names)
    with ServerInThread(names["OneImage"]()) as cube, net.Client("127.0.0.1", cube.port) as client:
        assert [entry.name for entry in client.list_images()] == ["A cube"]
        assert client.get_image("CUBE").pixels.shape == (8, 8, 8)


def test_the_example_of_events(run, capsys):
    run("from IGTLMetaBrowser import IGTLMetaBrowserLogic\nlogic = IGTLMetaBrowserLogic()")
    run("logic.connectToServer(*logic.startDemo())")
    code, rest = blocks()[0].split("...\n")
    run(code)
    browser = run.names["logic"].browser
    wait_until(lambda: browser.images.node("DEMO_MR") is not None, 20, "both images")
    run(rest)
    assert "DEMO_CT is DEMO_CT" in capsys.readouterr().out  # without a list, the id is the name


def test_the_example_of_several_connections(run, slot_errors):
    run("from IGTLMetaBrowser import IGTLMetaBrowserLogic")
    run("from IGTLMetaBrowserLib.browser import events")
    run(blocks()[1])
    scanner, planning = run.names["scanner"], run.names["planning"]
    assert len(planning.loadTrajectories()) == 7
    # The demo has no such image, which says that it was asked for.
    assert (
        "There is no image with the ID 'IMAGE_0'"
        in scanner.browser.images.states.of("IMAGE_0").reason
    )
    assert "IMAGE_0" in str(slot_errors.pop())


def test_each_line_of_the_table_of_calls(run, capsys):
    run("from IGTLMetaBrowser import IGTLMetaBrowserLogic\nlogic = IGTLMetaBrowserLogic()")
    cells = table_cells()
    assert len(cells) == 16
    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "R")
    roi.SetSize(40, 40, 40)
    run.names["slicer"] = slicer
    for cell in cells:
        run(cell)
    assert "Tumor biopsy" in capsys.readouterr().out  # loadTrajectories
    assert run.names["volumeNode"].GetName() == "PET head FDG"  # the newest


def test_every_event_of_the_table_has_what_it_says():
    text = SCRIPTING.read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| `([A-Z]\w+)` \|.*\| (.*) \|$", text)
    assert len(rows) == 11
    for name, words in rows:
        has = [field.name for field in dataclasses.fields(getattr(events, name))]
        assert re.findall(r"`(\w+)`", words) == has, name
