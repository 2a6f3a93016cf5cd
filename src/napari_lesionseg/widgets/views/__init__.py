"""Linked views of the open scan, and of an earlier one."""
