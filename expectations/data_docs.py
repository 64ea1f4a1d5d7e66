"""Great Expectations' Data Docs of the last run, as a folder that needs no network to be looked at."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from warehouse.observability.records import CheckResult
from warehouse.settings import Settings

STYLES = Path(__file__).with_name("data_docs.css")
SITE = "data_docs"
# What the pages of GX fetch from other hosts: style sheets, scripts, a logo.
FROM_ELSEWHERE = re.compile(
    r"<script\b[^>]*\bsrc=\s*[\"']https?://[^>]*>\s*</script>"
    r"|<link\b[^>]*\bhref=\s*[\"']https?://[^>]*>"
    r"|<img\b[^>]*\bsrc=\s*[\"']https?://[^>]*>"
    r"|url\(\s*[\"']?https?://[^)]*\)"
    r"|<footer>.*?</footer>",
    re.IGNORECASE | re.DOTALL,
)
# Those that are left call what was fetched.
SCRIPT = re.compile(r"<script\b(?![^>]*\bsrc=).*?</script>", re.IGNORECASE | re.DOTALL)


def docs_folder(settings: Settings) -> Path:
    return settings.data_dir / "expectations" / "docs"


def first_page(settings: Settings) -> Path:
    return docs_folder(settings) / "index.html"


@contextmanager
def served(settings: Settings, port: int) -> Iterator[str]:
    """The pages under an address on loopback, for links: a browser opens no file from a page of Dagster. Where the port
    is taken, on another one."""
    handler = partial(_Pages, directory=str(docs_folder(settings)))
    try:
        opened = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError:
        opened = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with opened as server:
        Thread(target=server.serve_forever, name="data docs", daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()


class _Pages(SimpleHTTPRequestHandler):
    def list_directory(self, path: Any) -> None:
        self.send_error(404, "There are no pages yet: millrace expectations run")

    def log_message(self, *_: Any) -> None: ...


def build(settings: Settings, context: Any, results: Mapping[str, Sequence[CheckResult]]) -> Path:
    """The pages of this run in place of those of the last; whoever reads them meanwhile sees the one or the other."""
    folder = docs_folder(settings)
    new = folder.with_name("docs.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True, mode=0o700)
    context.add_data_docs_site(
        site_name=SITE,
        site_config={
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(new)},
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "show_cta_footer": False},
        },
    )
    context.build_data_docs(site_names=[SITE])
    style = f"<style>\n{STYLES.read_text(encoding='utf-8')}</style>\n</head>"
    for page in new.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        text = SCRIPT.sub("", FROM_ELSEWHERE.sub("", text))
        page.write_text(text.replace("</head>", style, 1), encoding="utf-8")
        page.chmod(0o600)
    (new / "index.html").write_text(_index(new, results, style), encoding="utf-8")  # that of GX is drawn by scripts
    old = folder.with_name("docs.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    return first_page(settings)


def _index(folder: Path, results: Mapping[str, Sequence[CheckResult]], style: str) -> str:
    rows = []
    for title, of_suite in sorted(results.items()):
        page = next((folder / "validations" / title.replace(".", "/")).rglob("*.html"), None)
        name = escape(title)
        link = f'<a href="{escape(page.relative_to(folder).as_posix())}">{name}</a>' if page else name
        counts = Counter(result.status for result in of_suite)
        told = "<br>".join(escape(result.message) for result in of_suite if result.failed)
        rows.append(
            f"<tr><td>{link}</td><td>{escape(of_suite[0].asset)}</td><td>{counts['pass']}</td>"
            f"<td>{counts['fail'] + counts['error']}</td><td>{counts['skipped']}</td><td>{told}</td></tr>"
        )
    heads = "".join(
        f"<th>{head}</th>" for head in ("suite and project", "table", "pass", "fail", "skipped", "what failed")
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Expectations</title>{style}'
        f"<body><h1>Expectations</h1><p>The last run of each suite, project by project.</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></body></html>\n"
    )
