"""What ops/ says of Kubernetes and Terraform: valid, without internet, and of settings and commands that there are."""

from __future__ import annotations

import re
from typing import Any

import hcl2
import kubernetes_validate
import pytest
import yaml

from cli.main import COMMANDS, commands_of
from tests.support import REPOSITORY
from warehouse.settings import Settings

OPS = REPOSITORY / "ops"
KUBERNETES = "1.33"
MANIFESTS: list[dict[str, Any]] = list(yaml.safe_load_all((OPS / "kubernetes" / "millrace.yaml").read_text()))
TERRAFORM = (OPS / "terraform" / "main.tf").read_text()
OF_KIND = {one["kind"]: one for one in MANIFESTS}
POD = OF_KIND["Deployment"]["spec"]["template"]["spec"]
CONTAINERS = [*POD["initContainers"], *POD["containers"]]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=[one["kind"] for one in MANIFESTS])
def test_a_manifest_is_what_its_kind_is_made_of(manifest: dict[str, Any]) -> None:
    assert kubernetes_validate.validate(manifest, KUBERNETES, strict=True) == KUBERNETES
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**manifest, "colour": "red"}, KUBERNETES, strict=True)


def test_they_name_settings_that_there_are() -> None:
    named = OF_KIND["ConfigMap"]["data"]
    known = {f"MILLRACE_{field.upper()}" for field in Settings.model_fields}
    assert set(named) <= known and len(named) > 3
    assert not [name for name in named if "PASSWORD" in name or "SECRET" in name or "KEY" in name]


@pytest.mark.parametrize("container", CONTAINERS, ids=[one["name"] for one in CONTAINERS])
def test_a_container_runs_a_command_with_options_that_there_are(container: dict[str, Any]) -> None:
    program, name, *options = container["args"]
    assert program == "millrace"
    command = commands_of(COMMANDS[name])[name]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {one for one in options if one.startswith("--")} <= known


def test_what_refers_to_another_finds_it() -> None:
    labels = OF_KIND["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        OF_KIND["Deployment"]["spec"]["selector"]["matchLabels"],
        OF_KIND["Service"]["spec"]["selector"],
        OF_KIND["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    (claim,) = POD["volumes"]
    assert claim["persistentVolumeClaim"]["claimName"] == OF_KIND["PersistentVolumeClaim"]["metadata"]["name"]
    ports = {port["name"] for one in CONTAINERS for port in one.get("ports", ())}
    assert OF_KIND["Service"]["spec"]["ports"][0]["targetPort"] in ports
    sources = [next(iter(one.values()))["name"] for one in CONTAINERS[0]["envFrom"]]
    made_by_terraform = re.search(r'"kubernetes_secret" "\w+" \{\s+metadata \{\s+name\s+= "(\w+)"', TERRAFORM)
    assert made_by_terraform
    assert set(sources) == {OF_KIND["ConfigMap"]["metadata"]["name"], made_by_terraform[1]}


def test_terraform_reads_and_names_only_what_it_declares() -> None:
    read = hcl2.loads(TERRAFORM)  # which refuses what is not the language
    declared = {f"var.{next(iter(one)).strip(chr(34))}" for one in read["variable"]}
    declared |= {f"local.{name}" for one in read["locals"] for name in one if not name.startswith("__")}
    assert set(re.findall(r"\b(?:var|local)\.\w+", TERRAFORM)) == declared
    resources = {
        ".".join((kind.strip('"'), next(iter(of)).strip('"'))) for one in read["resource"] for kind, of in one.items()
    }
    assert set(re.findall(r"\bkubernetes_\w+\.\w+", TERRAFORM)) <= resources


def test_terraform_gives_each_manifest_its_image_and_its_name() -> None:
    """By text, as it does it: the pieces between the lines of dashes, and the image that each names."""
    text = (OPS / "kubernetes" / "millrace.yaml").read_text()
    assert r'split("\n---\n", file("${path.module}/../kubernetes/millrace.yaml"))' in TERRAFORM
    pieces = [yaml.safe_load(piece) for piece in text.split("\n---\n")]
    assert pieces == MANIFESTS
    assert {one["image"] for one in CONTAINERS} == {"millrace"}
    assert text.count("image: millrace\n") == len(CONTAINERS)
    names = [(one["kind"], one["metadata"]["name"]) for one in pieces]
    assert len(set(names)) == len(names)
