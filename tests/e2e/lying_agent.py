"""An agent that was modified to give another result than its program left, and to vouch for it: test_verified.py."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from agent import app
from agent.container.host import JobContainer
from agent.runs import reconcile, run
from agent.runs.collect import collect
from agent.runs.look import Seen
from agent.runs.record import RunRecord
from agent.runs.surroundings import Surroundings
from chain.job import Cid

SOON_S = 6  # it does not wait to be paid at once: nobody will


async def _forged(
    around: Surroundings, record: RunRecord, kept: JobContainer, seen: Seen | None
) -> Cid:
    await collect(around, record, kept, seen)
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "answer").write_text("43\n")
        return await around.store(Path(place))


if __name__ == "__main__":
    setattr(*(run, "collect", _forged))
    setattr(*(reconcile, "HOLD_LEAST_S", SOON_S))
    sys.exit(app.main())
