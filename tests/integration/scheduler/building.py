"""What tests ask the Engine of the images that were built."""

from __future__ import annotations

from docker import DockerClient
from docker.errors import ImageNotFound

from chain.job import Digest
from scheduler.images.engine import on_engine


async def has_image(digest: Digest) -> bool:
    """Whether the Engine that builds has this image."""

    def look(engine: DockerClient) -> bool:
        try:
            engine.images.get(digest)
        except ImageNotFound:
            return False
        return True

    return await on_engine(look, 60)
