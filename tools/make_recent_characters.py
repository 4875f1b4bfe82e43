#!/usr/bin/env python3
"""Writes what the `tokenizers` library thinks of characters otherwise than our libraries do.

  python3 tools/make_recent_characters.py classes >src/tokenizer/recent_characters.inc
  python3 tools/make_recent_characters.py forms >src/tokenizer/unnormalized_characters.inc

PCRE2 10.42 knows Unicode 14; the regex engine of `tokenizers` 0.23 knows Unicode 16, its normal forms
Unicode 9. This asks that library about every character and compares with Python's own tables, so it
needs a Python whose unicodedata.unidata_version is 14.0.0 (3.11) with `pip install tokenizers==0.23.3`.
"""

import sys
import unicodedata

from tokenizers import Regex, normalizers
from tokenizers.pre_tokenizers import Split

CATEGORIES = ("Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cf").split()
CODES = [code for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
TEXT = "".join(map(chr, CODES))


def matching(expression):
    pieces = Split(Regex(f"(?:{expression})+"), "removed", invert=True).pre_tokenize_str(TEXT)
    return {ord(character) for piece, _ in pieces for character in piece}


def stand_in(category, is_han, like, han):
    """An old character of the same category, the same length in UTF-8, and Han or not as well."""
    size = len(chr(like).encode())
    return next(code for code in CODES
                if unicodedata.category(chr(code)) == category and (code in han) == is_han
                and len(chr(code).encode()) == size)


def print_classes():
    han = matching(r"\p{Han}")
    rows = []
    for category in CATEGORIES:
        fresh = sorted(c for c in matching(rf"\p{{{category}}}") if unicodedata.category(chr(c)) == "Cn")
        for code in fresh:
            if rows and rows[-1][1] == code - 1 and rows[-1][2:] == (category, code in han):
                rows[-1] = (rows[-1][0], code) + rows[-1][2:]
            else:
                rows.append((code, code, category, code in han))
    print("// Written by tools/make_recent_characters.py: {first, last, stand-in}, ascending.")
    for first, last, category, is_han in sorted(rows):
        proxy = stand_in(category, is_han, first, han)
        print(f"{{0x{first:05X}, 0x{last:05X}, 0x{proxy:05X}}},  // {category}{' Han' if is_han else ''}")


def is_normalized_otherwise(code):
    """Whether a form of the character alone, or its order among marks of low and high class, differs."""
    character = chr(code)
    texts = (character, "a" + character + "\u0334", "a\u0345" + character)
    return any(getattr(normalizers, form)().normalize_str(text) != unicodedata.normalize(form, text)
               for form in ("NFD", "NFKD") for text in texts)


def seconds_of_unknown_pairs():
    """Characters that compose with the one before them, but not in that library; none composes otherwise."""
    for code in CODES:
        pair = unicodedata.normalize("NFD", chr(code))
        composed = unicodedata.normalize("NFC", pair)
        if len(pair) == 2 and composed != normalizers.NFC().normalize_str(pair):
            yield ord(pair[1])


def print_forms():
    rows = []
    for code in sorted({*filter(is_normalized_otherwise, CODES), *seconds_of_unknown_pairs()}):
        if rows and rows[-1][1] == code - 1:
            rows[-1] = (rows[-1][0], code)
        else:
            rows.append((code, code))
    print("// Written by tools/make_recent_characters.py: {first, last}, ascending.")
    for first, last in rows:
        print(f"{{0x{first:05X}, 0x{last:05X}}},")


def main():
    if unicodedata.unidata_version != "14.0.0":
        sys.exit(f"needs a Python with Unicode 14, not {unicodedata.unidata_version}")
    {"classes": print_classes, "forms": print_forms}[sys.argv[1]]()


if __name__ == "__main__":
    main()
