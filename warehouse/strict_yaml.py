"""YAML in which a key stands once, and the lines of what is wrong in it. PyYAML takes the last of two keys without a
word: the second `anna` would win."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load(text: str) -> Any:
    return yaml.load(text, _Loader)  # noqa: S506 - a safe loader


def what_is_wrong(error: yaml.YAMLError) -> tuple[int, str]:
    """The line, and a sentence without its subject."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return (mark.line + 1 if mark else 1), f"is no YAML: {' '.join(str(problem or error).split())}."


def line_of(node: yaml.Node | None, path: Sequence[Any]) -> int:
    """Of the deepest part of the path that is there."""
    line = node.start_mark.line + 1 if node else 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            inside = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if inside is None:
                return line
            line, node = inside[0].start_mark.line + 1, inside[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line
