"""Korean words as lists and rules: cleaning a message, what is never reflected, and turning 나 into 너."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import pairwise

Join = Callable[[Iterable[tuple[str, str]]], str]


@cache
def _lists() -> dict[str, frozenset[str]]:
    text = files("plugins.repliers").joinpath("offline_ko_words.toml").read_text(encoding="utf-8")
    return {name: frozenset(words.split()) for name, words in tomllib.loads(text).items()}


def listed(name: str) -> frozenset[str]:
    """A word list of offline_ko_words.toml."""
    return _lists()[name]


@dataclass(frozen=True, slots=True)
class Word:
    """One morpheme with its tag (Sejong set) and its place in the cleaned text."""

    form: str
    tag: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Piece:
    """One sentence. `marked`: it ends with a question mark."""

    text: str
    tokens: tuple[Word, ...]
    marked: bool = False

    @property
    def surface(self) -> str:
        return self.text[self.tokens[0].start : self.tokens[-1].end]

    @property
    def wh(self) -> bool:
        return questioned(self.tokens) or "어떻게" in self.surface

    @property
    def wonders(self) -> bool:
        return bool(WONDERING.match(self.tokens[-1].form)) and self.tokens[-1].tag in ("EF", "EC")

    @property
    def asks(self) -> bool:
        last = self.tokens[-1]
        plain = last.tag == "EF" and last.form in ("어", "야", "어요", "에요", "예요", "이에요", "지", "죠")
        noticed = self.marked and last.form in ("네", "네요", "구나", "군")
        return (
            (self.marked and not noticed) or (last.tag in ("EF", "EC") and last.form in ASKING) or (self.wh and plain)
        )


@dataclass(frozen=True, slots=True)
class Phrase:
    """A clause word by word (어절): each one's morphemes and how it is written."""

    groups: tuple[tuple[Word, ...], ...]
    surfaces: tuple[str, ...]


TYPOS = tuple(
    (re.compile(pattern), right)
    for pattern, right in (
        (r"(?<=[햇갓왓됏엇앗랏졋럿셧겟깃잇봣줫])(?=$)", ""),
        (r"(?<=[다야해어아])[아어ㅏㅓ]{2,}(?=$|\s)", ""),
        (r"됬", "됐"),
        (r"되(서|요)(?=\s|$)", r"돼\1"),
        (r"안되(?=\s|$)", "안 돼"),
        (r"어떻해", "어떡해"),
        (r"(^|\s)넘(?=\s)", r"\1너무"),
        (r"(^|\s)걍(?=\s)", r"\1그냥"),
        (r"(^|\s)울(?=\s?(엄마|아빠|언니|오빠|누나|형|동생|강아지|고양이|집|애기|할머니|할아버지))", r"\1우리"),
        (r"(^|\s)셤", r"\1시험"),
        (r"마니(?=\s)", "많이"),
        (r"조아(?=$|\s|요|해)", "좋아"),
        (r"시러(?=$|\s|요)", "싫어"),
        (r"몰겠", "모르겠"),
        (r"(?<=[가-힣])엿어", "였어"),
        (r"(?<=[가-힣])[ㅇㅁㄴㅅ]+(?=$|\s)", ""),
        (r"(^|\s)(?:ㅈㄴ|ㄹㅇ|ㅅㅂ|ㅆㅂ|ㄷㄷ|ㅡㅡ)(?=$|\s)", " "),
    )
)
DOUBLED = {"햇": "했", "갓": "갔", "왓": "왔", "됏": "됐", "엇": "었", "앗": "았", "랏": "랐", "졋": "졌", "럿": "렀"}
DOUBLED |= {"셧": "셨", "겟": "겠", "잇": "있", "봣": "봤", "줫": "줬", "낫": "났", "맛": "맛"}
SINGLE = re.compile(r"([햇갓왓됏엇앗랏졋럿셧겟잇봣줫])(?=어|다|는|음|네|지|고|습|거|엉|냐|는데|더|을|으)")
CUT = re.compile(r"(?<!\d)[.,]+|[.,]+(?!\d)|[!…~\n♡♥;^]+|[ㅋㅎㅠㅜ]+|(?<=\?)")
ODD = re.compile(r"[^\w\s가-힣ㄱ-ㅎㅏ-ㅣ?%:'\"“”‘’「」『』-]+")
QUOTES = re.compile(r"[\"“”‘’「」『』<>]|(?<!\w)'|'(?!\w)|(?<=[가-힣])'")
REQUEST = re.compile(r"((?<!씩 )줘|주세요|주라|주실래요|줘요|주시겠어요|부탁해|부탁드려요|부탁드립니다|부탁)(?=$)")
ALLOWED = re.compile(r"N|V|MM|MAG|MAJ|J|E|X|SN|SL|IC")
WH = listed("wh")
ASKING = listed("asking")
WONDERING = re.compile(r"[ᆯ을]까요?$|려나$")

UNSAFE = re.compile("|".join(sorted(listed("unsafe"))))
KIN = listed("kin")
COMMUNAL = listed("communal")
LEAD = listed("lead")
DROPPED = listed("dropped")
SPEAKER = {"나": "너", "저": "너", "저희": "너희", "여기": "거기", "이곳": "그곳"}
HEARER = listed("hearer")
CUTTING = listed("cutting")
TIMES = listed("timed")
EXAMS = listed("exams")
NEEDS_AT = listed("needs_at")
NEXT_WORD = re.compile(r"N(?!NB)|V[VA]|MM|MAG")
BEFORE_WORD = re.compile(r"J|EC|ETM")
ADVERBS = frozenset(["안", "못", "너무", "또", "다시"])


def parts(text: str) -> list[str]:
    """The message without emoji, laughter and typing habits, cut at its signs. A `?` stays at the end of its part."""
    text = unicodedata.normalize("NFC", text)
    cleaned = []
    for part in CUT.split(text):
        part = " ".join(ODD.sub(" ", part).split())
        part = re.sub(r"\?+", "?", SINGLE.sub(lambda found: DOUBLED[found[1]], part)).strip()
        for pattern, right in TYPOS:
            part = pattern.sub(right, part)
        if part.strip("? "):
            cleaned.append(part.strip())
    return cleaned


def questioned(tokens: Sequence[Word]) -> bool:
    """Is there a question word (and not just 뭐라고 했다, which means a scolding)?"""
    scolded = any(t.tag == "VCP" and n.form in ("라고", "라구") for t, n in pairwise(tokens))
    return any(t.form in WH and t.tag in ("NP", "MAG", "MM") for t in tokens) and not scolded


def squeeze(text: str) -> str:
    """For comparing: no spaces, and 되어/돼, 하여/해 written one way."""
    text = (
        "".join(text.split())
        .replace("되어", "돼")
        .replace("하여", "해")
        .replace("이였", "이었")
        .replace("이에요", "예요")
    )
    return text.replace("이예요", "예요").replace("내가", "나가").replace("제가", "저가").replace("거", "것")


def without_lead(tokens: Sequence[Word]) -> tuple[Word, ...]:
    """The sentence without its opening interjections and connectors."""
    tokens = tuple(tokens)
    if tokens and tokens[0].tag == "IC" and len(tokens[0].form) > 3:  # 여보세요 했는데: it is part of the story
        return ()
    while tokens and (tokens[0].tag in ("IC", "MAJ") or (tokens[0].form in LEAD and tokens[0].tag in ("MAG", "MM"))):
        tokens = tokens[1:]
    return tokens


def split(text: str, tokens: Sequence[Word]) -> Phrase:
    """Words as they should be spaced: where the writer left a space, and where they should have."""
    groups: list[list[Word]] = []
    for before, token in zip((None, *tokens), tokens, strict=False):
        if before is None or token.start > before.end or _run_together(before, token):
            groups.append([])
        groups[-1].append(token)
    surfaces = tuple(text[group[0].start : group[-1].end] for group in groups)
    return Phrase(tuple(tuple(group) for group in groups), surfaces)


def _run_together(before: Word, token: Word) -> bool:
    if token.form == "데":
        return False
    if before.tag == "ETM":
        return token.tag[0] == "N"
    if before.form in ("잘", "그만"):
        return False
    if before.tag == "NNB" and before.form in ("것", "거", "수"):
        return token.tag[:2] in ("VA", "VV")
    if before.tag == "EC":
        return token.tag == "VX" and (before.form == "고" or token.form == "있")
    apart = BEFORE_WORD.match(before.tag) or before.form in ADVERBS
    return bool(apart and NEXT_WORD.match(token.tag)) and token.start >= before.end


def last_clause(phrase: Phrase, limit: int) -> Phrase | None:
    """The whole phrase if it is short; else what follows the last ending that may be cut at without changing sense."""
    for place in range(len(phrase.groups) - 2, 0, -1):
        ending, following = phrase.groups[place - 1][-1], phrase.groups[place][0]
        rest = phrase.groups[place:]
        own_subject = any(word[-1].tag == "JKS" for word in rest[:-1])
        if ending.tag in ("EC", "EF") and ending.form in CUTTING and following.tag != "VX" and own_subject:
            cut = Phrase(phrase.groups[place:], phrase.surfaces[place:])
            return cut if len(cut.groups) <= limit else None
    return phrase if len(phrase.groups) <= limit else None


def towards_you(phrase: Phrase, join: Join) -> Phrase | None:
    """나 becomes 너 or falls away, 여기 becomes 거기. None where that cannot be done for certain."""
    surfaces: list[str] = []
    groups: list[tuple[Word, ...]] = []
    final = len(phrase.groups) - 1
    for place, (group, surface) in enumerate(zip(phrase.groups, phrase.surfaces, strict=True)):
        if place < final and len(group) == 1 and surface in DROPPED:
            continue
        if any(token.tag == "NP" and token.form in HEARER for token in group):
            return None
        first = group[0]
        following = phrase.groups[place + 1][0] if place < final else None
        turned = _turned(first, group, surface, groups, following, join)
        if turned is None:
            return None
        if turned:
            surfaces.append(turned)
            groups.append(group)
    return Phrase(tuple(groups), tuple(surfaces)) if groups else None


def _turned(
    first: Word, group: tuple[Word, ...], surface: str, before: list[tuple[Word, ...]], after: Word | None, join: Join
) -> str | None:
    """One word, turned; "" to leave it out, None for “not certain”."""
    if any(token.tag == "NP" and token.form in ("나", "저", "우리", "저희") for token in group[1:]):
        return None
    if first.tag == "MM" and first.form in ("내", "제"):
        return "" if after and after.form in KIN else "네" + surface[1:]
    if first.tag == "NP" and first.form in ("우리", "저희"):
        return _ours(group, after)
    if first.tag == "NP" and first.form in SPEAKER:
        return _speaker(group, before, after, join)
    if first.tag == "MM" and first.form in ("이", "이런"):
        return "그" + surface[1:]
    return re.sub(r"^이(?=렇|래|런|게$|건|걸|거)", "그", surface)


def _ours(group: tuple[Word, ...], after: Word | None) -> str | None:
    if len(group) > 1 or after is None or not after.tag.startswith("NN"):
        return None
    return "너희" if after.form in COMMUNAL else ""


def _speaker(group: tuple[Word, ...], before: list[tuple[Word, ...]], after: Word | None, join: Join) -> str | None:
    rest = group[1:]
    if after is None or any(not token.tag.startswith("J") for token in rest):
        return None
    me = group[0].form in ("나", "저")
    if me and (not rest or (len(rest) == 1 and rest[0].form in ("는", "ᆫ", "은"))):
        subject_said = any(
            token.tag == "JKS" or (token.tag == "JX" and word[0].tag == "NP") for word in before for token in word
        )
        adverbs = all(word[-1].tag == "MAG" or word[-1].form in TIMES for word in before)
        if subject_said or not adverbs:
            return {"빼": "너", "좋아하": "너를", "사랑하": "너를"}.get(after.form) if not rest else None
        return ""
    if me and rest[0].tag == "JKG" and after.form in KIN:
        return ""
    return join([(SPEAKER[group[0].form], "NP"), *((token.form, token.tag) for token in rest)])


def with_particle(phrase: Phrase) -> Phrase:
    """시험 떨어졌다 → 시험에 떨어졌다."""
    if len(phrase.groups) < 2 or phrase.groups[-1][0].form not in NEEDS_AT:
        return phrase
    before = phrase.groups[-2]
    if len(before) > 1 or before[0].form not in EXAMS or before[0].tag != "NNG":
        return phrase
    return replace(phrase, surfaces=(*phrase.surfaces[:-2], phrase.surfaces[-2] + "에", phrase.surfaces[-1]))
