"""Keep the garbage collector away from what a process holds for good."""

from __future__ import annotations

import gc


def settle() -> None:
    """Leave everything that is loaded now out of later collections. For a process that has just started.

    A full collection visits every object it may free. With the solver's libraries loaded that stopped one page in ten
    for more than a tenth of a second, and found nothing: modules, models and templates stay until the process ends.
    """
    gc.collect()
    gc.freeze()
