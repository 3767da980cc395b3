"""A node that takes a wallet's transactions and keeps them: what a page says before their block can be looked at."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from playwright.sync_api import Locator, expect
from web3 import Web3

from tests.browser.people import Person


class SlowNode(ThreadingHTTPServer):
    """Everything is the other node's answer, but a transaction is answered at once and passed on when that is asked."""

    def __init__(self, rpc_url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.rpc_url = rpc_url
        self.kept: list[dict[str, Any]] = []

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["method"] != "eth_sendRawTransaction":
            told = httpx.post(self.rpc_url, json=asked, timeout=30, trust_env=False)
            return dict(told.json())
        self.kept.append(asked)
        hash_ = Web3.to_hex(Web3.keccak(hexstr=asked["params"][0]))
        return {"jsonrpc": "2.0", "id": asked["id"], "result": hash_}

    def pass_on(self) -> None:
        """To the other node, which mines at once."""
        while self.kept:
            told = httpx.post(self.rpc_url, json=self.kept.pop(0), timeout=30, trust_env=False)
            assert "error" not in told.json(), told.text


class _Passing(BaseHTTPRequestHandler):
    server: SlowNode

    def do_POST(self) -> None:
        """A question as JSON."""
        told = self.server.answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def slowly(person: Person) -> Iterator[SlowNode]:
    """The person's wallet has such a node."""
    with SlowNode(str(person.market.facts["rpc_url"])) as node:
        threading.Thread(target=node.serve_forever, daemon=True).start()
        here = person.market.w3.eth.chain_id
        person.hold_again(here, f"http://127.0.0.1:{node.server_port}")
        try:
            yield node
        finally:
            person.hold_again(here)
            node.shutdown()


def reloads_before_its_block(person: Person, call: str, act: Any) -> Locator:
    """Send something, and load the page anew before its block: the page says what was sent, and what became of it."""
    page = person.page
    with slowly(person) as node:
        person.wallet.confirm("Send", act)
        expect(page.get_by_text("Sent. Waiting for its block…")).to_be_visible()
        person.reload()
        before = page.get_by_role("region", name="Your transaction")
        expect(before).to_contain_text(call)
        expect(before).to_contain_text("Sent. Waiting for its block…")
        node.pass_on()
    expect(before).to_contain_text("In a block.")
    return before
