"""A store in which the oldest makes room for the newest."""

from __future__ import annotations

from IGTLMetaBrowserLib.metadata.bounded import BoundedCache


def test_the_oldest_makes_room():
    store = BoundedCache(2)
    assert [store.keep(key, key.upper()) for key in "abc"] == [[], [], ["a"]]
    assert (store.get("a"), store.get("b"), store.get("c")) == (None, "B", "C")
    assert len(store) == 2


def test_what_is_kept_again_is_the_newest():
    store = BoundedCache(2)
    for key in "aba":
        store.keep(key, key)
    assert store.keep("c", "c") == ["b"]


def test_values_may_have_weights():
    store = BoundedCache(10, weigh=len)
    store.keep("a", "xxxx")
    store.keep("b", "xxxx")
    assert store.keep("c", "x" * 9) == ["a", "b"]
    assert store.keep("c", "x") == []
    assert store.keep("d", "x" * 9) == []


def test_the_newest_is_kept_whatever_it_weighs():
    store = BoundedCache(10, weigh=len)
    store.keep("a", "x")
    assert store.keep("b", "x" * 1000) == ["a"]
    assert "b" in store


def test_what_is_forgotten_weighs_nothing():
    store = BoundedCache(2)
    for _ in range(10):
        store.keep("a", None)
        assert store.forget("a")
    assert not store.forget("a")
    store.keep("a", 1)
    store.clear()
    assert [store.keep(key, 1) for key in "bc"] == [[], []]
