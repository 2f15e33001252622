"""The offline voice as a whole: what it answers to whom."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.types import Language, Turn
from plugins.conformance.replier import ReplierConformance, stream, text_of
from plugins.repliers._bank import bank, sentences
from plugins.repliers.offline import OfflineReplier
from tests.plugins.repliers.offline_voice import NOTES, answer, asked, reading, voice


class TestConformance(ReplierConformance):
    @pytest.fixture
    def replier(self) -> OfflineReplier:
        return voice()


@pytest.fixture
async def fresh() -> AsyncIterator[OfflineReplier]:
    async with OfflineReplier() as replier:
        yield replier


async def test_the_chunks_join_up_to_the_answer() -> None:
    prompt = asked("나 승진했어!", "joy")
    chunks = await stream(voice(), prompt)
    assert len(chunks) > 2
    assert text_of(chunks) == voice().answer(prompt)
    assert (chunks[-1].finish, chunks[-1].model) == ("stop", "offline")


async def test_english_needs_no_analyser(fresh: OfflineReplier) -> None:
    assert text_of(await stream(fresh, asked("I failed my exam", "sadness", language="en")))
    assert fresh._korean is None


def test_importing_the_plugin_does_not_import_the_analyser() -> None:
    code = "import sys, plugins.repliers.offline; sys.exit('kiwipiepy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_same_prompt_gets_the_same_answer() -> None:
    assert answer(asked("팀장님이 또 뭐라고 했어", "anger")) == answer(asked("팀장님이 또 뭐라고 했어", "anger"))


def test_it_says_once_in_a_conversation_that_it_is_the_offline_voice() -> None:
    first = voice().answer(asked("안녕", "neutral"))
    assert first.endswith(NOTES["ko"])
    before = (Turn("user", "안녕"), Turn("assistant", first))
    assert NOTES["ko"] not in voice().answer(asked("배고파", "neutral", before=before))


def test_a_clause_of_the_persons_own_is_said_back() -> None:
    assert "시험에 떨어지" in answer(asked("시험 떨어졌어요", "sadness")).replace("떨어졌", "떨어지")
    assert answer(asked("엄마가 너무 보고 싶어요", "sadness")).startswith("엄마가 너무 보고 싶구나.")


@pytest.mark.parametrize("group", ["joy", "sadness", "anger", "anxiety", "hurt", "embarrassment", "neutral", "비통한"])
@pytest.mark.parametrize("text", ["오늘은 좀 그래", "Something happened again today"])
def test_no_sentence_comes_again_within_ten_turns(group: str, text: str) -> None:
    before: tuple[Turn, ...] = ()
    said: list[set[str]] = []
    for _ in range(14):
        reply = voice().answer(asked(text, group, before=before))
        now = {sentence for sentence in sentences(reply) if sentence not in NOTES.values()}
        assert not any(now & earlier for earlier in said[-9:])
        said.append(now)
        before = (*before, Turn("user", text, reading(group)), Turn("assistant", reply))


def test_a_variant_that_was_turned_down_is_answered_differently_not_only_in_words() -> None:
    rejected: tuple[str, ...] = ()
    for _ in range(4):
        reply = answer(asked("시험 떨어졌어", "sadness", rejected=rejected))
        assert not set(sentences(reply)) & {one for text in rejected for one in sentences(text)}
        rejected = (*rejected, reply)
    assert "떨어졌" in rejected[0]
    assert not any("떨어졌" in text for text in rejected[1:])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("안녕", "안녕|반가|어서|응"),
        ("고마워", "고마|고맙|별말|도움|따뜻"),
        ("잘게", "자|쉬어|꿈|밤|눈"),
        ("너 사람이야?", "AI"),
        ("ㅋㅋㅋㅋ", "웃|좋은 일"),
        ("세종대왕이 한글 만든 게 몇 년도야?", "알|모르|검색|몰라"),
        ("이메일 하나만 써줘", "못|어려워"),
        ("심심해", "심심|수다|어디"),
        ("우울증인 것 같아 이 약 먹어도 돼?", "의사|병원|진료"),
    ],
)
def test_what_a_message_does_decides_the_answer(text: str, words: str) -> None:
    assert any(word in answer(asked(text, "neutral")) for word in words.split("|"))


@pytest.mark.parametrize(
    ("text", "group", "words"),
    [
        ("짜증나 말 걸지마", "anger", "조용|여기|안 걸게"),
        ("나 이제 씻으러 간다 ㅂㅂ", "neutral", "응|그래"),
        ("머하노", "neutral", "너는"),
        ("짜장 짬뽕 골라줘", "neutral", "짜장|짬뽕"),
        ("오늘 저녁 뭐 먹을까? 라면 아니면 볶음밥", "neutral", "라면|볶음밥"),
        ("너 몇살이야?", "neutral", "나이"),
        ("너도 잠 자니?", "neutral", "잠"),
        ("지금 몇 시예요", "neutral", "시간|시계"),
        ("유산했어요. 아무한테도 말 못 하고 있어요", "sadness", "마음|슬|힘들|말"),
        ("엄마가 이제 저를 못 알아보세요", "sadness", "마음"),
    ],
)
def test_what_the_person_is_doing_comes_before_what_they_feel(text: str, group: str, words: str) -> None:
    reply = answer(asked(text, group))
    assert any(word in reply for word in words.split("|"))
    assert "저장" not in reply


@pytest.mark.parametrize("text", ["죽고 싶어", "그만 살고 싶다", "나 자해했어", "다 사라지고 싶어"])
def test_who_speaks_of_dying_hears_where_help_is(text: str) -> None:
    for label in ("sadness", "neutral", "joy"):
        assert "109" in answer(asked(text, label, tone="shorter"))


@pytest.mark.parametrize(
    "text",
    [
        "배고파 죽겠어",
        "보고서 다 끝내고 싶다",
        "이 동네에서 살기 싫어",
        "이해가 안 되는 사유서",
        "다 같이 가자 해서 갔어",
    ],
)
def test_a_manner_of_speaking_is_no_crisis(text: str) -> None:
    assert "109" not in answer(asked(text, "neutral"))


def test_death_is_met_without_cheer_whatever_the_reading() -> None:
    for label in (None, "neutral", "sadness", "hurt"):
        reply = answer(asked("오늘 우리 강아지가 죽었어", label, tone="brighter"))
        assert "!" not in reply
        assert "죽었구나" not in reply


def test_a_hard_story_read_as_joy_is_not_congratulated() -> None:
    assert "!" not in answer(asked("시험 떨어졌어", "joy"))


def test_without_a_sure_reading_it_stays_gentle() -> None:
    assert answer(asked("시험 떨어졌어요")).startswith(
        ("시험에 떨어졌구나", "그", "얘기", "말", "신경", "쉽지", "마음")
    )


def test_mirror_carries_the_persons_own_emotion() -> None:
    reply = answer(asked("팀장님이 나한테만 소리 질렀어", "anger", strategy="mirror"))
    own = [line for lines in bank("ko").mirror["anger"].values() for line in lines]
    assert any(line in reply for line in own)


def test_a_wanted_tone_is_heard() -> None:
    usual = answer(asked("면접 망했어", "sadness"))
    assert len(sentences(answer(asked("면접 망했어", "sadness", tone="shorter")))) == 1
    assert answer(asked("면접 망했어", "sadness", tone="softer")) != usual
    assert answer(asked("면접 망했어", "sadness", tone="brighter")) != usual


def test_a_story_that_goes_on_is_referred_to() -> None:
    before = (Turn("user", "나 오늘 면접 망했어", reading("sadness")), Turn("assistant", "속상하겠다."))
    replies = [
        answer(asked(text, "sadness", before=before)) for text in ("하…", "에휴 진짜", "그냥 좀", "답답", "또 그래")
    ]
    assert any(word in reply for reply in replies for word in ("아까", "계속", "안 풀리지", "안 가시지"))


@pytest.mark.parametrize(
    ("text", "label", "words"),
    [
        ("I failed my exam", "sadness", "you failed your exam"),
        ("My boss yelled at me", "anger", "your boss yelled at you"),
        ("I wasn't invited", "hurt", "you weren't invited"),
        ("I want to die", "sadness", "988"),
        ("are you a real person?", "neutral", "AI"),
    ],
)
def test_english_is_answered_in_english(text: str, label: str, words: str) -> None:
    assert words in " ".join(answer(asked(text, label, rejected=("x",) * n)) for n in range(3))


def test_english_self_blame_is_not_said_back() -> None:
    assert "you're" not in answer(asked("I'm such a stupid failure", "sadness"))


def test_a_hundred_thousand_characters_are_answered_quickly() -> None:
    assert answer(asked("야야 " * 33_000, "anger"))
    assert answer(asked("야" * 39 + "ㅁ", "neutral"))


@pytest.mark.parametrize(
    ("language", "text"),
    [("ko", "ㅋㅋㅋ 농담 하나 해 줘"), ("ko", "나 내일 시험이야"), ("en", "tell me a joke"), ("en", "I got promoted!")],
)
def test_after_a_life_was_in_danger_it_listens_and_never_jokes(language: Language, text: str) -> None:
    prompt = replace(asked(text, "joy", language=language), gentle=True)
    table = bank(language).feelings["afterwards"]
    quiet = {sentence for slot in ("feel", "stay", "ask") for line in table[slot] for sentence in sentences(line)}
    for rejected in ((), (answer(prompt),)):
        said = sentences(answer(replace(prompt, rejected=rejected)))
        assert said
        assert quiet.issuperset(said)
