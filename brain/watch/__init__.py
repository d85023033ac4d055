"""How everything that numbers come from is doing: stores, this machine, the servers watched."""

from brain.watch.keeper import History
from brain.watch.sources import SourceStatus, Watch
from brain.watch.telling import WORDS, Answer, answer, cache_hit_pct, rows

__all__ = ["WORDS", "Answer", "History", "SourceStatus", "Watch", "answer", "cache_hit_pct", "rows"]
