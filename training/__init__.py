"""Offline retraining: labelled tickets in, an evaluated bundle out; never imported by the service."""
