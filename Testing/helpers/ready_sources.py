"""Sources that ask for time, as a server treats them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from IGTLMetaBrowserLib.net.source import NotReadyError


def ready(ask: Callable[..., Any], *arguments: Any) -> Any:
    """Ask a source as a server does: again, when it says that it is not ready."""
    while True:
        try:
            return ask(*arguments)
        except NotReadyError as error:
            time.sleep(error.retry_after)
