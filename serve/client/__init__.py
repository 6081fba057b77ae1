"""A client of the HTTP interface for Python programs: standard library only, this folder can be copied alone."""

from serve.client.calls import Client
from serve.client.transport import CallError, Connection, Reply, Send

__all__ = ["CallError", "Client", "Connection", "Reply", "Send"]
