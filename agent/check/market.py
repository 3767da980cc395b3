"""Looking at the market: the key, the chain, the schedulers, the port."""

from __future__ import annotations

import asyncio
import email.utils
import errno
import socket
import time
from collections.abc import Mapping
from typing import Any

import httpx
from eth_account.signers.local import LocalAccount
from pydantic import ValidationError
from web3 import AsyncWeb3

from agent.check.lines import Line
from agent.check.market_rules import (
    ChainFound,
    PlaceFound,
    SchedulerFound,
    chain_lines,
    place_lines,
    price_line,
    scheduler_lines,
)
from agent.link.signin import sign_in
from agent.pay.register import TEST_CHAINS
from agent.settings import AgentSettings
from chain.connect import chain_time, connect, open_book
from chain.contracts import AddressBook
from chain.convert import rates_of
from chain.errors import DraasError, TooMany
from chain.escrow import Escrow
from chain.job import Address, Rates
from chain.keys import load_account
from chain.market_api import AgentPage
from chain.messages import Domain
from chain.rpc import request
from chain.settings import url_at
from chain.token import Token

ANSWER_SECONDS = 10.0
MOST_BYTES = 2 * 1024**2


async def look_at_market(settings: AgentSettings, environ: Mapping[str, str]) -> list[Line]:
    """Every line about the market."""
    try:
        account = await asyncio.to_thread(load_account, environ, "DRAAS_")
    except DraasError as error:
        return [Line("key", "fail", error.message, error.fix)]
    me = Address(account.address)
    lines = [Line("key", "ok", f"agent {me}")]
    try:
        book, found = await _look_at_chain(settings, environ, me)
    except DraasError as error:
        fix = error.fix or "Check RPC_URL."
        return [*lines, Line("chain", "fail", error.message, fix), *await _place(settings, me)]
    lines += chain_lines(found, settings.capacity)
    domain = Domain(book.chain_id, book.escrow)
    asked = [_look_at_scheduler(url, account, domain) for url in settings.scheduler_urls]
    schedulers = await asyncio.gather(*asked)
    lines += scheduler_lines(schedulers)
    others = next((one.asked for one in schedulers if not one.fault), ())
    return [*lines, *await _place(settings, me), price_line(settings.rates, others)]


async def _look_at_chain(
    settings: AgentSettings, environ: Mapping[str, str], me: Address
) -> tuple[AddressBook, ChainFound]:
    w3 = connect(settings.rpc_url)
    try:
        book = await open_book(w3, settings.home, environ)
        return book, await _chain_found(w3, book, me)
    finally:
        await w3.provider.disconnect()


async def _chain_found(w3: AsyncWeb3[Any], book: AddressBook, me: Address) -> ChainFound:
    escrow, token = Escrow.of(w3, book), Token(w3, book.token, book.token_abi)
    parameters, provider = await escrow.parameters(), await escrow.provider(me)
    gas = int(await request(w3, "eth_getBalance", me, "latest"), 16)
    head = await chain_time(w3)
    return ChainFound(
        chain_id=book.chain_id,
        escrow=book.escrow,
        gas=gas,
        tokens=await token.balance_of(me),
        bonded=provider.bonded,
        leaving=provider.unbond_at > 0,
        bond_per_unit=parameters.bond_per_unit,
        faucet=book.chain_id in TEST_CHAINS,
        ahead_s=head - time.time(),
    )


async def _look_at_scheduler(url: str, account: LocalAccount, domain: Domain) -> SchedulerFound:
    """Sign in as the agent does, and read what the other agents ask."""
    try:
        await sign_in(url, account, domain)
        offset, asked = await _others(url, account.address)
    except TooMany:
        return SchedulerFound(url)  # it answers, and knows us
    except DraasError as error:
        return SchedulerFound(url, error.message, error.fix)
    return SchedulerFound(url, offset_s=offset, asked=asked)


async def _others(url: str, me: str) -> tuple[float | None, tuple[Rates, ...]]:
    """Its clock less ours, and the rates of its live agents but us; nothing where it does not say."""
    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as http:
            answer = await http.get(f"{url}/v1/agents", params={"live": "true", "limit": "100"})
        if len(answer.content) > MOST_BYTES:
            return None, ()
        page = AgentPage.model_validate_json(answer.content)
    except (httpx.HTTPError, ValidationError):
        return None, ()
    asked = [one.rates for one in page.items if one.agent.lower() != me.lower()]
    return offset_of(answer.headers.get("date", ""), time.time()), tuple(
        rates_of(body) for body in asked if body is not None
    )


def offset_of(date: str, now: float) -> float | None:
    """A Date header's time less ours, in seconds; None when it is none. It tells whole seconds, without fractions."""
    try:
        told = email.utils.parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError):
        return None
    return 0.0 if told <= now < told + 1 else told + 0.5 - now


async def _place(settings: AgentSettings, me: Address) -> list[Line]:
    ours = await _listens(settings.ip, settings.port, me)
    free, local = await asyncio.to_thread(_bind, settings.ip, settings.port)
    found = PlaceFound(settings.ip, settings.port, free, ours, local)
    return place_lines(found, settings.scheduler_urls)


async def _listens(ip: str, port: int, me: Address) -> bool:
    """Whether an agent of this key answers there."""
    try:
        async with httpx.AsyncClient(timeout=3.0, trust_env=False) as http:
            answer = await http.get(f"{url_at(ip, port)}/v1/status")
        body = answer.json()
    except (httpx.HTTPError, ValueError):
        return False
    if not isinstance(body, dict) or "capacity" not in body:
        return False
    return str(body.get("agent", "")).lower() == me.lower()


def _bind(ip: str, port: int) -> tuple[bool, bool]:
    """Whether nobody listens there, and whether the address is one of this machine's."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ip, port))
        except OSError as error:
            return False, error.errno != errno.EADDRNOTAVAIL
    return True, True
