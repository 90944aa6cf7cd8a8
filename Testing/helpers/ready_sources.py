"""Sources that ask for time, as a server treats them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from IGTLMetaBrowserLib.net.source import AsksElsewhere, NotReadyError, Source


def ready(ask: Callable[..., Any], *arguments: Any, since: float | None = None) -> Any:
    """Ask a source as a server does: for what is there now, again while it is not ready.

    ``since`` is when the question came, if not now.
    """
    source = getattr(ask, "__self__", None)
    since = time.monotonic() if since is None else since
    asks_elsewhere = isinstance(source, AsksElsewhere)
    while True:
        if asks_elsewhere:
            source.require_lists_since(since)
        try:
            return ask(*arguments)
        except NotReadyError as error:
            time.sleep(error.retry_after)
        finally:
            if asks_elsewhere:
                source.require_lists_since(0.0)


def fetch_only(source: Source) -> Any:
    """Fetch the only image that is listed, as a server does."""
    (item,) = source.images()
    return ready(source.image, item.id)
