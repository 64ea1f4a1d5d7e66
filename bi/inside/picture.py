"""A dashboard as a guest sees it, as PNG or PDF. Runs in Superset's environment, told on standard input:

{"chromium": path, "url": of the dashboard, "token": of the guest, "tab": its title or "", "charts": how many it has,
"files": {"png" | "pdf": path}}. What cannot be drawn is said on standard error, and no file is written.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Error, sync_playwright

WIDTH, TALLEST = 1600, 8000  # pixels; what is out of sight is not drawn
PATIENCE = 120_000  # milliseconds
GROWTH = 1_500  # of lines and bars
# Each tile has its chart, and nothing is on its way any more.
READY = """expected => {
  const shown = selector => [...document.querySelectorAll(selector)].filter(one => one.offsetParent !== null);
  return shown('[role=alert]').length > 0
    || shown('.dashboard-component-chart-holder .slice_container').length === expected
    && shown('[data-test="loading-indicator"], .loading').length === 0;
}"""
# Where the last tile ends.
END = """() => Math.max(...[...document.querySelectorAll('.dashboard-component-chart-holder, .dashboard-markdown')]
  .filter(one => one.offsetParent !== null).map(one => one.getBoundingClientRect().bottom))"""


def main() -> None:
    told = json.load(sys.stdin)
    try:
        png = picture(told)
    except Error as error:
        sys.exit(error.message.splitlines()[0])
    for format, path in told["files"].items():
        if format == "png":
            Path(path).write_bytes(png)
        else:
            Image.open(io.BytesIO(png)).convert("RGB").save(path, "PDF", resolution=96)


def picture(told: dict) -> bytes:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=told["chromium"], args=["--disable-gpu"])
        context = browser.new_context(
            viewport={"width": WIDTH, "height": TALLEST}, extra_http_headers={"X-GuestToken": told["token"]}
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(told["url"])
        if told["tab"]:
            page.locator(".ant-tabs-tab").filter(has_text=told["tab"]).click()
        page.wait_for_function(READY, arg=told["charts"])
        page.wait_for_timeout(GROWTH)
        faults = page.locator("[role=alert]:visible").all_inner_texts()
        if faults:
            sys.exit(f"it shows {' '.join(faults[0].split())[:300]!r}")
        return page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": min(page.evaluate(END) + 16, TALLEST)})


main()
