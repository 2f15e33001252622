"""What is said back in Korean, and what never is."""

from __future__ import annotations

import re

import pytest

from bot.types import Group
from tests.plugins.repliers.offline_voice import korean

SAID_BACK = """
시험 떨어졌어요 → 시험에 떨어졌구나
합격했습니다 → 합격했구나
너무 추워 → 너무 춥구나
엄마가 아파 → 엄마가 아프구나
걔랑 같이 걸었어 → 걔랑 같이 걸었구나
다리가 부었어 → 다리가 부었구나
머리 새로 잘랐어 → 머리 새로 잘랐구나
마음이 편해졌어 → 마음이 편해졌구나
그냥 눕고싶다 → 눕고 싶구나
학교 가기 싫어 → 학교 가기 싫구나
방에서 쉬는중임 → 방에서 쉬는 중이구나
오늘 생일이야 → 오늘 생일이구나
또 야근 → 또 야근이구나
떡볶이 먹음 → 떡볶이 먹었구나
배고픔 → 배고프구나
맛있더라 → 맛있었구나
회의가 늦게 끝났거든 → 회의가 늦게 끝났구나
우울해 죽겠어 → 우울하구나
짜증나네 → 짜증나는구나
힘들엇어 → 힘들었구나
야근했당 → 야근했구나
먹지 않아 → 먹지 않는구나
좋지 않아 → 좋지 않구나
돈이 없어 → 돈이 없구나
하고 있어 → 하고 있구나
집에 있어 → 집에 있구나
길에서 넘어질 뻔했어 → 길에서 넘어질 뻔했구나
비 와서 못 갔어 → 비 와서 못 갔구나
엘리베이터에서 혼잣말하다 들켰어 → 엘리베이터에서 혼잣말하다 들켰구나
3시간밖에 못 잤어 → 3시간밖에 못 잤구나
나 울었어 → 울었구나
달이 노랗더라 → 달이 노랬구나
"""
TURNED = """
내 친구가 나를 배신했어 → 네 친구가 너를 배신했구나
저희 아빠가 입원하셨어요 → 아빠가 입원하셨구나
울 엄마 아파 → 엄마 아프구나
우리 팀이 이겼어 → 너희 팀이 이겼구나
제가 다 했어요 → 네가 다 했구나
나도 집에 가고 싶어 → 너도 집에 가고 싶구나
이 회사 그만두고 싶어 → 그 회사 그만두고 싶구나
여기 너무 추워 → 거기 너무 춥구나
친구들이 나 빼고 여행 갔더라 → 친구들이 너 빼고 여행 갔구나
나 오늘 헤어졌어ㅠㅠ → 오늘 헤어졌구나
"""
NEVER = """
동생이 합격했대
나가래
전학 갈래
내일 여행 갈 거야
어떻게 해야 할지 모르겠어
내일 여섯 시에 일어나야 함
좋아하나 봐
나만 선물 못 받음
시험 범위 하나도 못 봄
결혼기념일을 까맣게 잊었네요
단톡방 나 빼고 새로 팠더라
창가가 더 밝긴 하네
좋은 엄마가 될 수 있을지 모르겠어요
노력하면 된다며. 안 돼던데
찾아보니 제가 틀렸더라고요
결과 발표 두시간 남음 토할 거 같음
보이스피싱 하는 사람들은 벌을 받아야 합니다
엄마 전화를 안 받아 세 번이나 걸었는데
라면 물 얼마나 부어야 돼
앗싸
담임 진짜 불공평함
서러운 날 있잖아
나는 쓰레기야
내가 봐도 한심해
다 내 탓이야
아무도 나 안 좋아해
나 살쪘어
나 우울증인 것 같아
강아지가 죽었어
아빠가 때렸어
"너 같은 애는 처음 봐"라고 했어
너 진짜 짜증나
왜 나만 이래
도와줘
빨리 가자
나 갈게
친구가 나 싫대
엄마
이게 말이 돼
난 자식도 아닌가 봐
내가 예민하대
나 떨어질 거야
안 되면 다 망해
밥 먹었어?
시험 컨닝했는데 걸린 건 내가 아니고 보여준 애였어
"""


def pairs(table: str) -> list[tuple[str, str]]:
    return [(said, back) for said, _, back in (line.partition(" → ") for line in table.strip().splitlines())]


@pytest.mark.parametrize(("said", "back"), pairs(SAID_BACK))
def test_a_clause_gets_the_ending_that_suits_its_predicate(said: str, back: str) -> None:
    clause = korean().hear(said, "neutral").clause
    assert clause is not None
    assert clause.kuna == back


@pytest.mark.parametrize(("said", "back"), pairs(TURNED))
def test_the_speaker_becomes_the_hearer(said: str, back: str) -> None:
    clause = korean().hear(said, "neutral").clause
    assert clause is not None
    assert clause.kuna == back


@pytest.mark.parametrize("said", [said for said, _ in pairs(NEVER)])
def test_what_would_wound_or_is_not_understood_is_not_said_back(said: str) -> None:
    assert korean().hear(said, "sadness").clause is None


@pytest.mark.parametrize(
    ("said", "group", "form", "back"),
    [
        ("시험 떨어졌어", "sadness", "dani", "시험에 떨어졌다니"),
        ("길에서 넘어졌어", "embarrassment", "dani", "길에서 넘어졌다니"),
        ("너무 무서워", "anxiety", "worthy", "무서울 만해"),
        ("힘들었어", "sadness", "guess", "정말 힘들었겠다"),
        ("짜증나", "anger", "worthy", "짜증날 만해"),
        ("잘할 수 있을까", "anxiety", "kuna", "잘할 수 있을지 걱정되는구나"),
    ],
)
def test_other_endings_follow_the_feeling(said: str, group: Group, form: str, back: str) -> None:
    assert getattr(korean().hear(said, group).clause, form) == back


def test_good_words_are_not_said_back_to_the_angry_who_may_mean_the_opposite() -> None:
    assert korean().hear("주말 근무라니 참 좋다", "anger").clause is None


def test_a_long_sentence_is_cut_only_where_its_sense_stays() -> None:
    clause = korean().hear("어제 친구랑 크게 싸웠는데 아직도 연락이 없어", "hurt").clause
    assert clause is not None
    assert clause.kuna == "아직도 연락이 없구나"
    assert korean().hear("이번에도 떨어지면 엄마가 나한테 정말 크게 실망할 거야", "anxiety").clause is None


def test_the_first_thing_told_is_said_back_rather_than_the_feeling_named_after_it() -> None:
    clause = korean().hear("오늘 남친이랑 헤어졌어ㅠㅠ 너무 슬퍼", "sadness").clause
    assert clause is not None
    assert clause.kuna == "오늘 남친이랑 헤어졌구나"


@pytest.mark.parametrize("said", ["그거 얼마야?", "내일 비 오나요", "이거 뭐야", "몇 시에 시작하냐"])
def test_a_question_is_heard_as_one(said: str) -> None:
    assert korean().hear(said, "neutral").asks


def test_a_scolding_is_no_question() -> None:
    assert not korean().hear("팀장님이 뭐라고 했어", "neutral").asks


def test_nothing_said_back_holds_a_loose_consonant() -> None:
    for said, _ in pairs(SAID_BACK) + pairs(TURNED):
        clause = korean().hear(said, "sadness").clause
        forms = (clause.kuna, clause.dani, clause.myeon, clause.worthy, clause.guess) if clause else ()
        assert not any(re.search(r"[\u1100-\u11ff\u3131-\u318e]", form) for form in forms)
