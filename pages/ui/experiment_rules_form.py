"""The part of an experiment's form that says how it is read, when it runs, how a bandit chooses."""

import dataclasses
import datetime as dt
from typing import Any, get_args

import streamlit as st

from brain.decisions.bandits import BanditPolicy, PolicyName
from brain.decisions.experiment import Experiment

METHODS = {"sequential": "Sequential: look as often as you like",
           "fixed": "Fixed horizon: look once, at the end",
           "bayesian": "Bayesian: chance to be better"}
_POLICIES = {"thompson": "Thompson sampling", "epsilon_greedy": "Epsilon-greedy",
             "ucb": "Upper confidence bound"}
_MINUTE = dt.timedelta(minutes=1)


def ask(given: Experiment | None) -> dict[str, Any]:
    """The fields typed, by their names in a definition; call it inside a form."""
    with st.expander("How it is read, when it runs, what it is worth"):
        found = {**_ask_reading(given), **_ask_span(given)}
    with st.expander("How a bandit chooses"):
        st.caption("Used by the kind “bandit” alone.")
        found["bandit"] = _ask_policy(given.bandit if given else BanditPolicy())
    return found


def _ask_reading(given: Experiment | None) -> dict[str, Any]:
    with st.container(horizontal=True):
        method = st.selectbox(
            "Leading reading", list(METHODS), format_func=METHODS.__getitem__, width=300,
            index=list(METHODS).index(given.method) if given and given.method in METHODS else 0,
            help="All three are computed; the verdict follows this one.")
        alpha = st.number_input("False alarms (%)", 0.1, 50.0,
                                given.alpha * 100 if given else 5.0, width=150,
                                help="How often a variant without any effect may be called one "
                                     "with. 5 is usual.")
        worth = st.number_input("Worth (USD per unit of the primary metric)", None, None,
                                given.usd_per_value if given else None, width=300,
                                help="Turns the effect into money a month. Empty: it is not "
                                     "told in money.")
        sticky = st.checkbox("Sticky", given.sticky if given else False,
                             help="A unit keeps its variant even when weights or targeting "
                                  "change; each assignment is then remembered.")
    return {"method": method, "alpha": alpha / 100, "usd_per_value": worth, "sticky": sticky}


def _ask_span(given: Experiment | None) -> dict[str, Any]:
    with st.container(horizontal=True):
        start = st.datetime_input("Nobody before (UTC)", _plain(given.start_utc if given else None),
                                  step=_MINUTE, width=240,
                                  help="Empty: from the moment it is started.")
        end = st.datetime_input("Nobody from (UTC)", _plain(given.end_utc if given else None),
                                step=_MINUTE, width=240, help="Empty: until it is stopped.")
    return {"start_utc": start and start.replace(tzinfo=dt.UTC),
            "end_utc": end and end.replace(tzinfo=dt.UTC)}


def _ask_policy(policy: BanditPolicy) -> dict[str, Any]:
    names = list(get_args(PolicyName))
    with st.container(horizontal=True):
        name = st.selectbox("Policy", names, index=names.index(policy.name), width=220,
                            format_func=lambda each: _POLICIES.get(each, each))
        floor = st.number_input("Least share of an arm (%)", 0.0, 50.0, policy.floor_ratio * 100,
                                width=180, help="Kept by every arm that is not harmed, so that "
                                                "all can still be compared.")
        epsilon = st.number_input("Epsilon (%)", 0.0, 100.0, policy.epsilon * 100, width=140,
                                  help="Epsilon-greedy alone: shared by all arms.")
        per_usd = st.number_input("Reward that a USD takes off", 0.0, None,
                                  policy.reward_per_usd, width=220,
                                  help="What an arm costs, in units of the reward. 0: cost does "
                                       "not count.")
    return dataclasses.asdict(policy) | {"name": name, "floor_ratio": floor / 100,
                                         "epsilon": epsilon / 100, "reward_per_usd": per_usd}


def _plain(moment: dt.datetime | None) -> dt.datetime | None:
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment else None
