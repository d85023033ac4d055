"""Roles in order, what each may do, and keys that are read or refused without being told."""

import pytest

from brain.decisions.reasons import InputError
from brain.decisions.roles import NEEDED, ROLES, Actor, NamedKey, read_keys, require_role, why_not

KEY = "0123456789abcdef"


@pytest.mark.parametrize(("action", "least"), [
    ("optimization.run", "operator"), ("optimization.stop", "operator"),
    ("optimization.roll_back", "operator"), ("optimization.configure", "admin"),
    ("api.read", "viewer"), ("api.act", "operator"), ("api.configure", "admin")])
def test_a_role_may_what_lower_ones_may(action: str, least: str) -> None:
    allowed = [role for role in ROLES if not why_not(Actor("ada", role), action)]
    assert allowed == list(ROLES[ROLES.index(least):])  # type: ignore[arg-type]
    assert action in NEEDED


def test_a_refusal_names_both_roles() -> None:
    with pytest.raises(InputError, match=r"takes the role admin; bob has the role operator") as why:
        require_role(Actor("bob", "operator"), "optimization.configure")
    assert why.value.code == "forbidden"


def test_keys_are_read() -> None:
    assert read_keys(f" wall:viewer:{KEY} , ci:operator:a:b{KEY},") == (
        NamedKey("wall", "viewer", KEY), NamedKey("ci", "operator", f"a:b{KEY}"))
    assert read_keys("") == ()


@pytest.mark.parametrize("text", [
    KEY, f"ci:{KEY}", f"ci:root:{KEY}", f":viewer:{KEY}", "ci:viewer:short",
    f"ci:viewer:{KEY},ci:admin:{KEY}"])
def test_other_forms_are_refused_and_the_key_is_not_told(text: str) -> None:
    with pytest.raises(ValueError) as why:
        read_keys(text)
    assert KEY not in str(why.value) and "short" not in str(why.value)
