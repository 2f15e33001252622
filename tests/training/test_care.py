"""The crisis detector's second line: what numpy computes is what was fitted, and its pieces are the tokenizer's."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from bot import care_encoder as second
from bot import care_line as first
from bot.care_encoder import Encoder
from training import care, care_data, care_encoder, care_line

BASE = care_encoder.BASE
TALKS = [
    ["나 오늘 좀 힘들어"],
    ["i am fine, really", "so tired of it all. nobody would notice"],
    ["ㅋㅋㅋㅋㅋㅋ 뭐야 🙂", "그러게 ㅠㅠㅠㅠ", "내일 뭐 해?", "몰라... 1시쯤?"],
    ["하루 종일 같은 이야기를 하고 또 하고 다시 했다. " * 8] * 4,
]


@cache
def network() -> care_encoder.Network:
    """A network with weights of eight bits, as they are kept, and a head that says something."""
    torch.manual_seed(0)
    one = care_encoder.Network().eval()
    kept = care_encoder.arrays(one)
    for name, parameter in care_encoder.parameters(one).items():
        if parameter.ndim == 2:
            values = kept[name] * kept[f"{name}.scale"][:, None]
            parameter.data.copy_(torch.from_numpy(values))
    return one


@cache
def encoder() -> Encoder:
    return care_encoder.encoder_of(network())


@pytest.mark.parametrize("turns", TALKS)
def test_numpy_computes_what_torch_does(turns: list[str]) -> None:
    with torch.inference_mode():
        none, veiled, explicit, other = network()(torch.tensor([encoder().numbers(turns)]))[0].tolist()
    wanted = {"risk": np.logaddexp(veiled, explicit) - none, "explicit": explicit - veiled, "other": other}
    assert encoder().scores(turns) == pytest.approx(wanted, abs=2e-3)


@cache
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(BASE / "tokenizer.json"))


def pieces(text: str) -> list[int]:
    """Without the marks at both ends."""
    return encoder().numbers([text])[1:-1]


def test_its_pieces_are_the_tokenizers_on_every_kind_of_item() -> None:
    texts = [turn for item in care_data.development()[::40] for turn in item["turns"]]
    for text in texts:
        assert pieces(text) == tokenizer().encode(text, add_special_tokens=False).ids[:96], text


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("가각힣ㄱㅎㅋㅠㅏ aZ'é1०. ,!?~…🙂👩‍👧❤️\u1112\u1161\u11ab\u200d\n\t_-中ﾊ"), max_size=40))
def test_its_pieces_are_the_tokenizers_on_any_text(text: str) -> None:
    assert pieces(text) == tokenizer().encode(text, add_special_tokens=False).ids[:96]


def test_half_a_character_is_read_like_a_question_mark() -> None:
    assert pieces("마\ud83d음") == pieces("마?음")


def test_what_was_kept_was_fitted_on_the_items_and_sources_that_are_here() -> None:
    with first.MODEL.open("rb") as file:
        assert json.loads(file.readline())["fitted_on"] == care_data.fingerprint(care_line.SOURCES)
    assert second.note()["fitted_on"] == care_data.fingerprint(care_encoder.SOURCES)


def test_a_network_is_kept_with_how_it_is_to_be_used(tmp_path: Path) -> None:
    kept = tmp_path / "deep" / "encoder.npz"
    care_encoder.save(network(), kept)
    care_encoder.annotate(kept, {"together": {"weight": 0.5, "asked_from": -2.0, "risk_at": 0.1}})
    again, together = second.load(kept)
    assert again.scores(TALKS[0]) == pytest.approx(encoder().scores(TALKS[0]), abs=1e-3)
    assert (together.weight, together.asked_from, together.risk_at) == (0.5, -2.0, 0.1)


@pytest.mark.parametrize(("helps", "heavy"), [(4.0, True), (0.0, False)])
def test_the_second_line_weighs_what_it_is_worth(helps: float, heavy: bool) -> None:
    items = [{"level": level} for level in ("none", "veiled", "explicit") for _ in range(100)]
    dice = np.random.default_rng(0)
    risky = np.repeat([0.0, 1.0, 1.0], 100)
    scores = 2 * risky + dice.normal(size=300), helps * risky + dice.normal(size=300)
    quiet = dice.normal(size=500) - 4, dice.normal(size=500) - 4
    together = care.choose(items, scores, quiet)
    assert (together.weight > min(care.WEIGHTS)) is heavy
    found = scores[0] + together.weight * scores[1] > together.risk_at
    assert found[:100].sum() == 100 * care.FALSE_ALARMS
    asked = scores[0] > together.asked_from
    assert (found & ~asked & (risky > 0)).sum() <= care.LOST * found.sum() + 1


def test_everyday_talk_raises_the_threshold_where_too_much_of_it_would_be_found() -> None:
    items = [{"level": level} for level in ("none", "veiled", "explicit") for _ in range(100)]
    scores = np.repeat([0.0, 2.0, 3.0], 100), np.zeros(300)
    quiet = np.linspace(0.0, 1.0, 1000), np.zeros(1000)
    assert (quiet[0] > care.choose(items, scores, quiet).risk_at).mean() == pytest.approx(care.EVERYDAY_ALARMS)
