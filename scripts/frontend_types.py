"""What the front end knows of the contracts and of the scheduler's API, written from their sources: the ABIs and the
names of every state from the compiled contracts, the API from its own description.

    python scripts/frontend_types.py FOLDER     # contracts.ts and openapi.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import solcx

from chain.compiler import PROJECT_ROOT, compile_contracts, find_compiler
from scheduler.app import create_app

ENUMS = {
    "JobState": "contracts/interfaces/Types.sol",
    "RunState": "contracts/interfaces/Types.sol",
    "Phase": "contracts/interfaces/IDRaaSCourt.sol",
}
NAMES = {"JobState": "jobStates", "RunState": "runStates", "Phase": "courtPhases"}
NO_KEY = "0x" + "01" * 32  # the description of the API is nobody's


def contracts_ts() -> str:
    """The module: ABIs as literals, so that every call and event is typed from them."""
    artifacts = compile_contracts()
    parts = [
        "// Written by scripts/frontend_types.py from the compiled contracts. Not to be edited."
    ]
    for name, one in (
        ("escrowAbi", artifacts.escrow),
        ("courtAbi", artifacts.court),
        ("tokenAbi", artifacts.token),
    ):
        parts.append(f"export const {name} = {json.dumps(one.abi)} as const;")
    for enum, path in ENUMS.items():
        parts.append(f"export const {NAMES[enum]} = {json.dumps(members(enum, path))} as const;")
    return "\n\n".join(parts) + "\n"


def members(enum: str, path: str) -> list[str]:
    """An enum's names in order, from the compiler's own tree of the source."""
    task = {
        "language": "Solidity",
        "sources": {path: {"content": (PROJECT_ROOT / path).read_text(encoding="utf-8")}},
        "settings": {"stopAfter": "parsing", "outputSelection": {"*": {"": ["ast"]}}},
    }
    compiler, _ = find_compiler(PROJECT_ROOT)
    tree = solcx.compile_standard(task, solc_binary=compiler, base_path=PROJECT_ROOT)
    (found,) = (
        node
        for node in tree["sources"][path]["ast"]["nodes"]
        if node["nodeType"] == "EnumDefinition" and node["name"] == enum
    )
    return [str(one["name"]) for one in found["members"]]


def openapi() -> dict[str, Any]:
    """The scheduler's description of its own API."""
    environ = {"DRAAS_PRIVATE_KEY": NO_KEY, "RPC_URL": "http://127.0.0.1:1"}
    return create_app(environ).openapi()


def main() -> None:
    """Write both."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "contracts.ts").write_text(contracts_ts(), encoding="utf-8")
    text = json.dumps(openapi(), indent=1, sort_keys=True)
    (folder / "openapi.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
