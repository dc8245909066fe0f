"""How every page looks: text that can be read, rings around the focus, nothing sideways."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow  # every page in a browser, twice

PATIENCE = 300_000
PAGES = (
    "",
    "compare",
    "compare?sample=chest",
    "models",
    "models?model=chest-14",
    "performance?model=chest-14&film=0.3",
    "performance?model=bone-wrist&section=measures",
    "performance?model=bone-wrist&section=subgroups",
    "errors?model=bone-wrist",
    "batch",
    "about",
)
FAINT = (Path(__file__).parents[1] / "support" / "faint_text.js").read_text()
"""Finds texts whose contrast is below that of WCAG 2.2: 4.5, for large ones 3."""
RING = """() => {
  let one = document.activeElement;
  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
  if (!one || one === document.body) return null;
  const name = one.getAttribute('aria-label') || one.innerText || one.tagName;
  const ringed = (element) => {
    const style = getComputedStyle(element);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  };
  // of a field with buttons the whole is ringed
  let found = false;
  for (let k = 0, each = one; each && k < 3; each = each.parentElement, k++) found ||= ringed(each);
  return {name: name.trim().slice(0, 60), found};
}"""


def opened(browser: Browser, address: str, path: str, width: int, theme: str) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}/{path}")
    page.get_by_role("heading", level=1).first.wait_for()
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stSpinner], [data-testid=stStatusWidget]')"
    )
    page.wait_for_timeout(500)
    return page


@pytest.mark.parametrize("path", PAGES)
def test_text_is_read_in_both_themes_and_nothing_scrolls_sideways_on_a_phone(
    browser: Browser, address: str, path: str
):
    for width, theme in ((1440, "light"), (390, "dark")):
        page = opened(browser, address, path, width, theme)
        assert page.evaluate(FAINT) == [], theme
        wide = page.evaluate(
            "() => { const main = document.querySelector('[data-testid=stMain]');"
            " return main.scrollWidth - main.clientWidth; }"
        )
        assert wide == 0, f"at {width} px"
        page.close()


@pytest.mark.parametrize("path", ["models", "performance?model=chest-14", "batch"])
def test_whatever_has_the_focus_is_ringed(browser: Browser, address: str, path: str):
    page = opened(browser, address, path, 1440, "light")
    names = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        found = page.evaluate(RING)
        if found:
            assert found["found"], found["name"]
            names.add(found["name"])
    assert len(names) > 10
    page.close()


def test_all_models_are_seen_at_once(browser: Browser, address: str):
    page = opened(browser, address, "models", 1440, "light")
    last = page.get_by_role("link", name="Pneumonia in children").bounding_box()
    assert last and last["y"] + last["height"] < 900
    page.get_by_role("link", name="Wrist model").click()
    page.wait_for_url("**/models?model=bone-wrist")
    page.get_by_role("heading", level=1, name="Wrist model").wait_for()
    page.get_by_role("link", name="All models").click()
    page.get_by_role("heading", level=1, name="The models").wait_for()
    page.close()


def test_a_batch_goes_on_while_its_page_is_loaded_anew(browser: Browser, address: str, chest: Path):
    page = opened(browser, address, "batch", 1440, "light")
    page.locator('input[type="file"]').first.set_input_files([chest])
    page.get_by_role("button", name="Remove RG1_UNCI.dcm").wait_for()
    page.get_by_role("button", name="Score these films").click()
    page.wait_for_url("**/batch?batch=*")
    page.reload()
    page.get_by_text("1 of 1 files scored").wait_for()
    assert chest.name not in page.url
    page.close()
