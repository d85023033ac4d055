"""Demonstration data: a stated generative model of a platform's life. Pure: no I/O, no clock."""

from brain.demo.annotations import list_annotations
from brain.demo.effects import describe, read_plan
from brain.demo.history import DemoHistory, DemoStream, continue_from, generate
from brain.demo.plan import DemoPlan

__all__ = ["DemoHistory", "DemoPlan", "DemoStream", "continue_from", "describe", "generate",
           "list_annotations", "read_plan"]
