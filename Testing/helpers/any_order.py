"""How long state machines of hypothesis are driven: ``SEQUENCES=100000`` is the long form."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings


def any_order(sequences: int) -> settings:
    """Return the settings of a state machine; ``sequences`` is how many its short form has."""
    return settings(
        max_examples=int(os.environ.get("SEQUENCES", sequences)),
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
