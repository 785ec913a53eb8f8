"""The keys of the Zero to JupyterHub chart's values, as far as a check of values.yaml needs them.

The chart's package holds its schema, ``jupyterhub/values.schema.json``. This writes down which keys it knows
and of what type each is, one a line, so that ./test can check values.yaml where there is neither chart nor
Helm. For another version of the chart:

    helm pull jupyterhub/jupyterhub --version VERSION --untar
    python deploy/k8s/outline.py jupyterhub/values.schema.json VERSION
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["main", "outline_of", "schema_of"]

OUTLINE = Path(__file__).with_name("chart-values.json")
_ANYTHING = "anything"
_MAP = "*"


def outline_of(schema: dict[str, Any]) -> dict[str, Any]:
    """Key paths and their types, from a JSON schema.

    A path leads to ``"string|null"``, to ``"anything"`` where an object takes any key, or to the list of the values
    that are allowed; ``*`` in a path stands for any key. What the schema requires is not kept: the chart's own
    default values, which Helm lays below ours, fill it in.
    """
    keys: dict[str, Any] = {}
    _walk(schema, "", keys)
    return {"keys": dict(sorted(keys.items()))}


def _walk(node: dict[str, Any], path: str, keys: dict[str, Any]) -> None:
    if "enum" in node:
        keys[path] = node["enum"]
        return
    # What the chart asks only under a condition stands under "then": taken as what may be there.
    node = node | {name: value for name, value in node.get("then", {}).items() if name != "required"}
    types = node.get("type", "object")
    types = types if isinstance(types, list) else [types]
    takes_all = "object" in types and node.get("additionalProperties", True) is not False
    if path:
        keys[path] = "|".join(_ANYTHING if takes_all and one == "object" else one for one in types)
    if takes_all:
        # Keys of such an object may be anything, so those the schema happens to name say nothing.
        return
    below = dict(node.get("properties", {}))
    if "patternProperties" in node:
        (below[_MAP],) = node["patternProperties"].values()
    for name, child in below.items():
        _walk(child, f"{path}.{name}" if path else name, keys)


def schema_of(outline: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema that allows exactly what the outline knows."""
    root: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
    nodes = {"": root}
    for path, kind in outline["keys"].items():
        parent, _, name = path.rpartition(".")
        node: dict[str, Any] = {"enum": kind} if isinstance(kind, list) else _typed(kind)
        nodes[path] = node
        if name == _MAP:
            nodes[parent]["additionalProperties"] = node
        else:
            nodes[parent]["properties"][name] = node
    return root


def _typed(kind: str) -> dict[str, Any]:
    types = kind.split("|")
    node: dict[str, Any] = {"type": ["object" if t == _ANYTHING else t for t in types]}
    if "object" in types:
        node |= {"additionalProperties": False, "properties": {}}
    return node


def main(arguments: list[str]) -> int:
    """``outline.py SCHEMA VERSION``: write chart-values.json beside this file."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    schema = json.loads(Path(arguments[0]).read_text("utf-8"))
    facts = {"chart": "jupyterhub", "version": arguments[1], **outline_of(schema)}
    OUTLINE.write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
