"""The window. The only package, with the module file, that knows Qt."""
