"""Runs steps as Jobs of a Kubernetes cluster, or as commands in its pods."""

from firstline.executors.kubernetes.executor import KubernetesExecutor
from firstline.executors.kubernetes.settings import KubernetesSettings

__all__ = ["KubernetesExecutor", "KubernetesSettings"]
