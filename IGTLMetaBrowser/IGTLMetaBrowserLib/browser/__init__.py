"""The application without a window: a connection, a listing, downloads, and what is loaded."""

from .browser import Browser

__all__ = ["Browser"]
