"""`python -m agent`."""

from __future__ import annotations

import sys

from agent.app import main

sys.exit(main())
