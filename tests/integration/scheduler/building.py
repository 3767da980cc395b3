"""What tests ask the Engine of the images that were built."""

from __future__ import annotations

from docker.errors import ImageNotFound

from chain.job import Digest
from scheduler.images.engine import new_client


def has_image(digest: Digest) -> bool:
    """Whether the Engine that builds has this image."""
    engine = new_client(60)
    try:
        engine.images.get(digest)
    except ImageNotFound:
        return False
    finally:
        engine.close()
    return True
