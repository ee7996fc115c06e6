"""Xiaoer (小二): a shop attendant that answers from the shop's own knowledge."""

__version__ = "0.1.0"
