"""A canary ramp: how many units see the new variant next, and when to halt and roll back."""

from dataclasses import dataclass
from typing import Literal

from brain.decisions.reasons import InputError, Reason

Guard = Literal["safe", "harm", "unknown"]


@dataclass(frozen=True, slots=True)
class RampPolicy:
    """Shares of units in percent, rising; a step is held for ``hold_s`` and ``least_units``."""

    steps_pct: tuple[float, ...] = (1, 5, 20, 50, 100)
    hold_s: float = 86_400
    least_units: int = 1_000

    def __post_init__(self) -> None:
        rising = all(low < high for low, high in zip(self.steps_pct, self.steps_pct[1:],
                                                     strict=False))
        if not self.steps_pct or not rising or not self.steps_pct[0] > 0 \
                or not self.steps_pct[-1] <= 100:
            raise InputError("wrong_order", "steps must rise from above 0 to at most 100",
                             "steps_pct")


@dataclass(frozen=True, slots=True)
class RampDecision:
    """The share from now on; 0 after a halt, which takes the new variant back."""

    share_pct: float
    action: Literal["advance", "hold", "halt", "done"]
    reasons: tuple[Reason, ...]


def decide_ramp(share_pct: float, held_s: float, units: int, guardrails: dict[str, Guard],
                policy: RampPolicy) -> RampDecision:
    """The next share: 0 at the first harmed guardrail, else the next step once it was held.

    ``units`` saw the new variant at this step. An unknown guardrail holds the step: it is
    never read as safe. A share of 0 begins the ramp; whoever halts it pauses the experiment, so
    that it does not begin again by itself.
    """
    harmed = [name for name, guard in guardrails.items() if guard == "harm"]
    if harmed:
        return RampDecision(0.0, "halt", tuple(
            Reason("guardrail_harm", f"{name} is harmed: the new variant is taken back.")
            for name in harmed))
    above = [step for step in policy.steps_pct if step > share_pct]
    if not above:
        return RampDecision(share_pct, "done", (
            Reason("last_step", f"{share_pct:g} % is the last step."),))
    waits = []
    if held_s < policy.hold_s:
        waits.append(Reason("held_too_short", f"This step is held for {policy.hold_s:,.0f} s, "
                                              f"{held_s:,.0f} s have passed."))
    if units < policy.least_units:
        waits.append(Reason("too_few_units", f"{units:,} of {policy.least_units:,} units saw it."))
    waits += [Reason("guardrail_unknown", f"{name} cannot be judged yet.")
              for name, guard in guardrails.items() if guard == "unknown"]
    if waits and share_pct > 0:
        return RampDecision(share_pct, "hold", tuple(waits))
    return RampDecision(above[0], "advance", (
        Reason("step_held", f"No guardrail is harmed: on to {above[0]:g} % of the units."),))
