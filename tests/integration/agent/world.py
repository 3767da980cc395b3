"""A small internet in a network namespace of its own: addresses that a job may reach, and some that it may not."""

from __future__ import annotations

import os
import secrets
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PUBLIC = "198.51.100.2"  # set aside for documents, and so nobody's
ROUTER = "198.51.100.1"
FORBIDDEN = ("169.254.170.2", "10.77.77.77", "172.31.77.77", "192.168.177.77", "100.64.77.77")
LISTEN = r"""
import socket, sys, threading
names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind(("198.51.100.2", 53))
def tell():
    while True:  # every name is ours
        asked, caller = names.recvfrom(512)
        end = asked.index(0, 12) + 5
        answer = b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04" + socket.inet_aton("198.51.100.2")
        wanted = asked[end - 4:end] == b"\0\x01\0\x01"
        head = asked[:2] + b"\x81\x80\0\x01\0" + bytes([wanted]) + b"\0\0\0\0"
        names.sendto(head + asked[12:end] + (answer if wanted else b""), caller)
threading.Thread(target=tell, daemon=True).start()
one = socket.create_server(("0.0.0.0", 80))
sys.stdout.write("up\n"); sys.stdout.flush()
while True:
    caller, _ = one.accept()
    name = caller.getsockname()[0]
    caller.sendall(name.encode()); caller.close()
    sys.stdout.write(name + "\n"); sys.stdout.flush()
"""


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def a_world() -> Iterator[subprocess.Popen[str]]:
    """Machines beyond this one that answer at port 80; the process says which of them was reached."""
    name = "dr" + secrets.token_hex(4)
    inside = ["netns", "exec", name, "ip"]
    try:
        _ip("netns", "add", name)
        _ip("link", "add", name, "type", "veth", "peer", "name", "world", "netns", name)
        _ip("address", "add", f"{ROUTER}/30", "dev", name)
        _ip("link", "set", name, "up")
        _ip(*inside, "link", "set", "lo", "up")
        _ip(*inside, "link", "set", "world", "up")
        _ip(*inside, "address", "add", f"{PUBLIC}/30", "dev", "world")
        _ip(*inside, "route", "add", "default", "via", ROUTER)
        for address in FORBIDDEN:
            _ip(*inside, "address", "add", f"{address}/32", "dev", "lo")
            _ip("route", "add", f"{address}/32", "via", PUBLIC)
        command = ["ip", "netns", "exec", name, sys.executable, "-c", LISTEN]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listener:
            try:
                assert listener.stdout is not None
                assert listener.stdout.readline() == "up\n"
                yield listener
            finally:
                listener.terminate()
    finally:
        with suppress(subprocess.CalledProcessError):
            _ip("link", "del", name)  # its routes go with it
        _ip("netns", "del", name)


@dataclass
class Canary:
    """Listens on every address of this machine, and keeps who came."""

    port: int = 0
    callers: list[str] = field(default_factory=list)


@contextmanager
def a_canary() -> Iterator[Canary]:
    """A service of this machine that nobody should reach."""
    canary, (read, write) = Canary(), os.pipe()
    with socket.create_server(("0.0.0.0", 0)) as server:
        canary.port = server.getsockname()[1]

        def listen() -> None:
            doors = [server.fileno(), read]
            while read not in (ready := select.select(doors, [], [])[0]):
                if doors[0] in ready:
                    caller, address = server.accept()
                    canary.callers.append(address[0])
                    caller.close()

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield canary
        finally:
            os.write(write, b"x")
            thread.join()
            os.close(read)
            os.close(write)
