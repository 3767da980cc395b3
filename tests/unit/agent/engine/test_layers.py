"""The archive that an image is loaded from has the layers that are missing, and names them all."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from agent.engine.layers import REPOSITORY, _archive
from chain.image import digest_of


def test_the_archive_holds_what_is_missing_and_names_all(tmp_path: Path) -> None:
    config, tars = b"{}", [b"lowest" * 1000, b"middle", b"top" * 512]
    layers = [digest_of(tar) for tar in tars]
    for name, tar in zip(("a", "b"), tars[1:], strict=True):
        (tmp_path / name).write_bytes(tar)
    files = {layers[1]: tmp_path / "a", layers[2]: tmp_path / "b"}
    image = digest_of(config)
    data = b"".join(_archive(image, config, layers, files))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        held = {}
        for member in archive.getmembers():
            body = archive.extractfile(member)
            assert body is not None
            held[member.name] = body.read()
    (manifest,) = json.loads(held.pop("manifest.json"))
    assert held == {
        manifest["Config"]: config,
        manifest["Layers"][1]: tars[1],
        manifest["Layers"][2]: tars[2],
    }
    assert len(manifest["Layers"]) == 3
    assert manifest["RepoTags"] == [f"{REPOSITORY}:{image[7:47]}"]
