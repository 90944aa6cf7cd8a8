"""The events of a ``Browser`` under the name by which scripts import them."""

from .browser.events import *  # noqa: F403
