"""Tables of the images that were put on IPFS, since an agent asked for them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table

from scheduler.rows.columns import Words
from scheduler.rows.tables import builds, metadata

images = Table(
    "images",
    metadata,
    Column("digest", String(71), primary_key=True),
    Column("root", String(64), nullable=False),  # CID of the folder of its parts, which is pinned
    Column("config", Words, nullable=False),
)

layers = Table(  # of all those images
    "layers",
    metadata,
    Column("diff_id", String(71), primary_key=True),
    Column("cid", String(64), nullable=False),
    Column("bytes", BigInteger, nullable=False),  # of its tar
    Column("total", BigInteger, nullable=False),  # of its blocks on IPFS
    Index("layers_by_cid", "cid"),
)

Index("builds_by_digest", builds.c.digest)
