"""`python -m agent`, and `python -m agent check`."""

from __future__ import annotations

import sys

from agent.app import main
from agent.check.report import main as check

sys.exit(check(sys.argv[2:]) if sys.argv[1:2] == ["check"] else main())
