"""The frame: page setup, navigation, shared filters, and the page that was asked for.

A page is a file in a folder of ``pages/`` and a line in PAGES. Until people can sign in, everyone
who reaches the server is an administrator and gets them all.
"""

import streamlit as st

from pages.ui import cards, filters, frame, wall

PAGES = (
    ("", "overview/overview.py", "Overview", "dashboard", "overview"),
    ("Operations", "operations/health.py", "System health", "monitor_heart", "system-health"),
    ("Operations", "operations/scaling.py", "Scaling", "expand", "scaling"),
    ("Operations", "operations/optimization.py", "Optimization", "auto_mode", "optimization"),
    ("Product", "product/traffic.py", "Traffic", "bar_chart", "traffic"),
    ("Finance", "finance/costs.py", "Costs", "payments", "costs"),
    ("Finance", "finance/budgets.py", "Budgets", "account_balance_wallet", "budgets"),
    ("Finance", "finance/reports.py", "Cost reports", "summarize", "cost-reports"),
    ("Experiments", "experiments/board.py", "Experiments", "science", "experiments"),
    ("Experiments", "experiments/experiment.py", "Experiment", "labs", "experiment"),
    ("Experiments", "experiments/design.py", "Experiment design", "calculate",
     "experiment-design"),
    ("Experiments", "experiments/bandits.py", "Bandits", "casino", "bandits"),
    ("Brain", "brain/ask.py", "Ask", "forum", "ask"),
    ("Brain", "brain/requests.py", "Requests", "timeline", "requests"),
    ("Brain", "brain/models.py", "Models", "alt_route", "models"),
    ("Brain", "brain/allocation.py", "Traffic allocation", "call_split", "allocation"),
    ("Brain", "brain/knowledge.py", "Knowledge", "menu_book", "knowledge"),
    ("Brain", "brain/prompts.py", "Prompts & evaluation", "edit_note", "prompts"),
    ("Brain", "brain/providers.py", "Providers", "dns", "providers"),
    ("Admin", "admin/import_data.py", "Import", "upload", "import"),
    ("Admin", "admin/data.py", "Data", "database", "data"),
    ("Admin", "admin/prices.py", "Price book", "sell", "prices"),
    ("Admin", "admin/targets.py", "Targets", "flag", "targets"),
    ("Admin", "admin/reports.py", "Reports", "lab_profile", "reports"),
    ("Admin", "admin/settings.py", "Settings", "tune", "settings"),
)

st.set_page_config(page_title="Brain Console", page_icon=str(frame.MARK),
                   layout="wide")
st.logo(str(frame.LOGO), size="large")
sections: dict[str, list[st.Page]] = {}
for section, file, title, icon, path in PAGES:
    sections.setdefault(section, []).append(
        st.Page(f"pages/{file}", title=title, icon=f":material/{icon}:", url_path=path,
                default=not sections))
on_wall = filters.on_wall()
page = st.navigation(sections, expanded=True, position="hidden" if on_wall else "top")
st.set_page_config(page_title=f"{page.title} · Brain Console")
path = page.url_path or PAGES[0][-1]
if on_wall:
    wall.top(path, [(path, f"pages/{file}") for _, file, _, _, path in PAGES])
else:
    filters.draw()
    wall.offer(path)
    frame.tell()
    frame.top(page.title)
with cards.safe(page.title):
    page.run()
