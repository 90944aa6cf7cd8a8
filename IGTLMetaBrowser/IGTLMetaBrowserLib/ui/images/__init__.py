"""The table of images: filter, columns, states, menus, and what is loaded from it."""
