"""Metrics, calibration, tokenizer, batches and typing noise, on numbers small enough to check by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.emotions import GROUPS, label_set
from bot.types import Scores, Text
from training import (
    calibrate,
    context,
    curve,
    embeddings,
    linear,
    metrics,
    multilabel,
    ngrams,
    noise,
    packed,
    teachers,
    tokenizer,
)
from training.maum58 import LABELS, Row

WORDS = ["나 오늘 회사에서 혼났어 ㅠㅠ", "오늘 회사 안 가서 좋아 ㅋㅋㅋㅋㅋㅋ", "I am so happy today!!", "why me?"] * 8


def rows(count: int, label: str = "기쁨") -> list[Row]:
    return [Row(f"{i}-1", str(i), 1, "ko", "t", label, "joy", "dev") for i in range(count)]


def certain(label: str, count: int, confidence: float = 1.0) -> linear.Matrix:
    found = np.full((count, len(LABELS)), (1 - confidence) / (len(LABELS) - 1))
    found[:, LABELS.index(label)] = confidence
    return found


def test_a_perfect_model_scores_one_everywhere() -> None:
    probabilities = certain("기쁨", 8)
    report = metrics.of_labels(probabilities, probabilities @ linear.group_matrix(LABELS), rows(8), 0.5)
    assert report["top1"]["value"] == report["top5"]["value"] == report["group"]["value"] == report["macro_f1"] == 1
    assert report["sure"] == {"at": 0.5, "coverage": 1.0, "precision": 1.0, "rows": 8}
    assert report["ece"] == 0


def test_a_sibling_of_the_label_hits_the_group_only() -> None:
    probabilities = certain("감사하는", 8)
    report = metrics.of_labels(probabilities, probabilities @ linear.group_matrix(LABELS), rows(8))
    assert (report["top1"]["value"], report["group"]["value"]) == (0, 1)
    assert report["sure"]["precision"] is None


def test_intervals_resample_whole_dialogues() -> None:
    hits = np.array([1.0, 0.0] * 50)
    alone = metrics.with_interval(hits, rows(100))["interval"]
    few = [Row(f"{i}", str(i % 2), 1, "ko", "t", "기쁨", "joy", "dev") for i in range(100)]
    together = metrics.with_interval(hits, few)["interval"]
    assert isinstance(alone, list)
    assert 0.35 < alone[0] < 0.5 < alone[1] < 0.65
    assert together == [0.0, 1.0]


def test_overconfidence_shows_in_the_calibration_error() -> None:
    assert metrics.calibration_error(np.full(10, 0.9), np.array([1] * 5 + [0] * 5)) == pytest.approx(0.4)


def test_the_temperature_cools_an_overconfident_model() -> None:
    probabilities = np.vstack([certain("기쁨", 6, 0.99), certain("분노", 6, 0.99)])
    heat, weight = calibrate.temperature(probabilities, np.zeros_like(probabilities), rows(12))
    cooled = calibrate.tempered(probabilities, heat)
    assert (heat > 1, weight) == (True, 0.0)
    assert cooled[0, LABELS.index("기쁨")] < 0.99
    assert cooled.sum(1) == pytest.approx(np.ones(12))


def test_the_threshold_is_the_lowest_that_is_right_often_enough() -> None:
    groups = np.zeros((100, len(GROUPS)))
    joy, anger = GROUPS.index("joy"), GROUPS.index("anger")
    groups[:, joy] = np.linspace(0.99, 0.5, 100)
    groups[60:, [joy, anger]] = groups[60:][:, [anger, joy]]  # the less certain ones are wrong
    at, precision, coverage = calibrate.threshold(groups, rows(100))
    assert coverage == pytest.approx(0.7, abs=0.01)
    assert precision >= 0.85
    assert at == pytest.approx(0.65, abs=0.01)


def test_the_tokenizer_knows_every_character_and_forgets_spaces(tmp_path: Path) -> None:
    words = tokenizer.main(iter(WORDS), 400, tmp_path)
    assert words.encode("회사").ids == words.encode(" 회사 ").ids
    assert words.encode("ㅋㅋㅋㅋㅋㅋㅋㅋ").ids == words.encode("ㅋㅋㅋ").ids
    for text in ("🤷‍♀️", "\x00", "힣", "مرحبا"):
        assert tokenizer.UNK not in words.encode(text).ids
        assert words.decode(words.encode(text).ids) == text
    decomposed = "회사"
    assert words.encode(decomposed).ids == words.encode("회사").ids


def test_batches_hold_every_text_once_within_their_tokens(tmp_path: Path) -> None:
    words = tokenizer.main(iter(WORDS), 400, tmp_path)
    data = packed.pack(words, [text * (n % 5 + 1) for n, text in enumerate(WORDS)], max_tokens=16)
    found = list(packed.epoch(data, 64, np.random.default_rng(0)))
    assert sorted(i for batch in found for i in batch) == list(range(len(WORDS)))
    for batch in found:
        ids, mask, _ = packed.take(data, batch)
        assert ids.shape == mask.shape
        assert ids.numel() <= 64
        assert int(mask.sum()) == int(data.lengths[batch].sum())


def test_words_in_the_same_company_get_vectors_alike(tmp_path: Path) -> None:
    texts = ["나는 밥을 먹었다", "나는 빵을 먹었다", "하늘에 구름이 떠 있다", "하늘에 별이 떠 있다"] * 20
    words = tokenizer.main(iter(texts), 330, tmp_path)
    vectors = embeddings.vectors([packed.pack(words, texts)], words.get_vocab_size(), 8, window=5)
    rice, bread, star = (vectors[words.encode(word).ids[1:-1]].mean(0) for word in ("밥을", "빵을", "별이"))
    assert rice @ bread > rice @ star
    assert vectors[tokenizer.MASK] == pytest.approx(np.zeros(8))


def test_teachers_together_stay_a_distribution() -> None:
    joint = teachers.together([certain("기쁨", 2, 0.9), certain("분노", 2, 0.6)], sharpen=1.3)
    assert joint.sum(1) == pytest.approx([1.0, 1.0])
    assert joint[0].argmax() == LABELS.index("기쁨")


@pytest.mark.parametrize("name", noise.ALL)
def test_noise_never_empties_a_text_and_is_the_same_for_the_same_seed(name: str) -> None:
    for text in ("했어요 ㅠㅠ", "ㅋㅋㅋ", "", "OK!!", "가"):
        first = noise.ALL[name](text, np.random.default_rng(3))
        assert first == noise.ALL[name](text, np.random.default_rng(3))
        assert bool(first) or len(text) <= 1


def test_lazy_finals_are_typed_as_people_type_them() -> None:
    assert noise.lazy_finals("했어 없어 싫어", np.random.default_rng(0)) == "햇어 업어 실어"


def test_every_label_shares_itself_over_its_groups() -> None:
    shares = linear.group_matrix(label_set("maum"))
    assert shares.sum(1) == pytest.approx(np.ones(59))
    assert shares[LABELS.index("외로운"), GROUPS.index("sadness")] == 0.5


def test_kept_half_never_chooses_its_own_thresholds() -> None:
    truth = np.zeros((8, 1))
    truth[:4] = 1
    probabilities = np.linspace(0.9, 0.2, 8)[:, None]
    assert multilabel.thresholds(probabilities, truth) == pytest.approx([0.55])
    found = multilabel.report(probabilities, truth)
    assert found["macro_f1_fitted"] == 1.0
    assert found["average_precision"] == 1.0


def test_a_label_that_never_occurs_counts_for_nothing() -> None:
    truth = np.array([[1.0, 0.0], [0.0, 0.0]])
    assert multilabel.macro_f1(np.array([[True, True], [False, False]]), truth) == 1.0


def test_the_quick_n_gram_model_learns_soft_targets() -> None:
    texts = ["오늘 정말 기뻐", "너무 기뻐 좋아", "진짜 슬퍼 눈물", "슬퍼서 눈물이 나"] * 20
    targets = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]] * 20, dtype=np.float32)
    fitted = ngrams.fit(texts, targets, ngrams.Settings(batch=16))
    found = ngrams.probabilities(fitted, ["기뻐", "슬퍼"])
    assert found.sum(1) == pytest.approx([1.0, 1.0], abs=1e-4)
    assert found[0, 0] > 0.6 > 0.4 > found[1, 0]


def test_a_second_reader_counts_as_much_as_it_helps() -> None:
    alone = np.vstack([certain("기쁨", 6, 0.5), certain("분노", 6, 0.5)])
    truth = [LABELS.index(row.label) for row in rows(12)]
    knowing = np.eye(59)[truth]
    _, weight = calibrate.temperature(alone, knowing, rows(12))
    assert weight > 1
    assert calibrate.temperature(alone, -knowing, rows(12))[1] == pytest.approx(0.0, abs=1e-3)
    assert (calibrate.tempered(alone, 1.0, weight * knowing)[range(12), truth] > alone[range(12), truth]).all()


def test_each_share_of_the_curve_holds_the_smaller_ones() -> None:
    found = [curve.place(row) for row in rows(200)]
    assert found == [curve.place(row) for row in rows(200)]
    assert 60 < sum(place < 0.5 for place in found) < 140


def test_the_message_before_counts_for_nothing_where_it_does_not_help() -> None:
    texts = [Text("그래", ("그전",))] * 6
    now, before = (
        Scores(LABELS, tuple(np.eye(59)[at].tolist())) for at in (LABELS.index("기쁨"), LABELS.index("분노"))
    )
    assert context.best_weight(texts, [now] * 6 + [before] * 6, rows(6)) == 0.0


def test_letters_are_drawn_out_by_their_vowel() -> None:
    random = np.random.default_rng(0)
    assert set(noise.drawn_out("너무", random)[2:]) == {"우"}
    assert noise.drawn_out("so", random).startswith("soo")


def test_calibration_on_plain_rows_leaves_the_others_out(tmp_path: Path) -> None:
    plain = [Row(f"plain1-ko-{i}", f"plain1-ko-{i}", 1, "ko", "t", "기쁨", "joy", "train") for i in range(30)]
    probabilities = np.concatenate([certain("기쁨", 30, 0.9), certain("분노", 30, 0.9)])
    found = calibrate.main(probabilities, [*plain, *rows(30)], tmp_path, calibrate.Settings(plain=True))
    assert "30 plain rows" in found["how"]
    assert "1.000 right" in found["how"]


def test_sure_at_may_come_from_what_the_probabilities_promise() -> None:
    groups = np.full((4, 7), 0.0)
    groups[:, 0] = 0.95, 0.85, 0.75, 0.6
    assert calibrate.promised(groups, rows(4), 0.85) == (0.75, 1.0, 0.75)
    assert calibrate.promised(groups, rows(4), 0.99)[0] == 0.95
