"""Two threads that ask one index at once, as one that serves and one that reads label maps."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from helpers import radiotherapy as study
from helpers.peers import PATIENCE
from IGTLMetaBrowserLib.dicom_index import index as dicom_index

ROW, ROWS, IMAGES = "index.row('1')", "list(index.rows())", "list(index.images())"
THUMBNAIL = "index.keep_thumbnail('1', b'2', b'3')"


@pytest.mark.parametrize(
    "asked", [(ROW, ROW), (ROWS, ROW), (IMAGES, ROWS), (THUMBNAIL, ROW)], ids=" beside ".join
)
def test_both_have_their_answers(asked: tuple[str, str], tmp_path: Path):
    """In a process of their own, of which all threads would stand still."""
    code = f"""
        import sys
        from pathlib import Path
        from threading import Thread
        sys.path[:0] = sys.argv[1:]
        from IGTLMetaBrowserLib.dicom_index.index import DicomIndex

        def ask(what):
            for _ in range(1000):
                eval(what)

        with DicomIndex(Path(sys.argv[2])) as index:
            index.update()
            threads = [Thread(target=ask, args=(what,)) for what in {asked!r}]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    """
    study.ct_slice(1).save_as(tmp_path / "1", enforce_file_format=True)
    library = Path(dicom_index.__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(code), str(library), str(tmp_path)]
    subprocess.run(command, check=True, timeout=PATIENCE)
