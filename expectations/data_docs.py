"""Great Expectations' Data Docs of the last run, as a folder that needs no network to be looked at."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from expectations.session import AT_THE_END, RUN
from expectations.suites import read_suites
from warehouse.observability.records import CheckResult
from warehouse.settings import Settings

STYLES = Path(__file__).with_name("data_docs.css")
SITE = "data_docs"
ROWS = "rows.json"  # of the index, for the next run
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
    """The pages of this run in place of those that its suites had; whoever reads them meanwhile sees the one or the
    other. `results`: by the title of a page."""
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
    rows = {title: _row(new, title, of_suite) for title, of_suite in results.items()} | _kept(folder, new, results)
    (new / ROWS).write_text(json.dumps(rows), encoding="utf-8")
    (new / "index.html").write_text(_index(rows, style), encoding="utf-8")  # that of GX is drawn by scripts
    old = folder.with_name("docs.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    return first_page(settings)


def _kept(folder: Path, new: Path, results: Collection[str]) -> dict[str, dict[str, Any]]:
    """Pages of suites that were not judged now, and are still declared."""
    try:
        rows = json.loads((folder / ROWS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    judged, declared = {_suite_and_project(title) for title in results}, read_suites()
    kept = {
        title: row
        for title, row in rows.items()
        if _suite_and_project(title) not in judged and title.partition(".")[0] in declared
    }
    for title, row in kept.items():
        for page in (row["page"], f"expectations/{title.replace('.', '/')}.html"):
            if page and (folder / page).is_file():
                (new / page).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(folder / page, new / page)
    return kept


def _suite_and_project(title: str) -> str:
    return title.removesuffix(AT_THE_END)


def _row(folder: Path, title: str, of_suite: Sequence[CheckResult]) -> dict[str, Any]:
    # By the name of the run: the pages of the rest of a suite lie in a folder below those of its first part.
    page = next((folder / "validations" / title.replace(".", "/") / RUN).rglob("*.html"), None)
    counts = Counter(result.status for result in of_suite)
    return {
        "page": page.relative_to(folder).as_posix() if page else "",
        "table": of_suite[0].asset,
        "judged at (UTC)": f"{of_suite[-1].checked_at:%Y-%m-%d %H:%M}",
        "pass": counts["pass"],
        "fail": counts["fail"] + counts["error"],
        "skipped": counts["skipped"],
        "what failed": [result.message for result in of_suite if result.failed],
    }


def _index(rows: Mapping[str, Mapping[str, Any]], style: str) -> str:
    heads = ("table", "judged at (UTC)", "pass", "fail", "skipped")
    lines = []
    for title, row in sorted(rows.items()):
        name = escape(title)
        link = f'<a href="{escape(row["page"])}">{name}</a>' if row["page"] else name
        cells = [link, *(escape(str(row[head])) for head in heads), "<br>".join(map(escape, row["what failed"]))]
        lines.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    named = "".join(f"<th>{head}</th>" for head in ("suite and project", *heads, "what failed"))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Expectations</title>{style}'
        f"<body><h1>Expectations</h1><p>The last run of each suite, project by project.</p>"
        f"<table><thead><tr>{named}</tr></thead><tbody>{''.join(lines)}</tbody></table></body></html>\n"
    )
