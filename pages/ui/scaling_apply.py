"""Taking a policy to a cluster: files, a dry run, the change after a confirmation, the way back."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from brain.promql import adapter_rules
from brain.scaling.changes import ChangeError, ScalingChanges, Trial, to_yaml
from brain.scaling.exports import export, read_documents
from brain.scaling.plans import ScalingPlan
from pages.ui import data, scaling_policy, tables
from pages.ui.filters import View

_FILES = {"hpa": "HPA", "vpa": "VPA", "keda": "KEDA", "pdb": "Disruption budget",
          "schedules": "Scheduled jobs"}
_STATUS = {"done": "made", "refused": "refused", "unclear": "unclear: look at the cluster",
           "begun": "cut off: look at the cluster"}
FOLLOW_S = 20.0


def draw(view: View, key: str, plan: ScalingPlan) -> None:
    """Files to take away, and where a cluster is connected, the change itself."""
    _files(key, plan)
    scaler = data.engine().scaling.scaler
    if not scaler.is_configured:
        st.markdown("No cluster is connected (`BRAIN_KUBERNETES_URL` or "
                    "`BRAIN_KUBERNETES_KUBECONFIG`): take the files and apply them with kubectl.")
        return
    if not scaler.is_allowed:
        st.markdown("The console may look and try, but not change "
                    "(`BRAIN_KUBERNETES_ALLOW_CHANGES`).")
    changes = ScalingChanges(data.engine())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button("Try the autoscaler", icon=":material/science:",
                     help="The API server checks it and changes nothing (dry run)."):
            _try(lambda: changes.try_autoscaler(plan.manifest))
        count = st.number_input(f"Pods of {plan.workload}", 0, 10_000,
                                plan.policy.min_replicas, width=180)
        if st.button("Try this count", icon=":material/science:",
                     help="The API server checks it and changes nothing (dry run)."):
            _try(lambda: changes.try_replicas(plan.workload, int(count)))
    _confirm(plan, changes)
    _history(changes)


def _files(key: str, plan: ScalingPlan) -> None:
    found = export(plan, tuple(data.engine().scaling.schedules().values()))
    with st.container(horizontal=True):
        for name, label in _FILES.items():
            if name in found:
                st.download_button(label, read_documents(found, name),
                                   file_name=f"{plan.workload}-{name}.yaml",
                                   mime="application/yaml", icon=":material/download:",
                                   key=f"file_{name}_{key}", on_click="ignore")
        st.download_button("Adapter rules", to_yaml(adapter_rules()),
                           file_name="prometheus-adapter-rules.yaml", mime="application/yaml",
                           icon=":material/download:", key=f"file_rules_{key}", on_click="ignore",
                           help="For prometheus-adapter, so that the cluster can read the "
                                "requests per second of each pod.")
    st.caption("Apply the HPA or the KEDA object, not both: KEDA makes an HPA of its own. The VPA "
               "only recommends (mode Off).")


def _try(attempt: Callable[[], Trial]) -> None:
    st.session_state.pop("scaling_trial", None)
    try:
        with st.spinner("The API server is asked"):
            st.session_state["scaling_trial"] = attempt()
    except ChangeError as error:
        st.error(f"{error.message}.", icon=":material/block:")


def _confirm(plan: ScalingPlan, changes: ScalingChanges) -> None:
    trial = st.session_state.get("scaling_trial")
    if not isinstance(trial, Trial) or trial.target not in (
            plan.workload, plan.manifest["metadata"]["name"]):
        return
    if not trial.diff:
        st.success("The cluster is as this would make it.", icon=":material/check:")
        return
    st.markdown(f"**Dry run of {trial.kind} of {trial.target}: accepted.** This would change:")
    st.code(trial.diff, language="diff")
    for warning in trial.warnings:
        st.warning(warning, icon=":material/warning:")
    st.caption("What will happen: the lines above, at once. Undo: “Take back” below puts the "
               "lines back, unless others changed them since. It is written into the audit record "
               "and marked on every chart.")
    sure = st.checkbox("I have read what will change", key=f"sure_{hash(trial.diff)}")
    if st.button("Apply", type="primary", icon=":material/rocket_launch:",
                 disabled=not sure or not data.engine().scaling.scaler.is_allowed):
        _apply(plan, trial, changes)


def _apply(plan: ScalingPlan, trial: Trial, changes: ScalingChanges) -> None:
    try:
        if trial.kind == "replicas":
            changes.set_replicas(trial.target, trial.after, expected=trial.before)
            _follow(trial.target)
        else:
            changes.put_autoscaler(plan.manifest)
    except ChangeError as error:
        st.error(f"{error.message}.", icon=":material/block:")
        return
    st.session_state.pop("scaling_trial", None)
    scaling_policy.done(f"{trial.target}: the {trial.kind} of the cluster was changed.")


def _follow(target: str) -> None:
    """The rollout as it goes on, for a while; it goes on without the reader too."""
    with st.status("Pods are being changed") as shown:
        try:
            for seen in data.engine().scaling.scaler.follow(target, FOLLOW_S):
                shown.update(label=f"{seen.ready} of {seen.wanted} pods ready")
        except ChangeError as error:
            shown.update(label=f"Not followed: {error.message}.")


def _history(changes: ScalingChanges) -> None:
    rows: list[dict[str, Any]] = changes.history()
    if not rows:
        return
    chosen = tables.show(pd.DataFrame([{**row, "how": _STATUS[row["status"]],
                                        "takes_back": "yes" if row["undoes"] else ""}
                                       for row in rows]), "cluster changes", {
        "at_utc": "At", "person": "By", "kind": "What", "target": "Of", "how": "How it ended",
        "takes_back": "Takes one back", "message": "Details"}, {"at_utc": "time"}, select=True,
        most_rows=6)
    if not chosen:
        st.caption("Choose one to see it and to take it back.")
        return
    row = rows[chosen[0]]
    st.code(to_yaml({"before": row["before"], "after": row["after"]}), language="yaml")
    if row["status"] == "done" and st.button("Take back", icon=":material/undo:"):
        try:
            changes.take_back(row["action_id"])
        except (LookupError, ChangeError) as error:
            st.error(f"{error.args[0]}.", icon=":material/block:")
            return
        scaling_policy.done(f"{row['target']} is as before.")
