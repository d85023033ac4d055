"""Traffic allocation: which route gets how much, what each is worth, and what else would do."""

import streamlit as st

from pages.ui import allocation, allocation_form, cards, data, filters

view = filters.view()
st.title("Traffic allocation")
verbs = data.engine().allocation
policies = {each.policy_id: each for each in verbs.list()}
if not policies:
    st.info("No allocation yet: the rules of model choice alone decide. Set one below; begin with "
            "a dry run, which changes nothing.", icon=":material/info:")
    with cards.guarded("Set an allocation"):
        allocation_form.draw(None)
    st.stop()

filters.tell_unknown("allocation", set(policies), "allocation")
policy = allocation.choose(policies)
choices = verbs.choices(policy.policy_id, view.span.start, view.span.end)
allocation.head(policy, choices, view.zone)
with cards.guarded("Shares over time", "Each choice is a draw from the shares in force, so its "
                   "probability is known exactly and stands in the request's record."):
    allocation.draw_history(policy, view)
with cards.guarded("What each route is worth", "Mean reward net of cost and latency at the "
                   "declared rate, with 95 % intervals, in the policy's window."):
    allocation.draw_routes(policy)
with cards.guarded("Other policies on the same requests", "Off-policy: logged choices are weighed "
                   "by how much likelier the other policy makes them (doubly robust)."):
    allocation.draw_values(policy, choices)
with cards.guarded("Win rates", "Of questions that both routes answered, the share the first one "
                   "did better on; a tie is half. Wilson's 95 % interval."):
    allocation.draw_wins(choices)
with cards.guarded("Kill switch", "A stopped route is chosen no more from the next second on, in "
                   "every process."):
    allocation_form.draw_stops(policy)
with cards.guarded("Change the allocation", "Every change is audited and can be undone."):
    allocation_form.draw(policy)
