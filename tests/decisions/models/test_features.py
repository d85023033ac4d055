"""What a prompt tells: tokens, complexity at its exact bounds, code, task, language, persons."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.models.features import (
    TASK_CLASSES,
    contains_code,
    count_questions,
    read_features,
)


@pytest.mark.parametrize(("prompt", "complexity"), [
    ("", "low"), ("Hello", "low"),
    (" ".join(["word"] * 30), "low"), (" ".join(["word"] * 31), "medium"),
    ("x" * 150, "low"), ("x" * 151, "medium"),
    (" ".join(["w"] * 100), "medium"), (" ".join(["w"] * 101), "high"),
    ("Is it so?", "low"), ("Is it so? Why?", "high"), ("Really???", "low"),
    ("See https://a.example/?q=1&p=2? ok?", "low"),
    ("def area(r): return 3 * r", "high"), ("```\nx\n```", "high"),
])
def test_complexity(prompt, complexity):
    assert read_features(prompt).complexity == complexity


@pytest.mark.parametrize("text", [
    "fix this:\nfor (int i = 0; i < n; i++) {\n  sum += a[i];\n}", "import numpy as np\nprint(1)",
    "SELECT name FROM users WHERE id = 1", "const add = (a, b) => a + b", "<div>hi</div>",
    "function f(x) { return x; }", "public static void main(String[] args) {", "print('hello')",
    "#include <stdio.h>", "class Cat:\n    pass", "why does lambda x: x fail"])
def test_code_is_seen(text):
    assert contains_code(text)


@pytest.mark.parametrize("text", [
    "What is the capital of France?", "Please select a name from the list of candidates.",
    "My class is important; I import goods from Peru.", "The price is $5 (or more).",
    "Let us return to the function of the heart.", "Define: a set; its members.", "a => b?"])
def test_prose_is_no_code(text):
    assert not contains_code(text)


def test_tokens_are_a_quarter_of_the_characters_unless_a_tokenizer_counts():
    assert (read_features("x" * 9).input_tokens, read_features("").input_tokens) == (3, 0)
    counted = read_features("a b c", lambda text: len(text.split()))
    assert (counted.input_tokens, counted.is_estimated) == (3, False)


@pytest.mark.parametrize(("prompt", "task", "language"), [
    ("Translate this into French: good morning to you", "translation", "en"),
    ("Bitte fasse den Text zusammen, der hier steht, und das in einem Satz", "chat", "de"),
    ("Summarize the report for me in three points", "summary", "en"),
    ("Write a poem about the sea", "writing", "en"), ("12 * 7 = ", "math", ""),
    ("Qu'est-ce que la photosynthèse, et comment est-elle dans les plantes ?", "question", "fr"),
    ("¿Qué es la energía y cómo se mide en el sistema?", "question", "es"),
    ("東京の天気はどうですか", "chat", "ja"), ("Что такое любовь?", "question", "ru"),
    ("Thanks", "chat", "")])
def test_task_and_language(prompt, task, language):
    found = read_features(prompt)
    assert (found.task_class, found.language) == (task, language)


@pytest.mark.parametrize(("prompt", "personal"), [
    ("mail jane.doe@example.com", True), ("card 4111 1111 1111 1111", True),
    ("SSN 123-45-6789", True), ("IBAN DE89 3704 0044 0532 0130 00", True),
    ("call +49 170 1234567", True), ("In 2024 we sold 1,234,567 units", False),
    ("version 1.2.3", False)])
def test_personal_data(prompt, personal):
    assert read_features(prompt).has_personal_data is personal


@given(st.text(max_size=400))
def test_any_text_has_features(prompt):
    found = read_features(prompt)
    assert found.task_class in TASK_CLASSES
    assert found.input_tokens * 4 >= len(prompt) > (found.input_tokens - 1) * 4 - 1
    assert count_questions(prompt) <= sum(map(prompt.count, "?？؟"))
