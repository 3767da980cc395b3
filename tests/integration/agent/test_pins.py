"""What a run left on IPFS stays for some time after the run is over, and then goes; nothing else is touched."""

from __future__ import annotations

import json
from pathlib import Path

from agent.runs.store import Store
from agent.sweep.pins import Pins, Unpinner
from chain import ipfs
from tests.unit.chain.dags import make_folder


async def test_results_stay_while_they_are_needed_and_some_time_after(
    node: str, tmp_path: Path
) -> None:
    pins = Pins(tmp_path / "pins.json")
    store = Store(node, pins.begins)
    said = str(tmp_path).encode()
    result = await store.add(make_folder(tmp_path / "out", {"a": said}))
    ledger = await store.keep(said + b"ledger")
    other = await ipfs.add_bytes(node, said + b"of somebody else")
    everything = {result, ledger, other}
    keeping = Unpinner(pins, node, lambda: {result}, 100)
    await keeping.look()
    assert everything <= await ipfs.pins(node)
    (tmp_path / "pins.json").write_text(json.dumps({result: 1, ledger: 1}))  # long ago
    again = Unpinner(Pins(tmp_path / "pins.json"), node, lambda: {result}, 100)
    await again.look()
    assert everything & await ipfs.pins(node) == {result, other}
    (tmp_path / "pins.json").write_text(json.dumps({result: 1}))
    await Unpinner(Pins(tmp_path / "pins.json"), node, set, 100).look()
    assert everything & await ipfs.pins(node) == {other}
