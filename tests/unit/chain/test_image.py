"""An image's configuration is believed only when it hashes to the image's digest."""

from __future__ import annotations

import json

import pytest

from chain.errors import InvalidInput
from chain.image import MAX_CONFIG_BYTES, MAX_LAYERS, digest_of, layers_of

LAYERS = [f"sha256:{number:064x}" for number in range(3)]


def config_of(layers: object) -> bytes:
    return json.dumps({"rootfs": {"type": "layers", "diff_ids": layers}}).encode()


def test_the_layers_come_in_their_order() -> None:
    config = config_of(LAYERS)
    assert layers_of(config, digest_of(config)) == LAYERS


def test_the_configuration_of_another_image_is_refused() -> None:
    with pytest.raises(InvalidInput, match="something else"):
        layers_of(config_of(LAYERS), digest_of(config_of(LAYERS[:2])))


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b"{}",
        config_of("sha256:" + "0" * 64),
        config_of([1]),
        config_of(["sha256:" + "0" * 63]),
        config_of(["sha256:" + "G" * 64]),
        config_of(["sha256:" + "0" * 64 + "\n"]),
        config_of(LAYERS[:1] * (MAX_LAYERS + 1)),
        config_of([]) + b" " * MAX_CONFIG_BYTES,
    ],
)
def test_what_is_no_configuration_is_refused_though_its_hash_holds(config: bytes) -> None:
    with pytest.raises(InvalidInput):
        layers_of(config, digest_of(config))
