import pytest

from scheduler.api.origins import Names, names_of

LOCAL = names_of("127.0.0.1", 5000, (), (), ())
PUBLIC = names_of(
    "0.0.0.0",
    5000,
    ("draas.example",),
    ("https://market.example",),
    ("10.0.0.0/8", "fd00::1"),
)


@pytest.mark.parametrize(
    ("names", "host", "served"),
    [
        (LOCAL, "127.0.0.1:5000", True),
        (LOCAL, "localhost:5000", True),
        (LOCAL, "[::1]:5000", True),
        (LOCAL, "192.168.1.7:5000", True),  # a number cannot be rebound
        (LOCAL, "evil.example", False),
        (LOCAL, "evil.example:5000", False),
        (LOCAL, "localhost.evil.example", False),
        (LOCAL, "127.0.0.1.evil.example", False),
        (LOCAL, "", False),
        (LOCAL, "user@localhost", False),
        (LOCAL, "localhost:port", False),
        (PUBLIC, "draas.example", True),
        (PUBLIC, "DRAAS.example:443", True),
        (PUBLIC, "other.example", False),
    ],
)
def test_only_requests_for_this_schedulers_names_are_served(
    names: Names, host: str, served: bool
) -> None:
    assert names.serves(host) is served


def test_one_signs_in_only_at_a_name_and_port_that_is_this_schedulers() -> None:
    assert LOCAL.domains("127.0.0.1:5000") == {"127.0.0.1:5000"}
    assert LOCAL.domains("127.0.0.1:6000") == set()  # another program may listen there
    assert LOCAL.domains("6.6.6.6:5000") == set()  # served, but anybody can call us that
    assert PUBLIC.domains("draas.example") == {"draas.example", "market.example"}


def test_a_page_is_ours_when_it_comes_from_here_or_was_named() -> None:
    assert LOCAL.own_origin("http://127.0.0.1:5000", "127.0.0.1:5000")
    assert not LOCAL.own_origin("http://127.0.0.1:5001", "127.0.0.1:5000")
    assert not LOCAL.own_origin("null", "127.0.0.1:5000")
    assert PUBLIC.own_origin("https://market.example", "draas.example")
    assert not PUBLIC.own_origin("http://market.example", "draas.example")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.5", ["1.2.3.4"], "203.0.113.5"),  # nobody's word but a proxy's
        ("10.0.0.2", ["1.2.3.4"], "1.2.3.4"),
        ("10.0.0.2", ["6.6.6.6, 1.2.3.4, 10.0.0.3"], "1.2.3.4"),
        ("10.0.0.2", ["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
        ("10.0.0.2", [], "10.0.0.2"),
        ("10.0.0.2", ["rubbish"], "10.0.0.2"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::"),
        ("::ffff:1.2.3.4", [], "1.2.3.4"),
        ("", [], ""),
    ],
)
def test_who_asks_is_the_peer_or_whom_a_trusted_proxy_names(
    peer: str, forwarded: list[str], client: str
) -> None:
    assert PUBLIC.client(peer, forwarded) == client
