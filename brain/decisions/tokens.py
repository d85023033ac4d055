"""Token counts of one request, as sources tell them, made into classes that never overlap."""

from dataclasses import dataclass
from enum import StrEnum

from brain.decisions.reasons import InputError


class Convention(StrEnum):
    """What a source's input count contains.

    ``INCLUDES_CACHED``: cache reads and writes are inside (OpenAI, OpenTelemetry GenAI, LiteLLM).
    ``EXCLUDES_CACHED``: they stand beside it (Anthropic, Helicone).
    ``TOLD_BY_TOTAL``: they should stand beside it, and the record's own total shows whether they
    do (Langfuse, whose senders disagree).
    """

    INCLUDES_CACHED = "includes_cached"
    EXCLUDES_CACHED = "excludes_cached"
    TOLD_BY_TOTAL = "told_by_total"


@dataclass(frozen=True, slots=True)
class ToldTokens:
    """Counts of one request as its source has them.

    ``uncached_input`` and ``total`` (input and output together, cached ones once) are None where
    the source has none. ``reasoning_beside_output`` says that output does not hold the reasoning.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    uncached_input: int | None = None
    total: int | None = None
    reasoning_beside_output: bool = False


@dataclass(frozen=True, slots=True)
class TokenClasses:
    """Disjoint counts; ``reasoning_tokens`` is a part of ``output_tokens``."""

    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int


def split_tokens(told: ToldTokens, convention: Convention) -> TokenClasses:
    """The classes of a request: uncached input, cache reads, cache writes, output.

    Where the input includes the cached tokens, input_tokens = input − cache_read − cache_write.
    Raises InputError for a count below 0, cached tokens that exceed the total that should hold
    them, reasoning above the output, or a total or uncached count that no convention explains.
    """
    for name in ("input", "cache_read", "cache_write", "output", "reasoning", "uncached_input"):
        if (getattr(told, name) or 0) < 0:
            raise InputError("negative", f"{name} tokens are {getattr(told, name)}, less than 0",
                             "output_tokens" if name in ("output", "reasoning") else "input_tokens")
    includes, beside = (_explain_total(told) if convention is Convention.TOLD_BY_TOTAL else
                        (convention is Convention.INCLUDES_CACHED, told.reasoning_beside_output))
    output = told.output + told.reasoning if beside else told.output
    if told.reasoning > output:
        raise InputError("reasoning_exceeds_output", f"{told.reasoning} reasoning tokens are more "
                         f"than the {output} of the output, of which they are a part",
                         "reasoning_tokens")
    cached = told.cache_read + told.cache_write
    if includes and cached > told.input:
        raise InputError("cache_exceeds_total", f"{cached} cached tokens are more than the input "
                         f"total of {told.input} that should include them", "input_tokens")
    uncached = told.input - cached if includes else told.input
    if told.uncached_input is not None and told.uncached_input != uncached:
        raise InputError("uncached_mismatch", f"the input of {told.input} without {cached} cached "
                         f"tokens is {uncached}, the record says {told.uncached_input}",
                         "input_tokens")
    return TokenClasses(uncached, told.cache_read, told.cache_write, output, told.reasoning)


def _explain_total(told: ToldTokens) -> tuple[bool, bool]:
    """Whether the input holds the cached tokens, and whether reasoning stands beside the output.

    What the source promises is tried first, so a total that both explain leaves it as promised.
    """
    promised = told.reasoning_beside_output
    if told.total is None:
        return False, promised
    cached = told.cache_read + told.cache_write
    for includes, beside in ((False, promised), (True, promised), (False, False), (True, False)):
        if told.total == (told.input + (0 if includes else cached)
                          + told.output + (told.reasoning if beside else 0)):
            return includes, beside
    raise InputError("total_mismatch", f"input {told.input}, cached {cached} and output "
                     f"{told.output} tokens do not come to the record's total of {told.total}, "
                     "whichever of them is counted inside another", "input_tokens")
