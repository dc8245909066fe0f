"""What the server tells browsers, and that the app works under it."""

import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Browser

PATIENCE = 300_000
PAGES = ("", "compare", "models", "performance", "errors", "batch", "about")


def test_every_answer_has_the_headers(address):
    for path in ("/", "/_stcore/health", "/performance", "/no/such/thing"):
        try:
            headers = urllib.request.urlopen(address + path).headers
        except urllib.error.HTTPError as error:
            headers = error.headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "SAMEORIGIN"
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'self'" in policy and "'unsafe-eval'" not in policy
        assert "script-src 'self' blob: 'wasm-unsafe-eval' 'sha256-" in policy


def test_metrics_are_off(address):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{address}/_stcore/metrics")


@pytest.mark.slow
def test_no_page_is_hindered_by_the_policy(browser: Browser, address):
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(f"Content Security? {error}"))
    page.goto(f"{address}/?sample=chest")
    page.locator("canvas[role=img]").first.wait_for()
    for name in PAGES:
        page.goto(f"{address}/{name}")
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_timeout(2000)
    assert [text for text in said if "Content Security" in text or "content-security" in text] == []
    # and it does hinder a stranger's picture
    page.evaluate(
        "() => { document.body.append(Object.assign(new Image(), {src: 'http://x.invalid/'})); }"
    )
    page.wait_for_timeout(500)
    assert any("Content Security Policy" in text for text in said)
    page.close()
