"""A page in both sizes and colours, as axe and a picture see it. The pictures are kept."""

from __future__ import annotations

import json
from typing import Any, Literal

from playwright.sync_api import Page

from tests.browser.wallet import ROOT, installed

SHOTS = ROOT / "build" / "screenshots"
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
SERIOUS = ("serious", "critical")
AXE = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
# Text that its own box cuts off, where nothing tells that there is more of it.
CUT = """() => [...document.querySelectorAll('main *, dialog[open] *')].filter((one) => {
  if (one.closest('[role=img]')) return false; // a chart's own boxes
  const style = getComputedStyle(one);
  const cuts = ['hidden', 'clip'].includes(style.overflowX) && style.textOverflow !== 'ellipsis';
  return cuts && one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1 && one.innerText?.trim();
}).map((one) => `cut: ${one.outerHTML.slice(0, 200)}`)"""


def faults_in_each_look(page: Page, name: str) -> dict[str, list[str]]:
    """What is serious or critical to axe, cut, or too wide; by the look. It is left as it was: large and light."""
    told = {}
    SHOTS.mkdir(parents=True, exist_ok=True)
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=SHOTS / f"{name}-{size}-{scheme}.png", full_page=True)
            wide = page.evaluate("document.documentElement.scrollWidth") - width
            found = _serious(page) + page.evaluate(CUT)
            told[f"{size} {scheme}"] = found + ([f"{wide} px too wide"] if wide > 0 else [])
    return {look: faults for look, faults in told.items() if faults}


def _serious(page: Page) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate((installed() / "axe-core" / "axe.min.js").read_text())
    found: list[Any] = page.evaluate(AXE)
    return [
        f"{one['id']}: {json.dumps([node['html'][:200] for node in one['nodes']][:3])}"
        for one in found
        if one["impact"] in SERIOUS
    ]
