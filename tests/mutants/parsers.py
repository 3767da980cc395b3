"""Every parser of strangers' bytes, with valid inputs to begin with."""

from __future__ import annotations

import gzip
import io
import json
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chain import archive, car
from chain.cid import cid_bytes, cid_prefix, cid_text
from chain.content.upload import read_parts
from chain.errors import DraasError
from chain.evidence import check_evidence
from chain.folder import Limits
from chain.folder_reader import read_folder
from chain.ignore import Ignored
from chain.ledger_check import check_ledger
from chain.manifest import Manifest, parse_manifest
from chain.manifests import compose, procfile, sdl
from chain.recipes.binary import is_dynamic
from chain.recipes.recognise import dockerfile_of
from chain.unixfs import decode
from scheduler.images.dockerfile import base_images, check_dockerfile, labelled
from tests.hostile import cars, tars, texts, zips
from tests.mutants.mutate import mutant, tar_sums
from tests.unit.chain.dags import Dag, a_tar, member

LIMITS = Limits(max_bytes=200_000, max_file_bytes=100_000, max_files=50, max_depth=8)
Run = Callable[[bytes, Path], object]


@dataclass(frozen=True, slots=True)
class Parser:
    """One way in.

    Args:
        share: of all inputs.
        seeds: valid ones, and hostile ones that are small.
        run: reads one, in a folder that is new; raises nothing but `DraasError`.
    """

    share: int
    seeds: Sequence[bytes]
    run: Run
    make: Callable[[Sequence[bytes], random.Random], bytes] = mutant


def _unpack(data: bytes, place: Path) -> None:
    archive.unpack(io.BytesIO(data), place / "out", LIMITS)
    for entry in read_folder(place / "out", LIMITS):
        assert (
            entry.file is None or entry.file.read() is not None
        )  # whatever came out can be packed
    shutil.rmtree(place / "out")


def _car(data: bytes, place: Path) -> None:
    root = cid_prefix(data[19:]) if len(data) > 60 else cid_prefix(data)
    car.unpack([data], root, place / "out", LIMITS)
    shutil.rmtree(place / "out")


def _cid(data: bytes, place: Path) -> None:
    text = data.decode("latin-1")
    assert cid_text(cid_bytes(text)) == text


def _upload(data: bytes, place: Path) -> None:
    for part in read_parts(io.BytesIO(data), "multipart/form-data; boundary=b"):
        part.body.read()


def _dockerfile(data: bytes, place: Path) -> None:
    text = data.decode(errors="replace")
    check_dockerfile(text)
    assert base_images(labelled(text, {"draas.build": "1"})) == base_images(text)


def _package(data: bytes, place: Path) -> None:
    (place / "package.json").write_bytes(data)
    dockerfile_of(place, Manifest())


def _ignore(data: bytes, place: Path) -> None:
    ignored = Ignored()
    ignored.enter((), {".gitignore": data.decode(errors="replace"), ".dockerignore": "!a\n"})
    ignored.has(("a" * 40, "b"), is_folder=False)


def _tar(seeds: Sequence[bytes], dice: random.Random) -> bytes:
    return tar_sums(mutant(seeds, dice), dice)


def _gzip(seeds: Sequence[bytes], dice: random.Random) -> bytes:
    """Damaged before it is compressed, or after."""
    if dice.random() < 0.5:
        return gzip.compress(_tar(seeds, dice), 1, mtime=0)
    return mutant([gzip.compress(one, 1, mtime=0) for one in (dice.choice(seeds),)], dice)


def _small(cases: Sequence[bytes]) -> list[bytes]:
    return [case for case in cases if 0 < len(case) < 4_096]


def _cars() -> list[bytes]:
    found = []
    for name, content in cars.CONTENTS.items():
        if "deep" not in name and "many" not in name and "double" not in name:
            dag = Dag()
            found.append(dag.car(content.make(dag)))
    dag = Dag()
    halves = dag.file([dag.raw(b"he"), dag.raw(b"llo")], [2, 3], 5)
    found += [
        dag.car(dag.folder(a=halves, sub=dag.folder(b=dag.raw(b"x")), empty=dag.folder()))
    ] * 20
    return _small(found)


def _blocks() -> list[bytes]:
    dag = Dag()
    dag.folder(a=dag.file([dag.raw(b"he"), dag.raw(b"llo")], [2, 3], 5), b=dag.folder())
    return list(dag.blocks.values())


MANIFEST = b"""name: x
kind: service
build: {language: python}
command: python -u "main.py"
environment: {A: "1", B: two}
resources: {cpus: 0.5, memory: 128M, egress: 1M, disk: 16M}
ports: [8080]
healthcheck: {http: /, interval: 5s}
restart: on-failure:3
market: {cpu_hour: 0.25, attributes: {region: eu}}
"""
COMPOSE = b"""services:
  web:
    build: {context: ., dockerfile: Dockerfile}
    image: busybox
    command: [a, b]
    environment: [A=1, B]
    ports: ["8080:80", {target: 81, protocol: udp}]
    healthcheck: {test: [CMD, x], retries: 2}
    deploy: {resources: {limits: {cpus: "0.5", memory: 64M}}}
"""
SDL = b"""version: "2.0"
services: {a: {image: b, env: [A=1], expose: [{port: 80, as: 80, to: [{global: true}]}]}}
profiles:
  compute: {c: {resources: {cpu: {units: 100m}, memory: {size: 64Mi}, gpu: {units: 1}, storage: [{size: 1Gi}]}}}
  placement: {p: {attributes: {region: eu}, pricing: {a: {denom: x, amount: 1}}}}
deployment: {a: {p: {profile: c, count: 1}}}
"""
DOCKERFILE = b"""# a comment
ARG BASE=busybox
FROM --platform=linux/amd64 $BASE AS build
WORKDIR /src
COPY --chown=1:1 . /src
RUN echo a \\
  && echo b
FROM scratch
COPY --from=build /src /
ENV A=b
LABEL x=y
CMD ["/a"]
"""
UPLOAD = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a%2Fb"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\nhello\r\n"
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="d"\r\n'
    b"Content-Type: application/x-directory\r\n\r\n\r\n--b--\r\n"
)
PACKAGE = json.dumps(
    {"main": "a.js", "scripts": {"start": "x", "build": "y"}, "dependencies": {"a": "1"}}
)
LEDGER = b'{"v":1,"kind":"run","prev":"%s"}\n{"kind":"report"}\n' % (b"0" * 64)
EVIDENCE = b'{"name":"a","title":"b","description":"c","draas":{"facts":{"chain_id":1}},"signature":"0x00"}'
YAMLS = [text.encode() for text, _ in texts.MANIFESTS.values() if isinstance(text, str)]
TAR = a_tar(member("d/a", b"hello"), member("n" * 120, b"x"), member("b", b"1", tars.mode(0o755)))

PARSERS: dict[str, Parser] = {
    "tar": Parser(12, [TAR] * 9 + [c.make() for c in tars.TARS.values()][:90], _unpack, _tar),
    "tar.gz": Parser(8, [TAR], _unpack, _gzip),
    "zip": Parser(12, [zips.a_zip(("d/a", b"hello" * 9), ("b", b""), ("c", b"x"))] * 9
                  + _small([c.make() for c in list(zips.ZIPS.values())[:60]]), _unpack),
    "CAR": Parser(14, _cars(), _car),
    "dag-pb": Parser(14, _blocks(), lambda data, place: decode(data)),
    "CID": Parser(6, [cid_text(Dag().raw(b"1").cid).encode()], _cid),
    "multipart": Parser(5, [UPLOAD], _upload),
    "draas.yaml": Parser(7, [MANIFEST] * 20 + _small(YAMLS), lambda data, place: parse_manifest(data)),
    "compose.yaml": Parser(4, [COMPOSE], lambda data, place: compose.read_compose(data)),
    "deploy.yaml": Parser(3, [SDL], lambda data, place: sdl.read_sdl(data)),
    "Procfile": Parser(3, [b"web: python main.py\nworker: x\n"], lambda data, place: procfile.read_procfile(data)),
    "Dockerfile": Parser(6, [DOCKERFILE], _dockerfile),
    "package.json": Parser(2, [PACKAGE.encode()], _package),
    "patterns": Parser(2, [b"*.pyc\n!keep\n/build/\n**/x[a-z]\n"], _ignore),
    "ELF": Parser(2, [b"\x7fELF\x02\x01" + bytes(200)], lambda data, place: is_dynamic(data)),
    "ledger": Parser(2, [LEDGER], lambda data, place: check_ledger(data)),
    "evidence": Parser(2, [EVIDENCE], lambda data, place: check_evidence(data.decode(errors="replace"))),
}  # fmt: skip


def fails(parser: Parser, data: bytes, place: Path) -> str:
    """What went wrong with one input; "" for nothing."""
    try:
        parser.run(data, place)
    except DraasError as error:
        told = error.message.encode()  # what cannot be written cannot be told
        return "" if told and place.exists() else "nothing is told"
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        return f"{type(error).__name__}: {error}"[:300]
    return ""
