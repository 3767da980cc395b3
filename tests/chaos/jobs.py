"""The folders that the jobs run, and what each is to print."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from chain.manifest import MANIFEST_NAME
from tests.chaos.plan import JobPlan

SERVICE_S = 150
SCRIPT = """i=0
while [ $i -lt {lines} ]; do echo "line $i"; i=$((i+1)); {pause}; done
j=0; while [ $j -lt {burn} ]; do j=$((j+1)); done
exit {code}
"""
DOCKERFILE = 'FROM busybox\nCOPY run.sh /run.sh\nUSER 1000\nENTRYPOINT ["/bin/sh", "/run.sh"]\n'
BROKEN = "FROM busybox\nRUN echo this cannot be built && exit 4\n"


def write_folder(root: Path, plan: JobPlan, seed: int) -> Path:
    """The job's folder. Jobs that do the same share one, and so its image; another seed has others."""
    name = f"{plan.kind}-{plan.lines}-{plan.pace_s}"
    folder = root / name
    if folder.exists():
        return folder
    folder.mkdir(parents=True)
    pause = f"sleep {plan.pace_s}" if plan.pace_s else ":"
    script = SCRIPT.format(lines=plan.lines, pause=pause, burn=100_000, code=plan.exit_code)
    (folder / "run.sh").write_text(f"# {seed}\n{script}")
    broken = plan.kind == "broken"
    (folder / "Dockerfile").write_text(f"# {seed}\n{BROKEN if broken else DOCKERFILE}")
    manifest = {
        "name": name,
        "resources": f"{{cpus: {_cpus(plan)}, memory: 24M, disk: 4M}}",
        "duration": f"{SERVICE_S if plan.kind == 'service' else 240}s",
        "claim_within": f"{30 if plan.kind == 'homeless' else 600}s",
    }
    lines = [f"{key}: {value}\n" for key, value in manifest.items()]
    (folder / MANIFEST_NAME).write_text("".join(lines))
    return folder


def _cpus(plan: JobPlan) -> Decimal:
    """More than any agent has for the one that nobody can take."""
    return Decimal(64) if plan.kind == "homeless" else Decimal("0.08")


def expected_lines(plan: JobPlan) -> list[str]:
    """What a run that comes to its own end has printed."""
    return [f"line {number}" for number in range(plan.lines)]
