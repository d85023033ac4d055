"""Whether a number carries the check digits that its kind demands; all take bare digits."""

IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BI": 27, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27,
    "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32,
    "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24,
    "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31,
    "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23,
    "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30}
"""Characters of an IBAN by country. Source: SWIFT, "IBAN Registry"."""

_ODD = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18,
                 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23), strict=True))


def fits_luhn(digits: str) -> bool:
    """Whether the last digit is the one of Luhn's formula. Source: ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = ord(digit) - 48
        if place % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def is_card_number(digits: str) -> bool:
    """Whether payment networks issue numbers of this beginning and length, and Luhn agrees."""
    size, two, three, four = len(digits), digits[:2], digits[:3], int(digits[:4])
    issued = (
        (digits[0] == "4" and size in {13, 16, 19})
        or (size == 16 and ("51" <= two <= "55" or 2221 <= four <= 2720 or two == "35"))
        or (size == 15 and two in {"34", "37"})
        or (14 <= size <= 19 and ("300" <= three <= "305" or two in {"36", "38", "39"}))
        or (16 <= size <= 19 and (two in {"62", "65"} or "644" <= three <= "649" or four == 6011))
        or (size == 15 and four in {1800, 2131})
        or (12 <= size <= 19 and (two in {"50", "56", "57", "58", "63", "67"})))
    return issued and len(set(digits)) > 1 and fits_luhn(digits)


def fit_iban(compact: str) -> int:
    """How many of the first characters (upper case, no blanks) are an IBAN; 0 if none.

    Source: ISO 13616-1, remainder 1 modulo 97.
    """
    size = IBAN_LENGTHS.get(compact[:2], 0)
    if not size or len(compact) < size:
        return 0
    moved = compact[4:size] + compact[:4]
    return size if int("".join(str(int(each, 36)) for each in moved)) % 97 == 1 else 0


def is_us_ssn(digits: str) -> bool:
    """Whether the nine digits were ever given out as an SSN or ITIN; neither has a check digit.

    Source: Social Security Administration, "SSN randomization"; IRS, "ITIN".
    """
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area[0] == "9":
        return serial != "0000" and int(group) in {*range(50, 66), *range(70, 89),
                                                   *range(90, 93), *range(94, 100)}
    return area not in {"000", "666"} and group != "00" and serial != "0000"


def is_de_tax_id(digits: str) -> bool:
    """Whether the eleven digits are a German tax identification number.

    ISO/IEC 7064 MOD 11,10; of the first ten exactly one digit stands twice or three times.
    Source: Bundeszentralamt für Steuern, "Aufbau der Identifikationsnummer".
    """
    first = digits[:10]
    counts = sorted(first.count(each) for each in set(first))
    if digits[0] == "0" or counts[-1] not in {2, 3} or (len(counts) > 1 and counts[-2] > 1):
        return False
    product = 10
    for each in first:
        total = (int(each) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def is_de_social_security(compact: str) -> bool:
    """Whether area, birthday, letter and serial carry the German pension insurance's check digit.

    Source: Deutsche Rentenversicherung, VKVV § 2.
    """
    if not 1 <= int(compact[2:4]) % 50 <= 31 or not 0 <= int(compact[4:6]) % 20 <= 12:
        return False
    spread = f"{compact[:8]}{ord(compact[8]) - 64:02d}{compact[9:11]}"
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum(sum(divmod(int(each) * weight, 10))
                for each, weight in zip(spread, weights, strict=True))
    return total % 10 == int(compact[11])


def is_fr_nir(compact: str) -> bool:
    """Whether the 15 places are a French NIR: key = 97 - number mod 97. Source: INSEE."""
    number = compact[:13].replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(compact[13:])


def is_es_dni(compact: str) -> bool:
    """Whether eight digits (or X, Y, Z and seven) carry the Spanish letter: number mod 23."""
    number = compact[:-1].translate({88: "0", 89: "1", 90: "2"})
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == compact[-1]


def is_it_codice_fiscale(compact: str) -> bool:
    """Whether the 16 characters carry the Italian check letter. Source: DM 23.12.1976."""
    total = sum(_ODD[each] for each in compact[0:15:2])
    total += sum(int(each) if each.isdigit() else ord(each) - 65 for each in compact[1:15:2])
    return chr(65 + total % 26) == compact[15]


def is_nl_bsn(digits: str) -> bool:
    """Whether the nine digits pass the Dutch eleven test."""
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    total = sum(int(each) * weight for each, weight in zip(digits, weights, strict=True))
    return total % 11 == 0 and digits != "000000000"


def is_pl_pesel(digits: str) -> bool:
    """Whether the eleven digits hold a day of birth and the Polish check digit."""
    month, day = int(digits[2:4]) % 20, int(digits[4:6])
    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
    total = sum(int(each) * weight for each, weight in zip(digits, weights, strict=False))
    return 1 <= month <= 12 and 1 <= day <= 31 and (10 - total % 10) % 10 == int(digits[10])


def is_ch_ahv(digits: str) -> bool:
    """Whether the 13 digits of a Swiss AHV number carry their EAN-13 check digit."""
    total = sum(int(each) * (3 if place % 2 else 1) for place, each in enumerate(digits[:12]))
    return (10 - total % 10) % 10 == int(digits[12])


def is_br_cpf(digits: str) -> bool:
    """Whether the eleven digits carry the two check digits of a Brazilian CPF."""
    if len(set(digits)) == 1:
        return False
    for size in (9, 10):
        total = sum(int(each) * (size + 1 - place) for place, each in enumerate(digits[:size]))
        if total * 10 % 11 % 10 != int(digits[size]):
            return False
    return True


def is_uk_nino(compact: str) -> bool:
    """Whether the British number's prefix is given out; it has no check digit. Source: HMRC."""
    return compact[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}
