"""The pages compute what this side computes: `tests/vectors/pages.json` is read by their own tests too.

`python -m tests.integration.chain.test_pages_vectors` writes what this side tells of it anew.
"""

from __future__ import annotations

import base64
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from web3 import AsyncWeb3

from chain.archive import unpack
from chain.bundle import bundle_cid
from chain.cid import CidBytes, cid_text
from chain.contracts import Artifacts, compile_contracts
from chain.convert import address_of, terms_body
from chain.court import Court
from chain.escrow_calls import EscrowCalls
from chain.job import Address, Cid, JobTerms, Rates, Resources, max_cost
from chain.unixfs import Format, Link, add_file, add_tree
from tests.unit.chain.dags import Dag, listing, make_folder

FILE = Path(__file__).parents[2] / "vectors/pages.json"
CHAIN_ID = 1337
ESCROW = address_of("0x" + "5c" * 20)
TERMS = JobTerms(
    consumer=address_of("0x" + "ab" * 20),
    scheduler=address_of("0x" + "12" * 20),
    watcher=Address("0x" + "00" * 20),
    salt="0x" + "07" * 32,
    resources=Resources(1500, 768, 64),
    max_rates=Rates(27_777_777_778, 3, 2**63, 2**64 - 1),
    duration=86_399,
    claim_within=3600,
    cid=Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"),
)
FILES = {
    "empty": "",
    "one chunk": "hello\n",
    "many chunks": "".join(f"line {n}\n" for n in range(400)),  # more than one node holds
    "sub/folder/ünï": "deep",
    "sub/again": "hello\n",
}
BALLOT: dict[str, Any] = {
    "chain": CHAIN_ID,
    "court": "0x5b1869D9A4C187F2EAa108f3062412ecf0526b24",
    "dispute": 3,
    "round": 1,
    "juror": "0xB9DB8D43D1a8D8E1796D6e19715Cf90aCC1E523f",
    "share": 7500,
    "salt": "0f" * 32,
}
CHUNK = 256 * 1024
# What a folder to post may be: of each file how many bytes it has. They are those of `pattern`.
SHAPES: dict[str, dict[str, int]] = {
    "an empty file": {"empty": 0},
    "one byte": {"one": 1},
    "a byte less than a chunk": {"less": CHUNK - 1},
    "a chunk": {"chunk": CHUNK},
    "a chunk and a byte": {"more": CHUNK + 1},
    "as many chunks as a node has links": {"full": CHUNK * 174},
    "more chunks than a node has links": {"two levels": CHUNK * 174 + 1},
    "many entries": {f"file-{n}": n % 7 for n in range(1000)},
    "folders in folders": {"a/b/c/d/e": 5, "a/b/f": 4, "a/g": 3, "a.b": 2, "a-b": 1, "B": 0},
    # Above U+FFFF the order of UTF-16 is another than that of UTF-8.
    "names of many tongues": {"ünï code": 1, "日本語/日本": 2, "\uff5e": 3, "😀": 4, ".hidden": 5},
}


def told(artifacts: Artifacts) -> dict[str, Any]:
    """What this side says."""
    escrow = EscrowCalls(ESCROW, artifacts.escrow.abi, CHAIN_ID)
    return {
        "terms": {
            "chain_id": CHAIN_ID,
            "escrow": ESCROW,
            "body": terms_body(TERMS).model_dump(),
            "hash": escrow.terms_hash(TERMS),
            "job_id": escrow.job_id(TERMS),
            "deposit": str(max_cost(TERMS.resources, TERMS.max_rates, TERMS.duration)),
        },
        "content": _content(),
        "ballot": BALLOT | {"commitment": _commitment(artifacts)},
        "shapes": {name: {"files": files, "cid": _cid(files)} for name, files in SHAPES.items()},
    }


def _commitment(artifacts: Artifacts) -> str:
    court = Court(AsyncWeb3(), address_of(BALLOT["court"]), artifacts.court.abi, CHAIN_ID)
    return court.commitment(3, 1, address_of(BALLOT["juror"]), 7500, f"0x{BALLOT['salt']}")


def pattern(size: int) -> bytes:
    """The first so many bytes of 0, 1, … 250, 0, 1, …"""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def _cid(files: dict[str, int]) -> str:
    with tempfile.TemporaryDirectory() as place:
        whole = {name: pattern(size) for name, size in files.items()}
        return bundle_cid(make_folder(Path(place) / "folder", dict(whole)))


def _content() -> dict[str, Any]:
    dag = Dag()

    def put(cid: CidBytes, block: bytes) -> None:
        dag.blocks.pop(cid, None)
        dag.blocks[cid] = block

    form = Format(chunk_bytes=16)
    files: dict[tuple[str, ...], Link | None] = {
        tuple(name.split("/")): add_file(io.BytesIO(text.encode()), put, form)
        for name, text in FILES.items()
    }
    root = add_tree(files | {(): None}, put)[()]
    return {
        "cid": cid_text(root.cid),
        "files": FILES,
        "car": base64.b64encode(dag.car(root)).decode(),
    }


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    """What the pages' tests read."""
    return dict(json.loads(FILE.read_text()))


def test_the_vectors_of_the_pages_are_what_this_side_computes(
    vectors: dict[str, Any], artifacts: Artifacts
) -> None:
    assert {name: vectors[name] for name in vectors if name != "packed"} == told(artifacts)


def test_an_archive_that_the_pages_pack_is_read_with_all_its_names(
    vectors: dict[str, Any], tmp_path: Path
) -> None:
    packed = vectors["packed"]
    unpack(io.BytesIO(base64.b64decode(packed["tar"])), tmp_path / "out")
    found = {
        name: data.decode() for name, data in listing(tmp_path / "out").items() if data is not None
    }
    assert found == packed["files"]
    assert max(map(len, found)) > 255
    assert (tmp_path / "out/bin/run").stat().st_mode & 0o111


def main() -> None:
    """Keep what the pages told."""
    kept = json.loads(FILE.read_text()) if FILE.exists() else {"packed": {"files": {}, "tar": ""}}
    FILE.write_text(
        json.dumps(told(compile_contracts()) | {"packed": kept["packed"]}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
