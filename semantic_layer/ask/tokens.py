"""A question as words, with where each stands in what was written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

LONGEST_QUESTION = 500  # characters; nobody asks more in one breath

MONTH_WORDS = "jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec"
_TOKEN = re.compile(
    rf"""
    (?P<date>\d{{4}}-\d{{1,2}}-\d{{1,2}}|\d{{1,4}}[./]\d{{1,2}}[./]\d{{1,4}})
  | (?P<path>(?<![\w/])/[\w\-./%~]*)
  | (?P<number>(?:(?<=\s)-)?[€$£]?\d+(?:,\d{{3}})*(?:\.\d+)?[^\W\d_%]*(?:\s?%)?[€$£]?)
  | (?P<word>[^\W\d_](?:[^\W_]|'(?=[^\W\d_]))*)
  | (?P<sign>>=|<=|!=|<>|->|=>|[<>=→])
  | (?P<dash>[–—]|(?<=\d)-(?=\d)|(?<=\s)-(?=\s)|-(?=(?:{MONTH_WORDS})))
  | (?P<comma>,)
  | (?P<quote>["“”„«»]|(?<![^\s(])'(?=\S)|'(?=[\s.,?!)]|$))
  | (?P<silent>[\s.?!:()_-]|…)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_PLAIN, _WORD = re.compile(r"[A-Za-z0-9 _-]*", re.ASCII), re.compile(r"[a-z0-9]+", re.ASCII)
_CONTRACTED = re.compile(r"(?:'(?:s|re|ve|ll|d|m))$")
_SAME = dict.fromkeys(("percentage", "fraction", "proportion", "percent", "portion"), "share")
_SAME |= {"canceled": "cancelled", "organization": "organisation", "color": "colour", "enrollment": "enrolment"}
# Small words that may stand between those of a name: how long do people stay on the site.
SKIPPED = frozenset(
    ("a", "an", "the", "our", "your", "my", "its", "their", "we", "us", "you", "i", "they", "do", "does")
)
SKIPPED |= {
    "who",
    "that",
    "which",
    "did",
    "is",
    "are",
    "was",
    "were",
    "be",
    "been",
    "has",
    "have",
    "had",
    "of",
    "in",
    "on",
    "to",
    "for",
}
_IRREGULAR = {"people": "person", "men": "man", "women": "woman", "children": "child", "indices": "index"}
_KEPT = re.compile(r"(?:ss|us|is)$")
_IRREGULAR_VERBS = {"bought": "buy", "made": "make", "saw": "see", "seen": "see", "began": "begin", "begun": "begin"}
_IRREGULAR_VERBS |= {"chose": "choose", "chosen": "choose", "got": "get", "wrote": "write", "written": "write"}
_IRREGULAR_VERBS |= {"ran": "run", "paid": "pay", "left": "leave", "became": "become", "took": "take", "gave": "give"}
_IRREGULAR_VERBS |= {"sold": "sell", "spent": "spend"}


@dataclass(frozen=True)
class Token:
    """`text` is folded: lower case, without accents. `stem` is its singular, by which names are looked up."""

    text: str
    raw: str
    start: int
    end: int
    kind: str  # date, path, number, word, code, sign, dash, comma, other
    quoted: int = 0  # which pair of quotation marks it stands in; 0 for none
    quotation: str = ""  # all that stands in them

    @property
    def stem(self) -> str:
        return stem(self.text)


def tokenise(question: str) -> list[Token]:
    """Words, numbers, dates and signs. What stands for nothing (full stops, brackets) is left out; an unknown sign is
    a token that nothing covers."""
    text = unicodedata.normalize("NFC", question.replace("’", "'").replace("‘", "'").replace("`", "'"))
    if text.isupper():
        text = text.lower()  # capitals say nothing where everything is in capitals: US is us
    tokens: list[Token] = []
    begin, pairs = None, 0
    for match in _TOKEN.finditer(text):
        kind = str(match.lastgroup)
        if kind == "quote":
            if begin is None:
                begin, pairs = match.end(), pairs + 1
            else:
                whole = text[begin : match.start()]
                tokens = [replace(one, quotation=whole) if one.quoted == pairs else one for one in tokens]
                begin = None
        elif kind != "silent":
            one = Token(fold(match[0]), match[0], match.start(), match.end(), kind, pairs if begin is not None else 0)
            tokens += _parts(one)
    if begin is not None:  # never closed: it quoted nothing
        tokens = [replace(one, quoted=0) if one.quoted == pairs else one for one in tokens]
    return tokens


def _parts(token: Token) -> list[Token]:
    """don't is do not; what's is what."""
    if token.kind == "number":
        return [replace(token, text=token.text.replace(" ", ""))]
    if token.kind == "date" and not re.fullmatch(r"\d+(-\d+-|([./])\d+\2)\d+", token.text):
        return [replace(token, kind="other")]
    if token.kind != "word":
        return [token]
    text = token.text
    if text.endswith("n't") or text in ("cannot", "dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "havent"):
        return [replace(token, text="do"), replace(token, text="not", start=token.end)]
    text = _CONTRACTED.sub("", text).replace("'", "")
    return [replace(token, text=text)]


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """Lower case, without accents: Côte d'Ivoire and cote d'ivoire are one."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


@lru_cache(maxsize=20_000)
def singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or not word.endswith("s") or _KEPT.search(word):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if re.search(r"(?:ss|sh|ch|x|zz)es$", word):
        return word[:-2]
    return word[:-1]


def stem(word: str) -> str:
    """Its singular, in the one of several spellings or words for it by which names are looked up."""
    word = singular(word)
    return _SAME.get(word, word)


@lru_cache(maxsize=20_000)
def root(word: str) -> str:
    """What the forms of a verb have in common: viewed, viewing and view; cancelled and cancellation."""
    word = _IRREGULAR_VERBS.get(word) or singular(word)
    for ending, shortest in (("ation", 8), ("ing", 6), ("ion", 7), ("ed", 5), ("er", 99)):
        if word.endswith(ending) and len(word) >= shortest:
            word = word[: -len(ending)]
            break
    word = word.removesuffix("e") if len(word) > 3 else word
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] != "s" else word


def key_of(stems: Iterable[str]) -> str:
    """What a phrase is looked up by: sign-ups, signups and sign ups are one."""
    return singular("".join(stems))


def content(words: Sequence[str]) -> list[str]:
    return [word for word in words if word not in SKIPPED]


def words_of(phrase: str) -> list[str]:
    """The words of a name, label or synonym as they would be tokens."""
    if _PLAIN.fullmatch(phrase):  # a tenth of the time, for thousands of them
        return _WORD.findall(phrase.lower())
    return [part.text for part in tokenise(phrase.replace("_", " ")) if part.kind not in ("comma", "dash")]
