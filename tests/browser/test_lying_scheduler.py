"""What a scheduler says of a folder is held against the folder, before anybody is asked to sign."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Route, expect

from chain.bundle import pack
from tests.browser.people import Person, drop_folder
from tests.e2e.folders import a_script


def test_what_was_stored_has_to_be_what_was_dropped(person: Person, tmp_path: Path) -> None:
    folder = a_script(tmp_path / "mine", "echo mine")
    (folder / "data").write_bytes(bytes(range(256)) * 4096)  # more than one block
    other = pack(a_script(tmp_path / "theirs", "echo theirs")).cid
    is_swapped = True

    def answered(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        swapped = told | {"cid": other, "terms": told["terms"] | {"cid": other}}
        route.fulfill(response=answer, json=swapped if is_swapped else told)

    page = person.open("/post")
    page.route("**/v1/bundles?*", answered)
    drop_folder(page, folder)
    refusal = page.get_by_text(f"The scheduler stored {other}")
    expect(refusal).to_be_visible()
    expect(page.get_by_text("The most that can be spent")).to_have_count(0)
    is_swapped = False
    page.get_by_label("Memory", exact=True).fill("48M")
    expect(page.get_by_text("The most that can be spent")).to_be_visible()
    expect(refusal).to_have_count(0)
    page.unroute_all()
