"""The contracts compiled, once per state of their sources, by whatever compiler py-solc-x can find."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import solcx
from solcx.exceptions import SolcError

from chain.errors import InvalidInput, NotFound
from chain.interface import Abi, AbiEntry

PROJECT_ROOT = Path(__file__).resolve().parents[1]
EVM_VERSION = "shanghai"  # the newest that Ganache knows
OPTIMIZER_RUNS = 200  # as in foundry.toml
_ESCROW, _TOKEN = "contracts/DRaaSEscrow.sol", "contracts/ResourceToken.sol"
_COURT = "contracts/DRaaSCourt.sol"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract."""

    abi: Abi
    bytecode: bytes


@dataclass(frozen=True, slots=True)
class Artifacts:
    """What is deployed."""

    escrow: Artifact
    token: Artifact
    court: Artifact


def compile_contracts(root: Path = PROJECT_ROOT) -> Artifacts:
    """The contracts under `root`, compiled, or as compiled before from the same sources. Takes seconds: use a thread.

    Raises:
        NotFound: no sources or no compiler.
        InvalidInput: the compiler's errors.
    """
    sources = _sources(root)
    compiler, version = find_compiler(root)
    state = json.dumps([sources, version, _settings()]).encode()
    cached = root / "build" / "chain" / f"{hashlib.sha256(state).hexdigest()[:32]}.json"
    if not cached.exists():
        write_whole(cached, json.dumps(_compile(root, sources, compiler)))
    found = json.loads(cached.read_text(encoding="utf-8"))
    escrow, token, court = (Artifact(one["abi"], bytes.fromhex(one["bytecode"])) for one in found)
    return Artifacts(escrow, token, court)


def _sources(root: Path) -> dict[str, str]:
    paths = sorted((root / "contracts").rglob("*.sol"))
    if not (root / _ESCROW).exists():
        raise NotFound(
            f"There are no contracts in {root}.", "Run this from a checkout of the project."
        )
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def find_compiler(root: Path) -> tuple[Path, str]:
    """The compiler that py-solc-x finds under SOLCX_BINARY_PATH, or the one that set-up has put in place."""
    folder = Path(os.environ.get("SOLCX_BINARY_PATH") or root / "build" / "solcx")
    if not any(folder.glob("solc-v*")):
        _put_compiler(root, folder)
    versions = solcx.get_installed_solc_versions(folder)
    if not versions:
        raise NotFound(
            "There is no Solidity compiler.", "Run `make setup`, or set SOLCX_BINARY_PATH."
        )
    newest = max(versions)
    return folder / f"solc-v{newest}", str(newest)


def _put_compiler(root: Path, folder: Path) -> None:
    """Where set-up did not run: the npm compiler behind the native one's interface."""
    package = root / "node_modules" / "solc" / "package.json"
    shim = root / "scripts" / "solc.js"
    if package.exists() and shim.exists():
        folder.mkdir(parents=True, exist_ok=True)
        version = json.loads(package.read_text(encoding="utf-8"))["version"]
        (folder / f"solc-v{version}").symlink_to(shim)


def _settings() -> dict[str, Any]:
    """As in foundry.toml: the newer pipeline (`viaIR`) makes what is deployed smaller and cheaper to call."""
    return {
        "evmVersion": EVM_VERSION,
        "viaIR": True,
        "optimizer": {"enabled": True, "runs": OPTIMIZER_RUNS},
        "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
        "outputSelection": {
            path: {"*": ["abi", "evm.bytecode.object"]} for path in (_ESCROW, _TOKEN, _COURT)
        },
    }


def _compile(root: Path, sources: dict[str, str], compiler: Path) -> list[dict[str, Any]]:
    task = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": _settings(),
    }
    try:
        result = solcx.compile_standard(
            task, solc_binary=compiler, base_path=root, allow_paths=[str(root)]
        )
    except SolcError as error:
        raise InvalidInput(f"The contracts do not compile: {error}", "Correct them.") from None
    except (OSError, subprocess.SubprocessError) as error:
        raise NotFound(f"The compiler does not start: {error}", "Run `make setup`.") from None
    compiled = result["contracts"]
    escrow, token = compiled[_ESCROW]["DRaaSEscrow"], compiled[_TOKEN]["ResourceToken"]
    court = compiled[_COURT]["DRaaSCourt"]
    court["abi"] = _with_errors_of(court["abi"], token["abi"])
    escrow["abi"] = _with_errors_of(escrow["abi"], court["abi"])
    return [
        {"abi": one["abi"], "bytecode": one["evm"]["bytecode"]["object"]}
        for one in (escrow, token, court)
    ]


def _with_errors_of(abi: Abi, callee: Abi) -> Abi:
    """A call that fails in a contract called by this one ends in that one's error. Errors of one name may differ in
    their arguments."""
    own = [_error(entry) for entry in abi]
    extra = (entry for entry in callee if entry["type"] == "error" and _error(entry) not in own)
    return [*abi, *extra]


def _error(entry: AbiEntry) -> tuple[str, list[str]]:
    return entry.get("name", ""), [one["type"] for one in entry.get("inputs", ())]


def write_whole(path: Path, text: str) -> None:
    """The file is there in full, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}.tmp")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
