"""A thousand and more texts that could be a client, made by combining; nobody in them exists.

Six languages: English, Spanish, Polish, Chinese, Arabic, Ukrainian; addresses and captions in French besides.
"""

from collections.abc import Iterator
from itertools import islice, product

DIGITS = {
    "ascii": "0123456789",
    "full-width": "０１２３４５６７８９",
    "arabic": "٠١٢٣٤٥٦٧٨٩",
    "persian": "۰۱۲۳۴۵۶۷۸۹",
    "devanagari": "०१२३४५६७८९",
    "bold": "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
}
NAMES = {
    "en": (("Testa", "Jane", "Norman", "Alma"), ("Samplesworth", "Doe", "Placeholder", "Fixture")),
    "es": (
        ("Inventada", "José", "Marisol", "Ximena"),
        ("Ejemplo Pérez", "de la Muestra", "Fulánez", "Ñuflo"),
    ),
    "pl": (("Zofia", "Łukasz", "Święcisław", "Agata"), ("Przykładowski", "Zmyślona", "Testowicz", "Wzór")),
    "zh": (("样", "例子", "虚构", "测试"), ("王", "李", "欧阳", "张")),
    "ar": (("مثال", "نموذج", "عينة", "تجربة"), ("الوهمي", "بن المثال", "الافتراضي", "آل نموذج")),
    "uk": (("Приклад", "Вигадана", "Зразко", "Оксана"), ("Вигаденко", "Тестчук", "Зразківська", "Пробний")),
}
HONORIFICS = {
    "en": ("Mr.", "Ms", "Dr.", "client"),
    "es": ("Sr.", "Sra.", "don", "cliente"),
    "pl": ("Pan", "Pani", "klient", "klientka"),
    "zh": ("", "", "", ""),
    "ar": ("السيد", "السيدة", "الآنسة", "موكل"),
    "uk": ("пан", "пані", "клієнт", "клієнтка"),
}
BIRTHS = {
    "en": ("March 4, 1987", "born 4 Mar 87", "DOB 03/04/87", "4th of March 1987"),
    "es": ("4 de marzo de 1987", "nacida el 4/3/87", "4-mar-1987", "fecha de nac 04.03.1987"),
    "pl": ("4 marca 1987 r.", "ur. 04.03.1987", "4.III.1987", "urodzona 4 mar 87"),
    "zh": ("1987年3月4日", "八七年3月4日", "出生1987-03-04", "１９８７／０３／０４"),
    "ar": ("٤ مارس ١٩٨٧", "مواليد ١٩٨٧", "١٩٨٧/٣/٤", "ولد في ٤/٣/١٩٨٧"),
    "uk": ("4 березня 1987", "04.03.1987 р.н.", "народжена 4 бер 1987", "4/3/87"),
}
CAPTIONS = {
    "en": ("Matter of {}", "{} v. Garland", "In re {}", "{} vs. INS", "Matter of A-S-M-"),
    "es": ("Asunto de {}", "{} contra Estado", "en el caso {}"),
    "pl": ("sprawa {}", "{} przeciwko miastu"),
    "zh": ("{}诉检察长", "{}一案"),
    "ar": ("قضية {}", "{} ضد الوزير"),
    "uk": ("справа {}", "{} проти міста"),
    "fr": ("affaire {}", "{} contre ville", "{} c. Ministre"),
}
ADDRESSES = {
    "en": ("1234 W. Example Ave", "apt 12", "12 North Sample Street", "unit 4"),
    "es": ("calle Inventada 12", "avenida Ejemplo 1234", "piso 3"),
    "pl": ("ul. Przykładowa 12", "aleja Zmyślona 7"),
    "zh": ("示例路12号", "样本街"),
    "ar": ("شارع المثال ١٢", "شقة ٤"),
    "uk": ("вул. Прикладна 12", "проспект Зразка 5"),
    "fr": ("12 rue de l'Exemple", "appartement 4"),
}


def written(number: str, digits: str) -> str:
    return "".join(DIGITS[digits][int(one)] if one.isdigit() else one for one in number)


def grouped(number: str, gap: str) -> str:
    return gap.join([number[:3], number[3:6], number[6:]]) if gap != "every" else " ".join(number)


def a_numbers() -> Iterator[str]:
    prefixes = ("A", "a", "А", "Α", "A#", "A-", "A ", "Ａ", "Alien No. ", "A\u200b", "A\u00a0", "А№")
    for prefix, number, gap, digits in product(
        prefixes, ("08765432", "208765432"), ("", "-", " ", "–", ".", "every", "\u2009", "\u200b"), DIGITS
    ):
        yield prefix + written(grouped(number, gap), digits)


def receipts() -> Iterator[str]:
    for office, gap, digits in product(
        ("EAC", "msc", "ІОЕ", "W A C", "LIN"), ("", "-", " ", "every"), DIGITS
    ):
        yield office + gap.replace("every", " ") + written(grouped("9912345678", gap), digits)


def passports() -> Iterator[str]:
    for prefix, number, gap, digits in product(
        ("G", "AB", "XDD", "С"), ("1234567", "12345678"), ("", "-", " "), DIGITS
    ):
        yield prefix + gap + written(number, digits)


def bare_numbers() -> Iterator[str]:
    for number, gap, digits in product(
        ("208765432", "08765432", "1234567890"), ("", "-", " ", ".", "every"), DIGITS
    ):
        yield written(grouped(number, gap), digits)
    yield from ("2O8765432", "2087654E2", "l2345678", "12345B78")


def phones() -> Iterator[str]:
    for form, digits in product(
        (
            "312-555-0142",
            "(312) 555-0142",
            "+1 312 555 0142",
            "3125550142",
            "555-0142",
            "+48 601 000 000",
            "312.555.0142",
        ),
        DIGITS,
    ):
        yield written(form, digits)


def mails() -> Iterator[str]:
    for name, form in product(("jane.doe", "zofia", "приклад", "样例"), ("{}@mail.example", "{} (at) mail.example", "{} at mail dot example", "{}＠mail.invalid", "{} arroba mail punto com", "@{}")):  # fmt: skip
        yield form.format(name)


def names() -> Iterator[tuple[str, str]]:
    for language, (given, family) in NAMES.items():
        for first, last in product(given, family):
            forms: tuple[str, ...]
            if language == "zh":
                forms = (
                    last + first,
                    last + first + "先生",
                    " ".join(last + first),
                    last + "女士",
                    last[0] + "·" + first,
                )
            else:
                forms = (f"{first} {last}", f"{last}, {first}", f"{last.upper()} {first}", f"{first} {last}".lower(), first, last, f"{first[0]}. {last}")  # fmt: skip
            yield from ((language, one) for one in forms)
            yield from ((language, f"{title} {last}") for title in HONORIFICS[language] if title)


def captions() -> Iterator[str]:
    for language, forms in CAPTIONS.items():
        family = NAMES.get(language, NAMES["en"])[1]
        yield from (form.format(name) for form, name in product(forms, family))


def dockets() -> Iterator[str]:
    yield from (
        "No. 21-1234",
        "1:23-cv-04567",
        "23-cv-4567",
        "2:19-cr-88",
        "Case 12345",
        "expediente 2023/114",
        "sygn. akt 45/23",
        "23-60123",
        "№ 4411/23",
        "案号 123",
        "رقم ١٢٣٤",
        "docket 4411",
        "file no 998",
        "19-7777",
    )


def sentences() -> Iterator[str]:
    yield from (
        "client fears return because of her family", "he was detained at the courthouse on Monday",
        "la clienta tiene miedo de volver", "detenido en el trabajo por agentes", "klientka boi się powrotu",
        "zatrzymany w drodze do pracy", "客户害怕回国", "他在法院被拘留", "تخاف من العودة إلى بلدها", "تم احتجازه في المحكمة",
        "клієнтка боїться повертатися", "затриманий біля суду", "mother of three from the north side", "asylum granted",
    )  # fmt: skip


def by_kind() -> dict[str, list[str]]:
    """Return every leak by kind; names also by language."""
    found = {
        "a-number": list(a_numbers()),
        "receipt": list(receipts()),
        "passport": list(passports()),
        "bare number": list(bare_numbers()),
        "phone": list(phones()),
        "e-mail": list(mails()),
        "date of birth": [form for forms in BIRTHS.values() for form in forms],
        "date of birth, digits": [
            written(form, digits)
            for form, digits in product(("1987-03-04", "03/04/1987", "4.3.87", "1987"), DIGITS)
        ],
        "caption": list(captions()),
        "docket": list(dockets()),
        "address": [form for forms in ADDRESSES.values() for form in forms],
        "free text": list(sentences()),
    }
    for language, name in names():
        found.setdefault(f"name, {language}", []).append(name)
    return {kind: list(dict.fromkeys(texts)) for kind, texts in found.items()}


def some(kind: str, count: int) -> list[str]:
    return list(islice(by_kind()[kind], count))
