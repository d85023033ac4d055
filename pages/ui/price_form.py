"""The form that adds a contract price, and the confirmations around the price book."""

import datetime as dt
from decimal import Decimal, InvalidOperation

import streamlit as st

from brain.decisions.price_contexts import read_context
from brain.decisions.prices import ALWAYS_FROM, ALWAYS_TO, AMOUNTS, Price, check_price
from brain.decisions.reasons import InputError
from pages.ui import data

LABELS = {"input_usd_per_mtok": "Input", "cache_read_usd_per_mtok": "Cache read",
          "cache_write_usd_per_mtok": "Cache write", "output_usd_per_mtok": "Output",
          "request_usd": "Per request"}
_FIELDS = {**{name: f"{label} price" for name, label in LABELS.items()},
           "discount_pct": "The discount"}
PER_MTOK = "USD per million tokens"


def add_contract_price(provider: str, model: str) -> None:
    """A form for a contract price; what looks odd is asked about before it is added."""
    with st.form("contract_price", border=False):
        with st.container(horizontal=True):
            provider = st.text_input("Provider", provider, max_chars=128, help="Empty: whatever "
                                     "provider the requests name.")
            model = st.text_input("Model", model, max_chars=256, help="As requests name it; empty, "
                                  "with a discount, for all models of the provider.")
            context = st.text_input(
                "Price context", max_chars=64, placeholder="every request", help="Words such as "
                "batch, flex, priority or a region: the price holds for requests that have them "
                "all. Empty: for every request that no price with more words fits.")
            off = st.text_input("Discount, % off list prices", max_chars=12, placeholder="none",
                                help="In the place of amounts: taken off whatever the list says.")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            amounts = {name: st.text_input(
                f"{LABELS[name]}, {'USD' if name == 'request_usd' else PER_MTOK}",
                placeholder="none", max_chars=40, help="Empty: this price says nothing about it.")
                for name in AMOUNTS}
        with st.container(horizontal=True, vertical_alignment="bottom"):
            first = st.date_input("From (UTC day)", None, min_value=ALWAYS_FROM.date(),
                                  max_value=ALWAYS_TO.date(), help="Empty: always before.")
            last = st.date_input("To and including (UTC day)", None, min_value=ALWAYS_FROM.date(),
                                 max_value=ALWAYS_TO.date(), help="Empty: until further notice.")
            tier = st.number_input("From how many prompt tokens on", 0, 10**9, step=1_000,
                                   help="0 for every request; a higher one adds a tier.")
            note = st.text_input("Where it is written", placeholder="Contract 2026/17, page 3",
                                 max_chars=256)
        st.caption("Costs of its days are made anew. A contract beats a list price; nothing is "
                   "overwritten, and a price can be withdrawn.")
        if st.form_submit_button("Add this price", type="primary", icon=":material/add:"):
            _submit(provider, model, amounts, first, last, int(tier), note, context, off)
    _ask_about_odd()


def _submit(provider: str, model: str, amounts: dict[str, str], first: dt.date | None,
            last: dt.date | None, tier: int, note: str, context: str, off: str) -> None:
    st.session_state.pop("odd_price", None)
    try:
        read, cache_read, cache_write, written, request = (
            _amount(name, amounts[name]) for name in AMOUNTS)
        price = Price(0, provider.strip(), model.strip(), "contract",
                      note.strip() or "entered in the console",
                      _midnight(first) if first else ALWAYS_FROM,
                      _midnight(last) + dt.timedelta(days=1) if last else ALWAYS_TO, tier,
                      read, cache_read, cache_write, written, request,
                      context=read_context(*context.split()),
                      discount_pct=_amount("discount_pct", off))
        odd = check_price(price, data.engine().prices.rows())
    except InputError as error:
        st.error(f"{_readable(error)}.", icon=":material/block:")
        return
    if odd:
        st.session_state["odd_price"] = (price, [each.text for each in odd])
    else:
        _add(price)


def _ask_about_odd() -> None:
    if "odd_price" not in st.session_state:
        return
    price, sentences = st.session_state["odd_price"]
    for sentence in sentences:
        st.warning(sentence, icon=":material/warning:")
    with st.container(horizontal=True):
        if st.button("It is right, add it", type="primary"):
            del st.session_state["odd_price"]
            _add(price)
        if st.button("Do not add it"):
            del st.session_state["odd_price"]
            st.rerun()


def _add(price: Price) -> None:
    with st.spinner("Making costs anew"):
        added, _ = data.engine().add_price(price)
    data.forget_answers()
    st.session_state["_told"] = (f"Price {added.price_id} of {added.model} was added. It can be "
                                 "withdrawn below.")
    st.rerun()


@st.dialog("Change a price?")
def confirm_withdrawal(price: Price) -> None:
    """Ask, then withdraw a price or let it hold again."""
    verb = "Let it hold again" if price.withdrawn else "Withdraw it"
    st.markdown(f"- **What will happen:** price {price.price_id} of {price.model} "
                f"{'holds again' if price.withdrawn else 'holds no longer'}, and costs of its "
                "days are made anew.\n- **What stays:** the row itself, with its history.\n"
                f"- **Undo:** {'withdraw it' if price.withdrawn else 'let it hold again'} here.")
    with st.container(horizontal=True):
        if st.button(verb, type="primary"):
            with st.spinner("Making costs anew"):
                data.engine().withdraw_price(price.price_id, withdrawn=not price.withdrawn)
            data.forget_answers()
            st.session_state["_told"] = f"Price {price.price_id} " + (
                "holds again." if price.withdrawn else "was withdrawn.")
            st.rerun()
        if st.button("Leave it"):
            st.rerun()


def _amount(name: str, text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        return Decimal(text.strip())
    except InvalidOperation as error:
        raise InputError("not_a_number", f"{name} {text[:40]!r} is no number; write it with a "
                         "point, without thousands", name) from error


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def _readable(error: InputError) -> str:
    sentence = str(error)
    for name, label in _FIELDS.items():
        sentence = sentence.replace(name, label)
    return sentence[:1].upper() + sentence[1:]
