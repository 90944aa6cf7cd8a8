"""``python -m IGTLMetaBrowserLib.cli`` is ``igtlmeta``."""

import sys

from .main import main

sys.exit(main())
