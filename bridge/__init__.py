"""Sockets and bytes between the engine and a host. Built in a later step; see README.md."""
