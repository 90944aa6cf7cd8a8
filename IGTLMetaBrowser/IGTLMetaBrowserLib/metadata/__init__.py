"""What is known about an image, whoever knows it: see ``providers``."""
