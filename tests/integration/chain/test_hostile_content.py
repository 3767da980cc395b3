"""Hostile content in a real store: it is put there as it is, nobody gets it out as files, and the store stays up."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from chain import ipfs
from chain.car import header, section
from chain.cid import CidBytes, Codec, cid_of, cid_text
from chain.errors import DraasError
from chain.folder import Limits
from chain.job import Cid
from chain.protobuf import varint
from tests.fixtures_ipfs import ContentStore
from tests.hostile import cars
from tests.hostile.watch import look, with_guards
from tests.unit.chain.dags import Dag

LIMITS = Limits(max_bytes=64 * 1024**2, max_files=1_000)
ROOT = Dag().folder().cid
LEAF = cid_of(b"leaf", Codec.RAW)


def give(store: ContentStore, sent: bytes) -> httpx.Response:
    """A CAR, as its own RPC takes it."""
    address = store.api.split("/")
    return httpx.post(
        f"http://{address[2]}:{address[4]}/api/v0/dag/import",
        params={"pin-roots": "false"},
        files={"file": sent},
        timeout=60,
        trust_env=False,
    )


@pytest.mark.parametrize("name", cars.CONTENTS | cars.ABSENT)
async def test_hostile_content_is_not_fetched(
    store: ContentStore, tmp_path: Path, name: str
) -> None:
    content, dag, inner = (cars.CONTENTS | cars.ABSENT)[name], Dag(), with_guards(tmp_path)
    root = content.make(dag)
    assert give(store, dag.car(root)).status_code == 200  # blocks are blocks
    before = look(tmp_path)
    with pytest.raises(DraasError) as told:
        await ipfs.fetch_folder(
            store.api, Cid(cid_text(root.cid)), inner / "out", limits=LIMITS, deadline_s=30
        )
    assert told.value.message
    after = look(tmp_path)
    assert {path for path in before | after if before.get(path) != after.get(path)} <= {str(inner)}
    assert await ipfs.version(store.api)


def a_body(length: bytes, rest: bytes = b"") -> bytes:
    """A CAR whose first block says this of its length."""
    return header(ROOT) + length + rest


LYING = {
    "nothing": b"",
    "a page": b"<html>busy</html>",
    "a header without end": b"\xff" * 100,
    "a header of a gigabyte": varint(2**30) + b"x",
    "a header of two": header(ROOT)[:1] + b"\xa2" + header(ROOT)[2:].replace(b"\x81", b"\x82"),
    "version 2": b"\x0a\xa1gversion\x02" + bytes(60),
    "no root": b"\x11\xa2eroots\x80gversion\x01",
    "a root of another hash": header(CidBytes(b"\x01\x55\x13\x40" + bytes(64))),
    "a block without end": a_body(b"\xff" * 20),
    "a block of nothing": a_body(b"\0"),
    "a block of a gigabyte": a_body(varint(2**30), b"x"),
    "a block that is cut off": a_body(varint(1_000), bytes(LEAF) + b"x"),
    "a block of another hash": a_body(varint(70), b"\x01\x55\x13\x40" + bytes(66)),
    "a block that holds its own": a_body(varint(9), b"\x01\x55\x00\x05hello"),
    "a block that is something else": header(ROOT) + section(LEAF, b"other"),
    "a block over two mebibytes": header(ROOT) + section(cid_of(bytes(2**21 + 1), Codec.RAW), bytes(2**21 + 1)),
    "half a length": a_body(b"\x80"),
}  # fmt: skip


@pytest.mark.parametrize("name", LYING)
async def test_a_car_that_lies_is_refused_and_the_store_stays_up(
    store: ContentStore, name: str
) -> None:
    answer = give(store, LYING[name])
    assert answer.status_code == 500
    assert answer.json()["Message"]
    assert await ipfs.version(store.api)
