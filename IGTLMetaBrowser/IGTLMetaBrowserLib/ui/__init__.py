"""The window. The only room, with the module file, that knows Qt."""
