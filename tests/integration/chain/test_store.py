"""The embedded store as a process: what it answers, its doors, its end."""

from __future__ import annotations

import asyncio
import io
import signal
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import httpx
import ipfshttpclient
import pytest

from chain import ipfs
from chain.bundle import bundle_cid
from chain.car import CarReader
from chain.cid import Codec, cid_of, cid_text
from chain.errors import NotFound, Unavailable
from chain.ipfs_address import multiaddr_of
from chain.store_process import ipfs_api, start_store
from tests.fixtures_ipfs import ContentStore
from tests.unit.chain.dags import Dag, make_folder

FILES: dict[str, bytes | None] = {"main.py": b"print(1)\n", "data/large": b"d" * 700_000}


def rpc_url(api: str) -> str:
    """The address for other clients than ours."""
    return f"http://127.0.0.1:{multiaddr_of(api).split('/')[4]}/api/v0"


async def test_a_block_that_was_damaged_on_disk_is_never_given_out(tmp_path: Path) -> None:
    running = await start_store(tmp_path / "data", gateway_port=0)
    try:
        cid = await ipfs.add_bytes(running.api, b"precious")
        (block,) = (tmp_path / "data").glob("blocks/*/*")
        block.write_bytes(b"rotten!!")
        with pytest.raises(NotFound):
            await ipfs.fetch_bytes(running.api, cid, max_bytes=100)
        assert httpx.get(f"{running.gateway}/ipfs/{cid}?format=raw").status_code == 404
    finally:
        await running.stop()


async def test_content_and_pins_survive_a_kill(tmp_path: Path) -> None:
    first = await start_store(tmp_path / "data")
    cid = await ipfs.add_bytes(first.api, b"durable")
    first.process.kill()
    await first.process.wait()
    second = await start_store(tmp_path / "data")
    try:
        assert await ipfs.fetch_bytes(second.api, cid, max_bytes=100) == b"durable"
        with ipfshttpclient.Client(second.api) as client:
            assert list(client.pin.ls()["Keys"]) == [cid]
    finally:
        await second.stop()


def test_the_client_finds_all_that_it_uses(store: ContentStore, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "in", {"a/b": b"hello\n", "c d": b"2"})
    with ipfshttpclient.Client(store.api) as client:
        root = client.add(str(folder), recursive=True, cid_version=1, raw_leaves=True)[-1]["Hash"]
        assert client.cat(f"{root}/a/b") == b"hello\n"
        assert client.cat(f"/ipfs/{root}/a/b", offset=1, length=3) == b"ell"
        entries = client.ls(root)["Objects"][0]["Links"]
        assert [(one["Name"], one["Type"], one["Size"]) for one in entries] == [
            ("a", 1, 0),
            ("c d", 2, 1),
        ]
        assert client.pin.ls(root)["Keys"] == {root: {"Type": "recursive"}}
        assert client.block.stat(root)["Size"] == len(client.block.get(root))
        put = client.block.put(io.BytesIO(b"block"))
        assert client.block.get(put["Key"]) == b"block"
        assert client.repo.stat()["NumObjects"] > 0
        assert client.id()["AgentVersion"] == "draas content store"
        one = client.add(io.BytesIO(b"hello\n"), cid_version=1, raw_leaves=True)
        assert one["Hash"] == "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am"


def test_get_answers_a_tar_of_the_folder(store: ContentStore, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "in", {"a/b": b"hello\n", "e/": None})
    with ipfshttpclient.Client(store.api) as client:
        cid = client.add(str(folder), recursive=True)[-1]["Hash"]
    answer = httpx.post(f"{rpc_url(store.api)}/get", params={"arg": cid})
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        assert sorted(archive.getnames()) == [cid, f"{cid}/a", f"{cid}/a/b", f"{cid}/e"]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("add?chunker=rabin", "chunker=rabin is not supported"),
        ("add?trickle=true", "trickle=true is not supported"),
        ("add?hash=blake3", "hash=blake3 is not supported"),
        ("cat?arg=nonsense", "is not a CID"),
        ("cat", "is required"),
        ("pin/rm?arg=" + cid_text(cid_of(b"never pinned", Codec.RAW)), "not pinned"),
        ("swarm/peers", "not supported by this store"),
    ],
)
def test_what_is_not_supported_is_refused_in_kubos_form(
    store: ContentStore, call: str, told: str
) -> None:
    answer = httpx.post(f"{rpc_url(store.api)}/{call}", files={"file": b"x"})
    assert answer.status_code in {404, 500}
    assert told in answer.json()["Message"]
    assert {"Code": 0, "Type": "error"}.items() <= answer.json().items()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example:5001"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Referer": "http://evil.example/"},
    ],
)
def test_a_web_page_cannot_reach_the_rpc(store: ContentStore, headers: dict[str, str]) -> None:
    assert httpx.post(f"{rpc_url(store.api)}/version", headers=headers).status_code == 403


def test_the_rpc_answers_posts_only(store: ContentStore) -> None:
    assert httpx.get(f"{rpc_url(store.api)}/version").status_code == 405


def test_a_path_that_climbs_cannot_be_uploaded(store: ContentStore) -> None:
    answer = httpx.post(f"{rpc_url(store.api)}/add", files={"file": ("..%2fevil", b"x")})
    assert (answer.status_code, "elsewhere" in answer.text) == (500, True)


async def test_a_car_that_is_not_what_it_says_cannot_be_imported(store: ContentStore) -> None:
    dag = Dag()
    root = dag.folder(a=dag.raw(b"honest"))
    forged = dag.car(root).replace(b"honest", b"forged")
    refused = pytest.raises(ipfshttpclient.exceptions.ErrorResponse, match="something else")
    with ipfshttpclient.Client(store.api) as client, refused:
        client.dag.imprt(io.BytesIO(forged))
    with pytest.raises(NotFound):
        await ipfs.fetch_bytes(store.api, cid_text(root.cid), max_bytes=100)


def test_an_exported_car_is_read_by_others(store: ContentStore, kubo: str) -> None:
    dag = Dag()
    root = dag.folder(a=dag.raw(b"1"), b=dag.folder(c=dag.raw(b"2")))
    with ipfshttpclient.Client(store.api) as ours, ipfshttpclient.Client(kubo) as theirs:
        ours.dag.imprt(io.BytesIO(dag.car(root)))
        car = ours.dag.export(cid_text(root.cid))
        assert theirs.dag.imprt(io.BytesIO(car))["Root"]["Cid"]["/"] == cid_text(root.cid)
        again = CarReader([theirs.dag.export(cid_text(root.cid))], 10_000)
        assert again.root() == root.cid
        assert dict(again.blocks()) == dag.blocks


def test_a_store_ends_cleanly_on_a_signal(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        process = subprocess.Popen(
            [sys.executable, "-m", "chain.kubo", "--port=0", f"--data={tmp_path / 'data'}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        while process.stdout.readline() != "ready\n":
            assert process.poll() is None
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
        process.stdout.close()


def test_a_store_does_not_outlive_whoever_started_it(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, pathlib, sys\n"
        "from chain.store_process import start_store\n"
        "async def main():\n"
        "    store = await start_store(pathlib.Path(sys.argv[1]))\n"
        "    print(store.process.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    died = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "data")], capture_output=True, check=False
    )
    assert died.returncode == -signal.SIGKILL
    until = time.monotonic() + 10
    while Path(f"/proc/{int(died.stdout)}").exists():
        assert time.monotonic() < until
        time.sleep(0.05)


async def test_a_store_that_cannot_start_says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable) as told:
            await start_store(tmp_path / "data", port=port)
    assert str(port) in told.value.fix


async def test_a_node_that_is_named_is_used_and_none_is_started(tmp_path: Path) -> None:
    assert await ipfs_api({"IPFS_API": "/ip4/1.2.3.4/tcp/5001"}, tmp_path / "data") == (
        "/ip4/1.2.3.4/tcp/5001",
        None,
    )
    assert list(tmp_path.iterdir()) == []


async def test_without_a_node_a_store_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPFS_GATEWAY_PORT", "1")  # settings of other parts are not the store's
    monkeypatch.setenv("DRAAS_PRIVATE_KEY", "secret")
    api, started = await ipfs_api({}, tmp_path / "data")
    assert started is not None
    try:
        folder = make_folder(tmp_path / "in", FILES)
        cids = await asyncio.gather(*(ipfs.add_folder(api, folder) for _ in range(4)))
        assert set(cids) == {bundle_cid(folder)}
        assert started.gateway is None
        assert b"secret" not in Path(f"/proc/{started.process.pid}/environ").read_bytes()
    finally:
        await started.stop()
