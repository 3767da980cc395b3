"""No secret and no control character gets through, whatever it stands in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.redact import HIDDEN, MAX_TEXT, clean, clean_text, clean_trace, secrets_of

KEY = "0x" + "4f" * 32
ENVIRON = {
    "DRAAS_PRIVATE_KEY": KEY,
    "DRAAS_KEYSTORE_PASSWORD": "open sesame",
    "DOCKER_PASSWORD": "dckr_pat_12345",
    "RPC_URL": "https://user:hunter22@node.example/v3/9aa3d95b3bc440fa88ea12eaa4456161,wss://x.example/?apikey=k3y-0f-twelve-12",
    "DATABASE_URL": "postgresql://draas:p%40ssword@db/draas",
    "OTEL_EXPORTER_OTLP_HEADERS": "api-key=secret-1",
    "DRAAS_HOME": "/home/someone",
}
PLANTED = (
    KEY,
    KEY[2:],
    "open sesame",
    "dckr_pat_12345",
    "hunter22",
    "9aa3d95b3bc440fa88ea12eaa4456161",
    "k3y-0f-twelve-12",
    "p%40ssword",
    "p@ssword",
    "api-key=secret-1",
)


def test_what_is_secret_in_the_environment_is_known() -> None:
    found = secrets_of(ENVIRON)
    assert set(PLANTED) <= found
    assert not {"/home/someone", "node.example", "draas"} & found


@pytest.mark.parametrize("secret", PLANTED)
def test_a_secret_is_hidden_wherever_it_stands(secret: str) -> None:
    secrets = secrets_of(ENVIRON)
    told = clean({"deep": [f"before{secret}after", {secret: secret}]}, secrets)
    assert secret not in json.dumps(told)
    assert secret not in clean_trace(f"Traceback\n  raise Error('{secret}')", secrets)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("at https://a:b@host/x", f"at https://{HIDDEN}@host/x"),
        ("GET /v1?token=abc&limit=3", f"GET /v1?token={HIDDEN}&limit={HIDDEN}"),
        ("Authorization: Bearer abcdefgh.ijkl", f"Authorization: Bearer {HIDDEN}"),
        (
            "[type=x, input_value='a line of a container', input_type=str]",
            f"[type=x, input_value={HIDDEN}, input_type=str]",
        ),
        (
            "[SQL: INSERT]\n[parameters: ('a line', 3)]",
            f"[SQL: INSERT]\\u000a[parameters: {HIDDEN}]",
        ),
    ],
)
def test_secrets_that_nobody_named_are_known_by_their_shape(text: str, told: str) -> None:
    assert clean_text(text, ()) == told


def test_ids_hashes_and_addresses_stay_readable() -> None:
    text = f"{'0x' + 'ab' * 32} at http://127.0.0.1:8545 by {'0x' + 'cd' * 20}"
    assert clean_text(text, secrets_of(ENVIRON)) == text


@given(st.text())
def test_no_value_breaks_a_line_or_obeys_a_terminal(text: str) -> None:
    told = clean_text(f"why\n\x1b]0;title\x07\u202e{text}", ())
    assert told.isprintable() or not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in told)
    assert not {"\n", "\x1b", "\u202e", "\u2028"} & set(told)


def test_a_traceback_keeps_its_lines_and_none_looks_like_ours() -> None:
    told = clean_trace('Traceback\nValueError: x\n{"event": "forged"}', ())
    assert all(line.startswith("  | ") for line in told.split("\n"))


def test_a_value_without_end_is_cut() -> None:
    assert len(clean_text("x" * 10**6, ())) == MAX_TEXT


def test_numbers_stay_numbers() -> None:
    assert clean({"n": 3, "f": 0.5, "ok": True, "none": None}, ()) == {
        "n": 3,
        "f": 0.5,
        "ok": True,
        "none": None,
    }
