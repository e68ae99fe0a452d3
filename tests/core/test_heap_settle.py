"""A process that has started keeps its modules out of the collector's rounds."""

from __future__ import annotations

import gc
import weakref

from logistics.core import heap


class Node:
    """Something that only a collection can free, once it points at itself."""


def test_what_is_loaded_is_left_out_and_what_comes_later_is_still_freed() -> None:
    try:
        heap.settle()
        assert gc.get_freeze_count() > 10_000
        node = Node()
        node.me = node  # type: ignore[attr-defined]
        gone = weakref.ref(node)
        del node
        gc.collect()
        assert gone() is None
    finally:
        gc.unfreeze()
