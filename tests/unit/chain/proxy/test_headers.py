"""What passes between a visitor and a service, and what never does."""

from __future__ import annotations

import pytest

from chain.proxy.headers import Front, Headers, request_headers, response_headers

NAMED = Front("https", "abc.svc.example", "203.0.113.9")
SHARED = Front("https", "market.example", "203.0.113.9", "/d/0xabc")


def passed(headers: Headers, front: Front = NAMED) -> dict[str, str]:
    return {n.decode(): v.decode() for n, v in request_headers(headers, front)}


def answered(headers: Headers, front: Front = NAMED) -> dict[str, str]:
    return {n.decode(): v.decode() for n, v in response_headers(headers, front)}


def test_who_asked_and_by_which_name_is_told_by_us_alone() -> None:
    forged = [
        (b"X-Forwarded-For", b"10.0.0.1"),
        (b"Forwarded", b"for=10.0.0.1"),
        (b"X-Real-IP", b"10.0.0.1"),
        (b"X-Forwarded-Prefix", b"/other"),
    ]
    assert passed(forged) == {
        "host": "abc.svc.example",
        "x-forwarded-for": "203.0.113.9",
        "x-forwarded-host": "abc.svc.example",
        "x-forwarded-proto": "https",
    }
    assert passed(forged, SHARED)["x-forwarded-prefix"] == "/d/0xabc"


def test_what_is_for_one_connection_stays_on_it() -> None:
    given = [
        (b"Connection", b"close, X-Mine"),
        (b"X-Mine", b"1"),
        (b"TE", b"trailers"),
        (b"Expect", b"100-continue"),
        (b"Upgrade", b"h2c"),
        (b"Accept", b"*/*"),
    ]
    told = passed(given)
    assert told["accept"] == "*/*"
    assert not {"connection", "x-mine", "te", "expect", "upgrade"} & set(told)
    assert set(answered([*given, (b"Keep-Alive", b"5"), (b"Trailer", b"X")])) == {"accept"}


def test_connection_cannot_name_the_host_away() -> None:
    assert passed([(b"connection", b"host")])["host"] == "abc.svc.example"


def test_a_body_has_one_length() -> None:
    both = [(b"content-length", b"5"), (b"transfer-encoding", b"gzip, chunked")]
    told = passed(both)
    assert told["transfer-encoding"] == "chunked"
    assert "content-length" not in told
    assert passed(both[:1])["content-length"] == "5"


@pytest.mark.parametrize("front", [NAMED, SHARED])
def test_our_own_session_is_never_passed_on(front: Front) -> None:
    told = passed(
        [
            (b"cookie", b"a=1; draas_session=v1.x; b=2"),
            (b"authorization", b"Bearer v1.consumer.0x"),
        ],
        front,
    )
    assert "draas_session" not in told.get("cookie", "")
    assert "authorization" not in told


def test_a_service_with_its_own_name_has_its_own_cookies_and_tokens() -> None:
    told = passed([(b"cookie", b"a=1; draas_session=x; b=2"), (b"authorization", b"Bearer mine")])
    assert told["cookie"] == "a=1; b=2"
    assert told["authorization"] == "Bearer mine"
    assert "cookie" not in passed([(b"cookie", b"draas_session=x")])


def test_its_cookies_are_not_its_neighbours() -> None:
    told = answered([(b"Set-Cookie", b"a=1; Path=/; Domain=svc.example; HttpOnly")])
    assert told["set-cookie"] == "a=1; Path=/; HttpOnly"


def test_by_path_nothing_passes_that_acts_on_the_origin() -> None:
    harmful = [
        b"set-cookie", b"clear-site-data", b"strict-transport-security", b"alt-svc",
        b"service-worker-allowed", b"report-to", b"nel",
    ]  # fmt: skip
    told = answered([(name, b"x") for name in harmful] + [(b"content-type", b"text/html")], SHARED)
    assert set(told) == {
        "content-type",
        "content-security-policy",
        "x-content-type-options",
        "access-control-allow-origin",
    }
    assert told["content-security-policy"].startswith("sandbox ")
    assert "same-origin" not in told["content-security-policy"]
    assert "cookie" not in passed([(b"cookie", b"a=1")], SHARED)


def test_a_services_own_policy_holds_beside_the_sandbox() -> None:
    given = [(b"content-security-policy", b"default-src 'none'")]
    found = [v for n, v in response_headers(given, SHARED) if n == b"content-security-policy"]
    assert len(found) == 2


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        ("/login", "/d/0xabc/login"),
        ("/d/0xabc/login", "/d/0xabc/login"),
        ("next", "next"),
        ("https://elsewhere.example/", "https://elsewhere.example/"),
        ("//elsewhere.example/", "//elsewhere.example/"),
    ],
)
def test_a_redirect_stays_below_the_prefix(location: str, seen: str) -> None:
    assert answered([(b"location", location.encode())], SHARED)["location"] == seen
    assert answered([(b"location", location.encode())])["location"] == location
