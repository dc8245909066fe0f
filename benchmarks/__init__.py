"""Measurements that the README and docs quote; each says how to repeat it."""
