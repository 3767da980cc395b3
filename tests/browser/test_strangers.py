"""What strangers wrote is text on every page, and nothing secret is where a script could read it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.jobs import HOSTILE, Running
from tests.browser.people import Person, drop_folder
from tests.e2e.folders import a_folder
from tests.e2e.market import TestMarket

INSERT = (
    "INSERT INTO agents (agent, url, version, capacity, attributes, runtimes, gpus, last_seen_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
STORED = """async () => {
  const done = (asked) => new Promise((tell) => { asked.onsuccess = () => tell(asked.result) });
  const text = (_, value) => value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
  const kept = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie];
  for (const {name} of await indexedDB.databases()) {
    const db = await done(indexedDB.open(name));
    for (const store of db.objectStoreNames)
      kept.push(JSON.stringify(await done(db.transaction(store).objectStore(store).getAll()), text));
    db.close();
  }
  return kept;
}"""


@contextmanager
def providers(market: TestMarket, count: int, region: str, *named: str) -> Iterator[None]:
    """So many more agents in the scheduler's own rows, and those of these addresses; none of them is there any more,
    so none is given a job."""
    path = next(market.home.rglob("scheduler.sqlite3"))
    capacity = json.dumps({"cpu_millis": 4000, "memory_mib": 8192, "egress_kib_s": 1024})
    attributes = json.dumps({"region": region})
    rows = [
        (agent, "", "1", capacity, attributes, '["runc"]', 0, int(time.time() * 1000))
        for agent in (*named, *(f"0x{n:040x}" for n in range(1, count + 1)))
    ]
    with closing(sqlite3.connect(path, timeout=30)) as rows_of, rows_of:
        rows_of.executemany(INSERT, rows)
    try:
        yield
    finally:
        with closing(sqlite3.connect(path, timeout=30)) as rows_of, rows_of:
            rows_of.execute("DELETE FROM agents WHERE version = '1'")


def is_unharmed(page: Page) -> bool:
    """No stranger's element was made, and no script of theirs ran."""
    return page.title() != "owned" and page.locator("img[src=x]").count() == 0


def test_a_log_line_is_text(owner: Person, chatty: Running) -> None:
    page = owner.open(chatty.path)
    owner.connect()
    page.get_by_role("tab", name="Logs").click()
    owner.sign_in()
    page.get_by_label("Search the log").fill("owned")
    expect(page.get_by_role("log")).to_contain_text(HOSTILE)
    assert is_unharmed(page)


def test_a_providers_record_is_text(market: TestMarket, site: str, page: Page) -> None:
    with providers(market, 1, HOSTILE):
        page.goto(site)
        page.get_by_label("Search address, region, attribute").fill("owned")
        expect(page.get_by_role("region", name="Marketplace")).to_contain_text(HOSTILE)
        assert is_unharmed(page)


def test_a_manifest_and_the_names_of_files_are_text(person: Person, tmp_path: Path) -> None:
    name = HOSTILE.replace("/", "")
    folder = a_folder(
        tmp_path / name,
        {"main.py": "print(1)\n", name: ""},
        name=f"'{HOSTILE.replace(chr(39), '')}'",
    )
    page = person.open("/post")
    drop_folder(page, folder)
    expect(page.get_by_label("Name")).to_have_value(HOSTILE.replace("'", ""))
    expect(page.get_by_role("alert").filter(has_text="name")).to_be_visible()
    expect(page.get_by_role("heading", name="owned")).to_contain_text("<img")
    assert is_unharmed(page)


def test_no_key_and_no_token_is_where_a_script_can_read_it(
    owner: Person, chatty: Running, tmp_path: Path
) -> None:
    page = owner.open("/post")
    drop_folder(page, a_folder(tmp_path / "mine", {"main.py": "print('kept for me')\n"}))
    owner.connect()
    expect(page.get_by_role("button", name="Sign and post")).to_be_visible()
    owner.open(chatty.path)
    page.get_by_role("tab", name="Logs").click()
    owner.sign_in()
    expect(page.get_by_role("log")).to_contain_text("at 1")
    cookies = [one for one in page.context.cookies() if one["name"].startswith("draas")]
    assert len(cookies) == 1
    assert cookies[0]["httpOnly"]
    assert cookies[0]["sameSite"] in ("Lax", "Strict")
    kept = "".join(page.evaluate(STORED))
    assert "wagmi" in kept  # so much for the empty case: which wallet was used is there,
    assert "kept for me" in kept  # and what is about to be posted
    for secret in (cookies[0]["value"], owner.account.key.hex().removeprefix("0x")):
        assert secret not in kept
