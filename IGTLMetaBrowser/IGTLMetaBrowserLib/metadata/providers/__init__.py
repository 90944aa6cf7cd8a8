"""The providers that ship: one file for each that knows something about an image."""
