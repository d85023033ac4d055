"""Bandits: how often each arm is chosen, decided from what the arms have earned."""

from brain.decisions.bandits.arms import Arm, LinearArm
from brain.decisions.bandits.policy import BanditPolicy, PolicyName
from brain.decisions.bandits.shares import Allocation, Choice, Chooser, decide_allocation

__all__ = ["Allocation", "Arm", "BanditPolicy", "Choice", "Chooser", "LinearArm", "PolicyName",
           "decide_allocation"]
