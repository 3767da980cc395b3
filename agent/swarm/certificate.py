"""Key and certificate by which the agent and its nodes know each other: one self-signed pair that both hold."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from chain.errors import Unavailable

NAME = "draas-node"  # in the certificate; what it is checked for, whatever the node's address is
_DAYS = 100 * 365


def fleet_key(folder: Path) -> Path:
    """The file with both, made at the first time; blocking.

    Raises:
        Unavailable: there is no openssl.
    """
    path = folder / "fleet.pem"
    if path.exists():
        return path
    program = shutil.which("openssl")
    if program is None:
        raise Unavailable(
            "A fleet needs a certificate, and openssl is not here.", "Install openssl."
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = folder / "fleet.pem.new"
    new.touch(mode=0o600)
    wanted = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(_DAYS)]
    named = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    made = subprocess.run(
        [program, "req", "-x509", *wanted, *named, "-keyout", "-", "-out", "-"],
        check=False,
        capture_output=True,
        env={"PATH": os.environ.get("PATH", "")},
    )
    if made.returncode != 0:
        why = made.stderr.decode(errors="replace")[-300:]
        raise Unavailable(f"openssl made no certificate: {why}", "Run it by hand to see why.")
    new.write_bytes(made.stdout)
    new.rename(path)
    return path
