"""Jobs that several tests look at, posted from the command line while the pages are being built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.e2e.folders import a_program
from tests.e2e.market import Command, Consumer, TestMarket

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
# Prints the moment of each line, so that what a page shows can be held against it, and uses the processor.
CHATTY = f"""
import time
print({HOSTILE!r}, flush=True)
while True:
    print(f"at {{time.time() * 1000:.0f}}", flush=True)
    end = time.monotonic() + 0.02
    while time.monotonic() < end:
        pass
    time.sleep(0.2)
"""
LINES = 100_000
FLOOD = f"""
import time
for first in range(0, {LINES}, 1000):
    print("\\n".join(f"line {{n}} of many" for n in range(first, first + 1000)), flush=True)
    time.sleep(0.02)
time.sleep(600)
"""
# What a run leaves, by its path in the results.
LEFT = {"answer.txt": b"42\n", "charts/all.bin": bytes(range(256)) * 20, "empty": b""}
LEAVES = f"""
import pathlib, sys
for n in range(300):
    print(f"line {{n}} of many")
print("a needle", file=sys.stderr)
for name, text in { ({name: content.hex() for name, content in LEFT.items()})!r}.items():
    path = pathlib.Path("/output", name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes.fromhex(text))
"""


@dataclass(frozen=True)
class Job:
    """A deployment of its own consumer, under way."""

    consumer: Consumer
    command: Command

    def posted(self) -> str:
        """Its id, once the command that posted it has ended."""
        answer = self.command.finish()
        assert answer.code == 0, answer.err
        return str(answer.event("posted")["job"])


def begin(market: TestMarket, root: Path) -> dict[str, Job]:
    """All of them at once."""
    resources = "{cpus: 0.3, memory: 64M}"
    folders = [
        a_program(root / "chatty", CHATTY, duration="10m", resources=resources),
        a_program(root / "disputed", CHATTY, duration="10m", resources=resources),
        a_program(root / "flood", FLOOD, duration="10m", resources=resources),
        a_program(root / "leaves", LEAVES, resources=resources),
    ]
    begun = {}
    for folder in folders:
        consumer = market.consumer()
        begun[folder.name] = Job(consumer, consumer.start("deploy", folder, "-d", "--json"))
    return begun


@dataclass(frozen=True)
class Running:
    """One of them, running."""

    consumer: Consumer
    job_id: str

    @property
    def path(self) -> str:
        """Of its page."""
        return f"/deployments/{self.job_id}"
