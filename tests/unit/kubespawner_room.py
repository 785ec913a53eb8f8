"""A learner's pod as the real KubeSpawner makes it from values.yaml and the hook; nothing asks a cluster.

What the chart's own configuration of the Hub does with the values is written here again, for the values that ours
set: trait by trait, then ``hub.config``, then ``hub.extraConfig``, in this order.
"""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import patch

from jupyterhub import orm
from jupyterhub.objects import Hub
from jupyterhub.user import User
from traitlets.config import Config

from tests.unit.kubernetes_rooms import values

__all__ = ["TOKEN", "TRAITS", "chart_config", "pod_of"]

TOKEN = "the-learners-own-token"
"""What the Hub gives a learner's server to ask it with."""

TRAITS = {
    "allow_privilege_escalation": "allowPrivilegeEscalation",
    "cmd": "cmd",
    "cpu_guarantee": "cpu.guarantee",
    "cpu_limit": "cpu.limit",
    "default_url": "defaultUrl",
    "extra_resource_guarantees": "extraResource.guarantees",
    "extra_resource_limits": "extraResource.limits",
    "fs_gid": "fsGid",
    "mem_guarantee": "memory.guarantee",
    "mem_limit": "memory.limit",
    "start_timeout": "startTimeout",
    "uid": "uid",
    "volume_mounts": "storage.extraVolumeMounts",
    "volumes": "storage.extraVolumes",
}
"""KubeSpawner's trait → key below ``singleuser``, as far as our values name it."""


def _value(path: str) -> Any:
    found: Any = values()["singleuser"]
    for name in path.split("."):
        found = found[name]
    return found


def chart_config() -> Config:
    """The Hub's configuration with our values, made where the process has what ``hub.extraEnv`` gives the Hub."""
    c = Config()
    for trait, path in TRAITS.items():
        if (value := _value(path)) is not None:
            c.KubeSpawner[trait] = value
    image = values()["singleuser"]["image"]
    c.KubeSpawner.image = f"{image['name']}:{image['tag']}"
    c.KubeSpawner.namespace = "qinlian"
    c.KubeSpawner.common_labels = {"app": "jupyterhub", "release": "hub"}
    if values()["scheduling"]["userScheduler"]["enabled"]:
        c.KubeSpawner.scheduler_name = "user-scheduler"
    for name, section in values()["hub"]["config"].items():
        c[name].update(section)
    for _, program in sorted(values()["hub"]["extraConfig"].items()):
        exec(program, {"c": c})
    return c


async def _made(config: Config, account: str) -> dict[str, Any]:
    # They take seconds to import, also where these tests are only collected.
    from kubernetes_asyncio.client import ApiClient
    from kubespawner import KubeSpawner

    db = orm.new_session_factory("sqlite://")()
    row = orm.User(name=account)
    db.add(row)
    db.commit()
    hub = Hub(ip="", port=8081, base_url="/hub/", connect_url="http://hub:8081")
    settings = {"spawner_class": KubeSpawner, "config": config, "hub": hub, "base_url": "/"}
    # The two doors to a cluster: which one it is, and the connection to it.
    with patch("kubespawner.spawner.load_config"), patch("kubespawner.spawner.shared_client"):
        spawner = User(row, settings).spawner
    spawner.api_token = TOKEN
    await spawner.run_pre_spawn_hook()
    pod = await spawner.get_pod_manifest()
    async with ApiClient() as client:
        made: dict[str, Any] = client.sanitize_for_serialization(pod)
    db.close()
    return made


def pod_of(config: Config, account: str) -> dict[str, Any]:
    """The manifest that KubeSpawner would send to Kubernetes for that person. Raises NoPodError as the hook does."""
    return asyncio.run(_made(config, account))
