"""Where the scheduler says that services are reached."""

from __future__ import annotations

import pytest

from chain.errors import InvalidInput
from scheduler.ingress.places import Places
from scheduler.settings import read_settings


@pytest.mark.parametrize(
    ("environ", "places"),
    [
        ({}, Places("http://127.0.0.1:5000", "svc.localhost")),
        ({"SCHEDULER_HOST": "0.0.0.0"}, Places("http://127.0.0.1:5000", "svc.localhost")),
        ({"SCHEDULER_HOST": "192.0.2.7"}, Places("http://192.0.2.7:5000")),
        ({"PUBLIC_URL": "https://market.example/"}, Places("https://market.example")),
        (
            {"PUBLIC_URL": "https://market.example", "INGRESS_DOMAIN": "Services.example"},
            Places("https://market.example", "services.example"),
        ),
    ],
)
def test_services_have_paths_and_names_where_there_is_a_domain(
    environ: dict[str, str], places: Places
) -> None:
    assert read_settings(environ).places == places


@pytest.mark.parametrize("domain", ["market.example", "svc.market.example", "example"])
@pytest.mark.parametrize("name", ["PUBLIC_URL", "ALLOWED_HOSTS"])
def test_a_domain_whose_pages_could_set_the_schedulers_cookies_is_refused(
    name: str, domain: str
) -> None:
    value = "https://market.example" if name == "PUBLIC_URL" else "market.example:443"
    with pytest.raises(InvalidInput, match="INGRESS_DOMAIN"):
        read_settings({name: value, "INGRESS_DOMAIN": domain})


@pytest.mark.parametrize("url", ["market.example", "https://market.example/path"])
def test_a_public_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="PUBLIC_URL"):
        read_settings({"PUBLIC_URL": url})


def test_what_builds_may_take_reach_and_start_from_is_read() -> None:
    build = read_settings(
        {
            "BUILD_ALLOW": "Index.Example, mirror.example:8443",
            "BUILD_BASES": "python,busybox@sha256:" + "ab" * 32,
            "BUILD_CPUS": "3",
            "BUILD_DISK_MIB": "100",
        }
    ).build
    assert [(place.host, place.ports) for place in build.allow] == [
        ("index.example", (80, 443)),
        ("mirror.example", (8443,)),
    ]
    assert build.bases == ("python", "busybox@sha256:" + "ab" * 32)
    assert (build.cpus, build.disk_mib) == (3, 100)


def test_builds_reach_nothing_unless_it_is_said() -> None:
    assert read_settings({}).build.allow == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BUILD_ALLOW", "https://index.example"),
        ("BUILD_ALLOW", "*"),
        ("BUILD_BASES", "Not An Image"),
    ],
)
def test_faults_in_what_builds_may_do_are_told(name: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        read_settings({name: value})
