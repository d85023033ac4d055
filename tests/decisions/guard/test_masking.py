"""Masking: the bar on labelled texts, stable placeholders, national ids, no slow patterns."""

import json
import string

import pytest
from faker import Faker
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.decisions.guard import check_digits, masking
from brain.decisions.guard.masking import (
    DETECTORS,
    KINDS,
    find_personal,
    mask_text,
    restore_text,
)
from tests.decisions.guard.labelled import make_texts, score

BAR = {"card": 0.99, "email": 0.99, "iban": 0.99, "us_ssn": 0.99, "ip": 0.99, "phone": 0.85,
       "de_tax_id": 0.99}


def test_meets_the_bar_on_labelled_texts():
    texts = make_texts()
    assert len(texts) >= 1_500
    found = score(texts, find_personal)
    assert {kind: found[kind]["recall"] for kind, least in BAR.items()
            if found[kind]["recall"] < least} == {}
    # Order numbers, dates, versions and hashes are left: of what is told, this much is right.
    assert all(found[kind]["precision"] >= 0.97 for kind in BAR)


@pytest.mark.parametrize(("locale", "make", "kind"), [
    ("fr_FR", lambda fake: fake.ssn(), "fr_nir"), ("es_ES", lambda fake: fake.nif(), "es_dni"),
    ("es_ES", lambda fake: fake.nie(), "es_dni"),
    ("it_IT", lambda fake: fake.ssn(), "it_codice_fiscale"),
    ("pl_PL", lambda fake: fake.pesel(), "pl_pesel"), ("de_CH", lambda fake: fake.ssn(), "ch_ahv"),
    ("pt_BR", lambda fake: fake.cpf(), "br_cpf"),
    ("nl_NL", lambda fake: "BSN " + fake.ssn(), "nl_bsn"),
    ("en_GB", lambda fake: fake.ssn().replace("ZZ", "AB"), "uk_nino"),
    ("de_DE", lambda fake: fake.rvnr(), "de_social_security")])
def test_finds_national_ids_made_by_others(locale, make, kind):
    fake = Faker(locale)
    fake.seed_instance(3)
    missed = []
    for _ in range(100):
        value = make(fake)
        if kind not in {each for each, _, _ in find_personal(f"Mein Ausweis: {value}.")}:
            missed.append(value)
    assert len(missed) <= 2, missed  # a number may also be another kind's, which comes first


def test_check_digits_of_published_examples():
    assert check_digits.fits_luhn("79927398713") and not check_digits.fits_luhn("79927398710")
    assert check_digits.fit_iban("GB82WEST12345698765432") == 22
    assert check_digits.fit_iban("GB82WEST12345698765433") == 0
    assert check_digits.is_de_tax_id("86095742719") and not check_digits.is_de_tax_id("86095742718")
    assert check_digits.is_de_social_security("15070649C103")  # VKVV's example
    assert not check_digits.is_de_social_security("15070649C104")
    assert check_digits.is_us_ssn("536221234") and not check_digits.is_us_ssn("666221234")


@pytest.mark.parametrize("text", [
    "on 2026-11-26 at 04:39:47", "12/31/2024", "version 10.2.3.4", "torch==1.2.3.4", "std::vector",
    "127.0.0.1:8501", "[::1]:80", "order 1234-5678-9012", "sha 9f86d081884c7d659a2feaa0c55ad015",
    "550e8400-e29b-41d4-a716-446655440000", "@team look", "a@b", "1,234,567.89", "3.14159265358979",
    "01.02.2024 bis 03.04.2025", "§ 1.2.3.4", "user@localhost"])
def test_leaves_what_only_looks_like_it(text):
    assert mask_text(text).text == text


def test_a_value_keeps_its_placeholder_however_it_is_spelt():
    first = mask_text("Card 4111 1111 1111 1111, mail Max@Example.de")
    assert first.text == "Card [CARD_1], mail [EMAIL_1]"
    later = mask_text("4111-1111-1111-1111 and eva@example.de, max@example.DE",
                      known=first.originals)
    assert later.text == "[CARD_1] and [EMAIL_2], [EMAIL_1]"
    assert restore_text("Wrote to [EMAIL_1].", later.originals) == "Wrote to Max@Example.de."


def test_a_placeholder_in_the_text_is_not_given_out_again():
    assert mask_text("[EMAIL_7] wrote to eva@example.de").text == "[EMAIL_7] wrote to [EMAIL_8]"


def test_other_digits_blanks_and_dashes_do_not_hide_a_number():
    assert mask_text("４１１１ 1111\u00a01111\u202f1111").text == "[CARD_1]"
    assert mask_text("ssn 536–22–1234").text == "ssn [SSN_1]"
    assert mask_text("max (at) example [dot] de").text == "[EMAIL_1]"


def test_finds_keys_whole():
    key = "-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----"
    assert mask_text(f"use {key} now").text == "use [SECRET_1] now"
    assert mask_text("AKIAIOSFODNN7EXAMPLE").text == "[SECRET_1]"


def test_names_are_masked_with_a_model_only():
    def model(text):
        return [(text.index("Eva"), text.index("Eva") + 3)]
    assert mask_text("Eva called", (*KINDS, "name"), names=model).text == "[NAME_1] called"
    assert mask_text("Eva called", (*KINDS, "name")).text == "Eva called"


PIECES = st.one_of(
    st.sampled_from(["max@example.de", "+49 30 1234567", "4111111111111111", "10.1.2.3", "::1",
                     "DE89370400440532013000", "[EMAIL_1]", "@", "(at)", "00", " - ", "\x00",
                     "０"]),
    st.text(alphabet=string.printable + "äß–\u00a0٣", max_size=12))


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_any_text_is_masked_soundly(text):
    found = mask_text(text)
    after = 0
    for each in found.findings:
        assert after <= each.start < each.end <= len(text)
        after = each.end
        assert each.replacement in found.text
    rebuilt, at = [], 0
    for each in found.findings:
        rebuilt += [text[at:each.start], each.replacement]
        at = each.end
    assert "".join([*rebuilt, text[at:]]) == found.text
    assert not any(value in json.dumps([each.replacement for each in found.findings])
                   for value in found.originals.values())
    assert str(found.originals) not in repr(found) or not found.originals


HOSTILE = ("a", "1", "1 ", "4111 1111 ", "0", "+4", "a.", "a@", "@", "a@a.", "1.", "::", "f:",
           "(at)", "AA11", "-", "+1(", "00", "0171/", "123-45-", "eyJ",
           "-----BEGIN PRIVATE KEY-----", "sk-a", '"', "[", "max@example.de ", "tel ", "card 1",
           "12 345 678 ")


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_text_makes_a_pattern_slow(piece):
    # Quadratic time would be 10,000,000,000 steps, more than a test is given.
    text = piece * (100_000 // len(piece))
    for each in DETECTORS:
        for _ in each.find(text):
            pass


def test_ten_million_characters_are_masked():
    text = "Bitte an max@example.de. " + "Die Lieferung kam heute ganz an, danke. " * 260_000
    assert len(text) > 10_000_000
    found = masking.mask_text(text)
    assert [each.kind for each in found.findings] == ["email"]
