"""Runs inside a container and tries to get out of it: `escapes.py ATTEMPT ARGUMENTS`.

Each attempt says in one line of JSON what came of each of its tries: an error's name, or what was got.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import socket
import stat
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

libc = ctypes.CDLL(None, use_errno=True)
Tries = dict[str, str]
SYSCALLS = {
    "ptrace": 101, "syslog": 103, "mount": 165, "umount2": 166, "swapon": 167, "reboot": 169, "sethostname": 170,
    "iopl": 172, "init_module": 175, "delete_module": 176, "clock_settime": 227, "kexec_load": 246,
    "add_key": 248, "unshare": 272, "perf_event_open": 298, "setns": 308, "process_vm_readv": 310,
    "finit_module": 313, "bpf": 321, "userfaultfd": 323, "pivot_root": 155, "chroot": 161, "mknod": 133,
    "open_by_handle_at": 304,
}  # fmt: skip


def tried(act: Callable[[], object]) -> str:
    """What an act gives, or the name of its error."""
    try:
        return str(act())
    except TimeoutError:
        return "ETIMEDOUT"
    except socket.gaierror:
        return "no such name"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))


def call(name: str, *given: object) -> str:
    """What a system call gives, or the name of its error."""
    words = [one if isinstance(one, bytes) else ctypes.c_long(int(str(one))) for one in given]
    ctypes.set_errno(0)
    got = libc.syscall(ctypes.c_long(SYSCALLS[name]), *words)
    return errno.errorcode[ctypes.get_errno()] if got == -1 else f"got {got}"


def identity(*_: str) -> Tries:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    told = {
        key: status.get(key, "").strip() for key in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")
    }
    ids = {"uid": str(os.getuid()), "euid": str(os.geteuid()), "gid": str(os.getgid())}
    return told | ids | {"groups": str(os.getgroups())}


def raw_sockets(*_: str) -> Tries:
    kinds = {"ip": (socket.AF_INET, socket.SOCK_RAW, 255), "icmp": (socket.AF_INET, socket.SOCK_RAW, 1),
             "packet": (socket.AF_PACKET, socket.SOCK_RAW, 0x0300),
             "ip6": (socket.AF_INET6, socket.SOCK_RAW, 58)}  # fmt: skip
    return {name: tried(lambda k=kind: socket.socket(*k)) for name, kind in kinds.items()}  # type: ignore[misc]


def mounts(*_: str) -> Tries:
    return {
        "tmpfs": call("mount", b"draas-escape", b"/tmp", b"tmpfs", 0, 0),
        "proc": call("mount", b"draas-escape", b"/tmp", b"proc", 0, 0),
        "bind": call("mount", b"/proc/1/root", b"/tmp", b"", 4096, 0),
        "writable root": call("mount", b"", b"/", b"", 32 | 4096, 0),
        "umount": call("umount2", b"/proc", 2),
        "pivot_root": call("pivot_root", b"/tmp", b"/tmp"),
        "chroot": call("chroot", b"/tmp"),
        "user namespace": call("unshare", 0x10000000 | 0x00020000),
        "mount in it": call("mount", b"draas-escape", b"/tmp", b"tmpfs", 0, 0),
        "write to root": tried(lambda: Path("/etc/draas-escape").write_text("x")),
    }


def others(pid: str, *_: str) -> Tries:
    """The process of another container, by its number on the host."""
    seen = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    tell = ["python" in _command(one) or "init" in _command(one) for one in seen]
    return {
        "ptrace": call("ptrace", 16, pid, 0, 0),
        "memory": call("process_vm_readv", pid, 0, 0, 0, 0, 0),
        "kill": tried(lambda: os.kill(int(pid), 9)),
        "root": tried(lambda: os.listdir(f"/proc/{pid}/root")),
        "namespace": tried(lambda: os.open("/proc/1/ns/mnt", os.O_RDONLY)),
        "setns": call("setns", os.open("/proc/self/ns/pid", os.O_RDONLY), 0)
        if os.path.exists("/proc/self/ns/pid") else "ENOENT",
        "seen": "own alone" if all(tell) and len(seen) < 5 else str([_command(one) for one in seen]),
    }  # fmt: skip


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return "init"  # not ours to read: the one in front


def engine(*_: str) -> Tries:
    places = ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock",
              "/proc/1/root/run/docker.sock", "/run/podman/podman.sock")  # fmt: skip
    told = {place: tried(lambda p=place: _dial(p)) for place in places}  # type: ignore[misc]
    found = []
    for folder, _folders, names in os.walk("/"):
        if folder.startswith(("/proc", "/sys")):
            continue
        paths = [os.path.join(folder, name) for name in names]
        found += [path for path in paths if _is_socket(path)]
    unix = Path("/proc/net/unix")
    lines = unix.read_text().splitlines() if unix.exists() else []
    return told | {"sockets": str(found), "abstract": str([one for one in lines if "@" in one])}


def _dial(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(path)
    return "connected"


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.lstat(path).st_mode)
    except OSError:
        return False


def reach(*places: str) -> Tries:
    """Try `ADDRESS|PORT` each, all at once."""
    told: Tries = {}
    for place in places:
        host, _, port = place.rpartition("|")
        if not os.fork():
            outcome = tried(lambda h=host, p=port: _connect(h, int(p)))  # type: ignore[misc]
            sys.stderr.write(json.dumps({place: outcome}) + "\n")
            sys.stderr.flush()
            os._exit(0)
    for _ in places:
        os.wait()
    ipv6 = Path("/proc/net/if_inet6")
    told["ipv6"] = ipv6.read_text() if ipv6.exists() else ""
    return told


def _connect(host: str, port: int) -> str:
    with socket.create_connection((host, port), timeout=1.5) as one:
        return "connected" + one.recv(20).decode(errors="replace")


def setuid(program: str, *_: str) -> Tries:
    """A program of the image that belongs to root and has the setuid bit."""
    bits = stat.S_IMODE(os.stat(program).st_mode)
    code = "import os; print(os.getuid(), os.geteuid(), os.getgid(), os.getegid())"
    read, write = os.pipe()
    if not os.fork():
        os.dup2(write, 1)
        os.execv(program, [program, "-c", code])  # noqa: S606 - that is the attempt
    os.close(write)
    os.wait()
    return {
        "bit": oct(bits & 0o4000),
        "ids": os.read(read, 100).decode().strip(),
        "setuid": tried(lambda: os.setuid(0)),
        "setgid": tried(lambda: os.setgid(0)),
        "setgroups": tried(lambda: os.setgroups([0])),
    }


def devices(*_: str) -> Tries:
    known = {"null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "pts", "shm", "mqueue", "fd",
             "stdin", "stdout", "stderr", "core", "net"}  # fmt: skip
    block, char = stat.S_IFBLK | 0o666, stat.S_IFCHR | 0o666
    return {
        "unknown": str(sorted(set(os.listdir("/dev")) - known)),
        "disk": tried(lambda: _made("/tmp/disk", block, os.makedev(254, 0))),
        "memory": tried(lambda: _made("/tmp/mem", char, os.makedev(1, 1))),
        "kmsg": tried(lambda: os.open("/dev/kmsg", os.O_RDONLY)),
        "kvm": tried(lambda: os.open("/dev/kvm", os.O_RDWR)),
        "fuse": tried(lambda: os.open("/dev/fuse", os.O_RDWR)),
        "by handle": call("open_by_handle_at", -100, b"\0" * 16, 0),
        "kcore": tried(lambda: len(Path("/proc/kcore").read_bytes()[:16])),
    }


def _made(path: str, mode: int, number: int) -> bytes:
    os.mknod(path, mode, number)
    with open(path, "rb", buffering=0) as device:
        return device.read(16)


def kernel(*_: str) -> Tries:
    names = ("init_module", "finit_module", "delete_module", "kexec_load", "reboot", "iopl", "swapon", "bpf",
             "perf_event_open", "userfaultfd", "add_key", "clock_settime", "sethostname", "syslog")  # fmt: skip
    now = struct.pack("qq", *divmod(time.time_ns(), 10**9))  # should it be let: no harm done
    given: dict[str, tuple[object, ...]] = {
        "delete_module": (b"ext4", 0o4000), "reboot": (0xFEE1DEAD, 672274793, 0, 0), "iopl": (3,),
        "sethostname": (b"escaped", 7), "clock_settime": (0, now), "syslog": (3, b"\0" * 64, 64),
        "init_module": (b"\0" * 64, 64, b""), "finit_module": (0, b"", 0), "swapon": (b"/tmp", 0),
        "add_key": (b"user", b"draas", b"x", 1, -3), "perf_event_open": (b"\0" * 128, 0, -1, -1, 0),
        "bpf": (0, b"\0" * 64, 64),
    }  # fmt: skip
    told = {name: call(name, *given.get(name, (0, 0, 0, 0))) for name in names}
    for place in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper",
                  "/proc/sys/kernel/modprobe", "/sys/fs/cgroup/memory/release_agent",
                  "/proc/self/oom_score_adj"):  # fmt: skip
        told[place] = tried(lambda p=place: Path(p).write_text("-1"))  # type: ignore[misc]
    return told


def links(*targets: str) -> Tries:
    """Leave in /output what could lead its reader elsewhere."""
    out = Path("/output")
    (out / "good").write_text("good")
    for number, target in enumerate(targets):
        (out / f"link{number}").symlink_to(target)
    (out / "folder").symlink_to("/")
    (out / "deep").mkdir()
    (out / "deep" / "up").symlink_to("../../../../../../etc")
    (out / "loop").symlink_to("loop")
    os.mkfifo(out / "pipe")
    socket.socket(socket.AF_UNIX).bind(str(out / "socket"))
    with (out / "sparse").open("wb") as file:
        tried(lambda: file.truncate(2**40))
    hard = tried(lambda: os.link("/etc/passwd", out / "hard"))
    proc = tried(lambda: os.link("/proc/self/root/etc/passwd", out / "hard2"))
    return {"hard": hard, "hard by proc": proc}


ATTEMPTS: dict[str, Callable[..., Tries]] = {
    one.__name__: one
    for one in (
        identity,
        raw_sockets,
        mounts,
        others,
        engine,
        reach,
        setuid,
        devices,
        kernel,
        links,
    )
}
if __name__ == "__main__":
    sys.stdout.write(json.dumps(ATTEMPTS[sys.argv[1]](*sys.argv[2:])) + "\n")
