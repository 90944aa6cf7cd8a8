"""What waits to be fetched, in any order of asking, putting back and giving up."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from IGTLMetaBrowserLib.browser.downloads.download_queue import DownloadQueue

MANY = 100_000


def test_to_put_one_before_many_others_moves_none_of_them():
    queue = DownloadQueue()
    queue.add({str(number): 1 for number in range(MANY)})
    queue.begin_next(0.0)
    tracemalloc.start()
    queue.put_back()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < MANY  # bytes; a list of all would have eight of each
    assert queue.first_waiting == "0"


@pytest.mark.parametrize("seed", range(20))
def test_it_is_what_a_plain_list_would_be(seed):
    dice = random.Random(seed)
    queue, waiting, current = DownloadQueue(), [], None
    sizes = {name: dice.choice((0, 10, 20)) for name in "ABCDEFGH"}
    for _ in range(200):
        act = dice.choice(("add", "begin", "put back", "remove", "remove all", "finish"))
        if act == "add" and (new := [n for n in sizes if n not in waiting and n != current]):
            chosen = dice.sample(new, dice.randint(1, len(new)))
            queue.add({name: sizes[name] for name in chosen})
            waiting += chosen
        elif act == "begin" and current is None and waiting:
            current = waiting.pop(0)
            assert queue.begin_next(0.0) == current
        elif act == "put back" and current is not None:
            queue.put_back()
            waiting, current = [current, *waiting], None
        elif act == "remove" and waiting:
            gone = queue.waiting_of(dice.sample([*sizes], 3))
            assert set(gone) <= set(waiting)
            queue.remove(gone)
            waiting = [name for name in waiting if name not in gone]
        elif act == "remove all":
            queue.remove(queue.waiting)
            waiting = []
        elif act == "finish" and current is not None:
            queue.finish()
            current = None
        assert queue.waiting == waiting
        assert (queue.has_waiting, queue.current) == (bool(waiting), current)
        assert queue.first_waiting == (waiting[0] if waiting else None)
        assert [name for name in sizes if name in queue] == sorted({*waiting, current} - {None})
        but = set(dice.sample([*sizes], 2))
        counted = [name for name in (*waiting, current) if name is not None and name not in but]
        assert queue.byte_count(but) == sum(sizes[name] for name in counted)
