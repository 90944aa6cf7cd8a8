"""What dev.py needs of a fresh machine: system packages, a virtual environment, tools."""
