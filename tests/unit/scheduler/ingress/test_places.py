"""Names and paths of services, and back."""

from __future__ import annotations

import pytest

from chain.errors import NotFound
from chain.proxy.paths import by_path
from scheduler.ingress.places import Places, endpoints_of

JOB = "0x" + "0123456789abcdef" * 4
SHORT = JOB[2:34]
LOCAL = Places("http://127.0.0.1:5000", "svc.localhost")


def test_each_port_has_an_address_that_leads_back_to_it() -> None:
    found = endpoints_of(LOCAL, JOB, [8080, 9090], "http://192.0.2.1:5100")
    assert [(one.port, one.url) for one in found] == [
        (8080, f"http://{SHORT}.svc.localhost:5000/"),
        (9090, f"http://9090-{SHORT}.svc.localhost:5000/"),
    ]
    assert found[1].path_url == f"http://127.0.0.1:5000/d/{JOB}:9090/"
    assert found[1].direct_url == f"http://192.0.2.1:5100/d/{JOB}:9090/"
    for one, port in zip(found, (None, 9090), strict=True):
        host, path = one.url.split("/")[2], one.path_url.removeprefix(LOCAL.url)
        named = LOCAL.by_name(host, b"/a%20b", b"q=1")
        assert (named.job, named.port, named.target) == (JOB[:34], port, b"/a%20b?q=1")
        there = by_path(path.encode() + b"x", b"")
        assert (there.job, there.port, there.target) == (JOB, port, b"/x")


def test_without_a_domain_there_are_paths_alone() -> None:
    places = Places("https://market.example")
    assert places.url_of(JOB) == f"https://market.example/d/{JOB}/"
    assert not places.has("svc.localhost")


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("svc.localhost", True),
        ("x.SVC.localhost:5000", True),
        ("localhost", False),
        ("evilsvc.localhost", False),
        ("svc.localhost.evil.example", False),
        ("[::1]:5000", False),
    ],
)
def test_every_name_below_the_domain_is_a_services(host: str, ours: bool) -> None:
    assert LOCAL.has(host) is ours


@pytest.mark.parametrize("label", ["", "x.", SHORT[:-1] + ".", f"a-{SHORT}.", f"{SHORT}.{SHORT}."])
def test_other_names_are_nobodys(label: str) -> None:
    with pytest.raises(NotFound):
        LOCAL.by_name(f"{label}svc.localhost:5000", b"/", b"")


@pytest.mark.parametrize("path", ["/d/", "/d/0x12/", f"/d/{JOB}x/", f"/d/{JOB}:/", f"/d/{JOB}:a/"])
def test_other_paths_lead_nowhere(path: str) -> None:
    with pytest.raises(NotFound):
        by_path(path.encode(), b"")


def test_the_folder_is_asked_for_with_its_slash() -> None:
    assert by_path(f"/d/{JOB}".encode(), b"q=1").target == b""
    assert by_path(f"/d/{JOB}/".encode(), b"q=1").target == b"/?q=1"
