"""Reconciler: GitOps for Agora Cloud Recording."""

__version__ = "0.1.0"
