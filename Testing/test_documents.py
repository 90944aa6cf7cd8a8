"""What README and CONTRIBUTING name is there: files, folders, and names in the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
LIB = TOP / "IGTLMetaBrowser" / "IGTLMetaBrowserLib"
PAGES = sorted(f"docs/{path.name}" for path in (TOP / "docs").glob("*.md"))
DOCUMENTS = ("CONTRIBUTING.md", "README.md", "SECURITY.md", *PAGES)
# Paths in a document are relative to one of these.
ROOTS = (TOP, LIB.parent, LIB, TOP / "Testing")
# What the commands write.
OUTPUT = {"demo-output/", "slicer-output/"}

CODE = re.compile(r"`([^`\n]+)`")
# A file, or a folder with a slash behind it. Not what stands in the place of a name: <type>.py.
FILE = re.compile(r"(?<![\w/<>.-])([\w.-]+/)*[\w-]+\.(py|md|json|ui|txt|toml)(?![\w/])")
FOLDER = re.compile(r"(?<![\w/<>.-])([\w.-]+/)+$")
# What stands for a file of the user: FILE.csv.
ARGUMENT = re.compile(r"(.*/)?[A-Z]+\.(mrk\.)?(csv|json|parquet)")
LINK = re.compile(r"\]\(([^)#:]*)(#[^)]+)?\)")
NAME = re.compile(r"[A-Z][a-z]+([A-Z][a-z]+)+|[a-z]+(_[a-z]+)+")


def code_of(document: str) -> list[str]:
    """Return what stands between backticks, outside of blocks of code."""
    text = re.sub(r"(?ms)^```.*?^```", "", (TOP / document).read_text())
    return CODE.findall(text)


def is_there(path: str) -> bool:
    return any((root / path).exists() for root in ROOTS)


def sections_of(page: Path) -> list[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.+)", page.read_text())
    return ["#" + re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in headings]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_and_folders_are_there(document: str) -> None:
    found = {
        match[0]
        for code in code_of(document)
        for pattern in (FILE, FOLDER)
        for match in pattern.finditer(code)
    }
    paths = {path for path in found - OUTPUT if not ARGUMENT.fullmatch(path)}
    assert [path for path in sorted(paths) if not is_there(path)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    page = TOP / document
    for path, section in LINK.findall(page.read_text()):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not section or section in sections_of(target), path + section


def test_the_names_in_the_recipes_are_names_in_the_code() -> None:
    sources = "\n".join(path.read_text() for path in [*LIB.rglob("*.py"), *LIB.parent.glob("*.py")])
    names = {code for code in code_of("CONTRIBUTING.md") if NAME.fullmatch(code)}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", sources)] == []
