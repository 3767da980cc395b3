"""What the environment says."""

from __future__ import annotations

import os
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from chain.manifest import IMAGE
from chain.recipes.recognise import DEFAULT_BASES
from chain.settings import EVERYWHERE, ChainSettings, Env, is_origin, is_registry, url_at
from scheduler.api.guard import Limits
from scheduler.api.origins import Names, names_of
from scheduler.images.image import Registry
from scheduler.images.limits import BuildLimits, read_limits
from scheduler.ingress.places import Places

MAX_NAME = 40  # characters


@dataclass(frozen=True, slots=True)
class PinSettings:
    """What is kept on IPFS.

    Args:
        keep_s: seconds after a job is closed.
        url, token: of a service of the IPFS pinning API that keeps it too; "" for none.
    """

    keep_s: int = 7 * 86400
    url: str = ""
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """A scheduler's settings. Times in seconds, sizes in bytes unless named otherwise."""

    home: Path
    rpc_url: str
    database_url: str
    host: str = "127.0.0.1"
    port: int = 5000
    confirmations: int = 0
    gateway_port: int = 0
    heartbeat_s: int = 2
    token_s: int = 600  # for which an agent's session token holds
    logins_per_s: int = 20  # of agents, from one network address; five times as many at once
    offer_s: int = 60  # for which an assignment may be used
    refund_after_s: int = 10  # after which the scheduler refunds by itself
    fetch_s: int = 30
    head_age_s: int = 0  # of the newest block, above which the chain counts as degraded; 0: never
    max_bundle_bytes: int = 64 * 1024**2
    max_log_bytes: int = 16 * 1024**2
    builds_at_once: int = 2
    builds_per_consumer: int = 1
    image_keep_s: int = 86400  # after the last job that needed it
    log_keep_s: int = 30 * 86400  # after a job is closed
    pins: PinSettings = field(default_factory=PinSettings)
    lease_s: int = (
        30  # after which a scheduler that fell silent loses the jobs it worked on to another
    )
    database_pool: int = 10  # connections to PostgreSQL
    name: str = ""  # in leases and logs; the machine's by default
    watch_min: int = (
        0  # base units that a dispute must be about; 0: its bond, which is what it puts at risk
    )
    watch_silence_s: int = (
        300  # of being billed without a word of the run, while other agents are heard
    )
    bases: Mapping[str, str] = field(default_factory=dict)  # language → base image
    build: BuildLimits = field(default_factory=BuildLimits)
    build_cache_bytes: int = 20 * 1024**3  # of all that builds have left on the Engine
    registry: Registry | None = None
    names: Names = field(default_factory=lambda: names_of("127.0.0.1", 5000, (), (), ()))
    limits: Limits = field(default_factory=Limits)
    session_s: int = 3600  # a consumer's
    places: Places = field(default_factory=lambda: Places("http://127.0.0.1:5000"))


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read all of it.

    Raises:
        InvalidInput: names every fault at once.
    """
    env = Env(environ)
    chain = ChainSettings.read_with(env)
    builds = env.whole("BUILDS_AT_ONCE", 2, low=1, high=64)
    host = env.text("SCHEDULER_HOST", "127.0.0.1")
    port = env.whole("SCHEDULER_PORT", 5000, low=1, high=65535)
    settings = Settings(
        home=chain.home,
        rpc_url=chain.rpc_url,
        database_url=env.text("DATABASE_URL", f"sqlite:///{chain.home / 'scheduler.sqlite3'}"),
        host=host,
        port=port,
        confirmations=env.whole("CONFIRMATIONS", 0, low=0, high=1000),
        gateway_port=env.whole("IPFS_GATEWAY_PORT", 0, low=0, high=65535),
        heartbeat_s=env.whole("HEARTBEAT_S", 2, low=1, high=60),
        token_s=env.whole("TOKEN_S", 600, low=10, high=86400),
        logins_per_s=env.whole("LOGINS_PER_S", 20, low=1, high=100_000),
        refund_after_s=env.whole("REFUND_AFTER_S", 10, low=0, high=86400),
        fetch_s=env.whole("FETCH_S", 30, low=1, high=3600),
        head_age_s=env.whole("HEAD_AGE_S", 0, low=0, high=86400),
        max_bundle_bytes=1024**2 * env.whole("MAX_BUNDLE_MIB", 64, low=1, high=512),
        builds_at_once=builds,
        # A slot is always left to others, where there is more than one.
        builds_per_consumer=env.whole("BUILDS_PER_CONSUMER", max(1, builds - 1), low=1, high=64),
        image_keep_s=env.whole("IMAGE_KEEP_S", 86400, low=0, high=365 * 86400),
        max_log_bytes=1024**2 * env.whole("MAX_LOG_MIB", 16, low=1, high=1024),
        log_keep_s=env.whole("LOG_KEEP_S", 30 * 86400, low=0, high=3650 * 86400),
        pins=_pins(env),
        lease_s=env.whole("LEASE_S", 30, low=3, high=3600),
        database_pool=env.whole("DATABASE_POOL", 10, low=2, high=100),
        name=env.text("SCHEDULER_NAME"),
        watch_min=env.whole("WATCH_MIN", 0, low=0, high=10**24),
        watch_silence_s=env.whole("WATCH_SILENCE_S", 300, low=10, high=86400),
        bases=_bases(env),
        build_cache_bytes=1024**2 * env.whole("BUILD_CACHE_MIB", 20480, low=0, high=2**30),
        build=read_limits(env),
        registry=_registry(env),
        names=_names(env, host, port),
        limits=_limits(env),
        session_s=env.whole("SESSION_S", 3600, low=60, high=86400),
        places=_places(env, host, port),
    )
    if any(mark.isspace() for mark in settings.name) or len(settings.name) > MAX_NAME:
        env.fault(f"SCHEDULER_NAME has spaces or more than {MAX_NAME} characters")
    env.done()
    return settings


def _registry(env: Env) -> Registry | None:
    """Where images are pushed to: DOCKER_REGISTRY, else Docker Hub with DOCKER_HUB_PUSH; None for nowhere."""
    host, hub = env.text("DOCKER_REGISTRY"), env.flag("DOCKER_HUB_PUSH", False)
    if host and hub:
        env.fault("DOCKER_REGISTRY and DOCKER_HUB_PUSH name two registries: set one of them")
    if host:
        if not is_registry(host):
            env.fault(f"DOCKER_REGISTRY is {host!r}, and not like registry.example:5000")
        return Registry(env.text("DOCKER_USERNAME"), env.text("DOCKER_PASSWORD"), host)
    if not hub:
        return None
    username, password = env.required("DOCKER_USERNAME"), env.required("DOCKER_PASSWORD")
    return Registry(username or "", password or "")


def _limits(env: Env) -> Limits:
    return Limits(
        requests_per_s=env.whole("REQUESTS_PER_S", 100, low=1, high=10**6),
        streams_each=env.whole("STREAMS_PER_CLIENT", 20, low=1, high=10**6),
        streams=env.whole("STREAMS", 1000, low=1, high=10**6),
        followers_each=env.whole("FOLLOWERS_PER_CLIENT", 200, low=1, high=10**6),
        followers=env.whole("FOLLOWERS", 5000, low=1, high=10**6),
    )


def _pins(env: Env) -> PinSettings:
    return PinSettings(
        env.whole("PIN_KEEP_S", 7 * 86400, low=0, high=3650 * 86400),
        env.url("IPFS_PINNING_URL").rstrip("/"),
        env.text("IPFS_PINNING_TOKEN"),
    )


def _bases(env: Env) -> dict[str, str]:
    """BASE_IMAGES, like python=python:3.12-slim@sha256:…,go=golang:1.25."""
    pairs = [
        word.strip().partition("=") for word in env.text("BASE_IMAGES").split(",") if word.strip()
    ]
    for language, _, image in pairs:
        if language not in DEFAULT_BASES or re.match(IMAGE, image) is None:
            known = ", ".join(DEFAULT_BASES)
            env.fault(f"BASE_IMAGES has {language}={image}: write language=image, for {known}")
    return {language: image for language, _, image in pairs}


def _names(env: Env, host: str, port: int) -> Names:
    """How this scheduler is called, which front ends elsewhere may use it, and whose word on addresses counts."""
    hosts, origins, proxies = (
        [word.strip() for word in env.text(name).split(",") if word.strip()]
        for name in ("ALLOWED_HOSTS", "ALLOWED_ORIGINS", "TRUSTED_PROXIES")
    )
    for origin in origins:
        if not is_origin(origin):
            env.fault("ALLOWED_ORIGINS holds what is not like https://market.example")
    try:
        return names_of(host, port, hosts, origins, proxies)
    except ValueError:
        env.fault("TRUSTED_PROXIES holds what is neither an address nor a network")
        return names_of(host, port, (), (), ())


def _places(env: Env, host: str, port: int) -> Places:
    """Where services are reached: at our own address by path, and by name below a domain that is theirs alone."""
    known = url_at("127.0.0.1" if host in EVERYWHERE else host, port)
    url = env.origin("PUBLIC_URL", known, "https://market.example")
    if not is_origin(url):
        return Places(known, "")  # nobody sees it: the fault is told
    named = urlsplit(url).hostname or ""
    local = named in ("localhost", "127.0.0.1", "::1")
    domain = env.text("INGRESS_DOMAIN", "svc.localhost" if local else "").lower().strip(".")
    own = [name.strip().partition(":")[0].lower() for name in env.text("ALLOWED_HOSTS").split(",")]
    for name in {*own, named} - {"", "localhost"}:
        if (domain and f".{name}".endswith(f".{domain}")) or f".{domain}".endswith(f".{name}"):
            env.fault(
                f"INGRESS_DOMAIN is not apart from {name}: a service's page could set its cookies; use another domain"
            )
    return Places(url, domain)


def name_process(settings: Settings) -> str:
    """A name that no other process has, nor will this one after a restart."""
    name = settings.name or socket.gethostname()[:MAX_NAME]
    return f"{name}:{os.getpid()}:{secrets.token_hex(4)}"
