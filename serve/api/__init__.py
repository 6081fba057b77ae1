"""The HTTP interface, version 1: one router a capability, each route calls one function."""
