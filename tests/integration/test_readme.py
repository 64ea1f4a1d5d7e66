"""What README tells people to run, runs: every block marked `sh runnable`, top to bottom."""

from __future__ import annotations

import re
import shutil
import subprocess
import urllib.request

import pytest

from tests.support import MILLRACE, REPOSITORY, Instance

README = (REPOSITORY / "README.md").read_text()
BLOCKS = re.findall(r"^```sh runnable\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_readme_has_runnable_blocks() -> None:
    assert len(BLOCKS) >= 2


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_a_runnable_block_runs(instance: Instance, block: str) -> None:
    environment = {**instance.environment, "PATH": f"{MILLRACE.parent}:{instance.environment['PATH']}"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_two_commands_are_targets_of_make() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_every_link_of_the_documents_leads_somewhere() -> None:
    for document in (REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").rglob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_demo_runs_and_says_what_to_do_next(instance: Instance) -> None:
    for folder in ("alerts", "reports"):
        shutil.copytree(REPOSITORY / folder, instance.project_dir / folder)
    done = instance.run("demo")
    assert done.returncode == 0, done.stderr
    assert "What to do next" in done.stdout
    assert "millrace status" in done.stdout
    address = re.search(r"Superset at (http://127\.0\.0\.1:\d+)", done.stdout)
    assert address
    with urllib.request.urlopen(f"{address[1]}/login/") as page:
        assert page.status == 200
