"""What disputes on a market are about and how rulings read, for jurors: one ERC-1497 document for every market."""

from __future__ import annotations

import io

from chain.cid import cid_text
from chain.compiler import PROJECT_ROOT
from chain.unixfs import add_file

DOCUMENT = PROJECT_ROOT / "contracts" / "meta-evidence.json"


def path_of(document: bytes) -> str:
    """Where it is on IPFS, once somebody puts it there: what the escrow is deployed with."""
    return f"/ipfs/{cid_text(add_file(io.BytesIO(document), lambda cid, block: None).cid)}"
