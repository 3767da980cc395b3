"""Documents on IPFS that the parties of disputes have named, as the chain tells of them. There are few of these."""

from __future__ import annotations

import json

from sqlalchemy import Index, literal_column

from scheduler.rows import tables as t

IS_EVIDENCE = t.events.c.name == literal_column("'Evidence'")
Index(
    "events_of_evidence",
    t.events.c.block_number,
    sqlite_where=IS_EVIDENCE,
    postgresql_where=IS_EVIDENCE,
)


def cid_named_in(data: str) -> str:
    """What such an event's data names: `/ipfs/CID…`; "" for nothing."""
    match str(json.loads(data).get("evidence", "")).split("/"):
        case ["", "ipfs", cid, *_]:
            return cid
    return ""
