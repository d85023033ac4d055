"""Labelled texts: templates written here in English and German, filled by Faker and by rules.

Every text comes with the kinds and wordings of the personal data in it. Negatives look like
personal data and are none. All follows from the seed.
"""

import random
from dataclasses import dataclass

from faker import Faker

POSITIVE = {
    "email": (
        "Please write to {} before Friday.", "Contact: {}", "{} hat sich noch nicht gemeldet.",
        "Meine Adresse ist {}, danke!", "Can you add {} (new colleague) to the list?",
        "Antwort bitte an <{}>.", "mailto:{}?subject=Hi", "From: {}\nTo: support", "cc {};",
        "Die Rechnung ging an '{}'. Warum kam sie nicht an?"),
    "phone": (
        "Call me on {} after five.", "Tel.: {}", "Meine Handynummer ist {}.",
        "You can reach him at {}.", "Phone: {}, ask for Kim.", "Rückruf bitte unter {} bis 17 Uhr.",
        "Der Kunde ({}) wartet auf uns.", "Fax {} is out of order", "my number is {} thanks",
        "Telefon {} oder per Post"),
    "iban": (
        "Please refund to {}.", "IBAN: {}", "Meine Bankverbindung lautet {} bei der Sparkasse.",
        "Das Konto {} ist gesperrt.", "Transfer 50 EUR to {}, thanks", "({})"),
    "card": (
        "My card {} was charged twice.", "Card number: {}", "Die Kreditkarte {} wurde abgelehnt.",
        "pay with {} exp 04/29 cvc 123", "Karte {}, gültig bis 12/28", "order 1234 card {}"),
    "ip": (
        "Requests from {} fail.", "Der Rechner {} antwortet nicht.", "client={} status=500",
        "Block {} please", "ping {}: time out", "Die Adresse lautet {}."),
    "us_ssn": (
        "My SSN is {}.", "Social security number {} on file", "Applicant {} needs a form",
        "SSN: {}", "Die Nummer {} steht auf dem Antrag."),
    "de_tax_id": (
        "Meine Steuer-ID ist {}.", "IdNr. {}", "The German tax id {} is missing",
        "Bitte {} an das Finanzamt melden."),
}
NEGATIVE = (
    "Order number {order} was shipped on {date}.", "Bestellnummer {order} vom {german_date}",
    "We run version {version} since {date}.", "Release v{version} breaks the build",
    "commit {sha} fixes it", "The request id is {uuid}.", "Invoice no. {order} over {price} EUR",
    "Der Preis stieg von {price} auf {price} Euro.", "at {time} on {date} the p95 was {number} ms",
    "ISBN {isbn} is out of print", "Tracking: {order}", "The sum of {number} and {number} is odd.",
    "Artikel-Nr. {order} ist ausverkauft", "std::vector and a[{number}:{number}] in one line",
    "Wie lange dauert die Lieferung nach {plz} Berlin?", "temperature={price}, top_p=0.9",
    "Zeitraum {german_date} bis {german_date}", "{time}:{number} elapsed", "epoch {epoch}",
    "Build {version}.{number} on Windows", "@team please look at issue #{number}",
    "Section {section} of the contract", "{coordinates}", "The ratio is {number}/{number}.",
    "Seriennummer {serial}", "MAC {mac}", "chapter {section}, page {number}",
    "pip install torch=={version}", "Ticket {order} ist seit {number} Tagen offen",
    "Kundennummer {order}, bitte melden", "{number} tokens at {price} USD per million")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and what is in it: kind and wording of each."""

    text: str
    truth: tuple[tuple[str, str], ...]


def make_texts(each_kind: int = 220, negatives: int = 500, seed: int = 7) -> list[Labelled]:
    """Texts with one piece of personal data each, then texts with none."""
    rng = random.Random(seed)
    english, german = Faker("en_US"), Faker("de_DE")
    for place, each in enumerate((english, german)):
        each.seed_instance(seed + place)
    found = []
    for kind, templates in POSITIVE.items():
        for number in range(each_kind):
            value = _VALUES[kind](rng, english, german)
            found.append(Labelled(templates[number % len(templates)].format(value),
                                  ((kind, value),)))
    for number in range(negatives):
        found.append(Labelled(NEGATIVE[number % len(NEGATIVE)].format_map(
            _Lures(rng, english)), ()))
    return found


class _Lures(dict):
    def __init__(self, rng, fake):
        super().__init__()
        self._rng, self._fake = rng, fake

    def __missing__(self, name):
        rng, fake = self._rng, self._fake
        return {
            "order": lambda: rng.choice((
                str(rng.randrange(10**9, 10**10)), f"{rng.randrange(1000, 9999)}-"
                f"{rng.randrange(10000, 99999)}", str(rng.randrange(10**11, 10**12)),
                f"{rng.randrange(100, 999)}-{rng.randrange(10**6, 10**7)}-"
                f"{rng.randrange(10**6, 10**7)}", str(rng.randrange(10**15, 10**16)))),
            "date": fake.date, "german_date": lambda: fake.date("%d.%m.%Y"),
            "time": fake.time, "sha": fake.sha1, "uuid": fake.uuid4,
            "version": lambda: ".".join(str(rng.randrange(20)) for _ in range(rng.choice((3, 4)))),
            "price": lambda: f"{rng.randrange(10**5) / 100:.2f}",
            "number": lambda: str(rng.randrange(10**rng.randrange(1, 7))),
            "isbn": fake.isbn13, "plz": lambda: f"{rng.randrange(10115, 99998):05d}",
            "epoch": lambda: str(rng.randrange(1_600_000_000, 1_900_000_000)),
            "section": lambda: ".".join(str(rng.randrange(1, 9)) for _ in range(4)),
            "coordinates": lambda: f"{rng.uniform(-90, 90):.6f}, {rng.uniform(-180, 180):.6f}",
            "serial": lambda: fake.bothify("??##-####-##??").upper(), "mac": fake.mac_address,
        }[name]()


def _phone(rng, english, german):
    kind = rng.randrange(6)
    area, rest = str(rng.randrange(30, 9999)), str(rng.randrange(10**5, 10**8))
    if kind < 2:
        return english.phone_number()
    if kind < 4:
        return german.phone_number()
    if kind == 4:
        return rng.choice(("+49 {} {}", "0{}/{}", "0{}-{}", "(0{}) {}", "0049 {} {}",
                           "+49-{}-{}")).format(area, rest)
    return rng.choice(("+33 1 {} {} {} {}", "+44 20 {}{} {}{}", "+1 212 5{} {}{} {}",
                       "01 {} {} {} {}")).format(*(f"{rng.randrange(10, 99)}" for _ in range(4)))


def _iban(rng, english, german):
    fake = rng.choice((german, english))
    compact = fake.iban()
    return rng.choice((compact, " ".join(compact[at:at + 4] for at in range(0, len(compact), 4))))


def _card(rng, english, _german):
    digits = english.credit_card_number()
    if len(digits) == 16:
        separator = rng.choice(("", " ", "-"))
        return separator.join(digits[at:at + 4] for at in range(0, 16, 4))
    if len(digits) == 15:
        return rng.choice((digits, f"{digits[:4]} {digits[4:10]} {digits[10:]}"))
    return digits


def _ssn(rng, english, _german):
    return english.ssn()


def _tax_id(rng, _english, _german):
    """Eleven digits by the rule of the Bundeszentralamt: one digit twice, one missing."""
    while True:
        digits = rng.sample("0123456789", 9)
        digits.insert(rng.randrange(10), rng.choice(digits))
        if digits[0] != "0":
            break
    product = 10
    for each in digits:
        total = (int(each) + product) % 10 or 10
        product = total * 2 % 11
    text = "".join(digits) + str((11 - product) % 10)
    return rng.choice((text, f"{text[:2]} {text[2:5]} {text[5:8]} {text[8:]}"))


_VALUES = {
    "email": lambda rng, english, german: rng.choice((
        english.email, german.email, german.company_email, english.ascii_safe_email))(),
    "phone": _phone, "iban": _iban, "card": _card,
    "ip": lambda rng, english, german: rng.choice((
        english.ipv4_public, english.ipv4_private, english.ipv6))(),
    "us_ssn": _ssn, "de_tax_id": _tax_id,
}


def score(texts, find):
    """By kind: recall, precision and counts, where ``find`` gives (kind, start, end) of a text.

    A piece is found if all its digits and letters are masked, under whatever kind; a finding is
    right if it overlaps a piece of its own kind.
    """
    kinds = sorted({kind for each in texts for kind, _ in each.truth})
    counts = {kind: {"n": 0, "found": 0, "told": 0, "right": 0} for kind in kinds}
    for each in texts:
        spans = find(each.text)
        places = [(kind, each.text.index(value), each.text.index(value) + len(value))
                  for kind, value in each.truth]
        for kind, start, end in places:
            counts[kind]["n"] += 1
            covered = {at for _, first, last in spans for at in range(first, last)}
            counts[kind]["found"] += all(at in covered for at in range(start, end)
                                         if each.text[at].isalnum())
        for kind, start, end in spans:
            row = counts.setdefault(kind, {"n": 0, "found": 0, "told": 0, "right": 0})
            row["told"] += 1
            row["right"] += any(kind == true and start < last and first < end
                                for true, first, last in places)
    return {kind: row | {"recall": row["found"] / row["n"] if row["n"] else None,
                         "precision": row["right"] / row["told"] if row["told"] else None}
            for kind, row in counts.items()}
