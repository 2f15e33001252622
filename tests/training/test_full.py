"""The long way: joint training, its heads, its chat head as a teacher, KOTE's model; tiny data, the real code."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from bot.emotions import label_set
from bot.errors import OperatorError
from plugins.classifiers import _ngrams
from tests.training import tiny
from training import (
    calibrate,
    corpus,
    default,
    finetune,
    heads,
    joint,
    kote,
    loop,
    packed,
    pretrain,
    robustness,
    teacher,
    teachers,
    tokenizer,
)
from training.maum58 import Row
from training.runs import Run, preset, settings

FULL = (
    tiny.PRESET.replace("texts = 40", "texts = 40\nmixed = 20").replace("batch = 16", "batch = 16\nquick = true")
    + """
[joint]
tokens = 1500
batch_tokens = 256
masked = 0.0
save_s = 0.0
quick = true
shares = { chat = 0.3, nsmc = 0.3, goemotions-en = 0.1, goemotions-ko = 0.1, kote = 0.1, kodoli = 0.1 }
[teacher.pretrain]
hidden = 48
layers = 2
heads = 2
inner = 48
dropout = 0.1
tokens = 1500
batch_tokens = 256
vectors = false
[teacher.joint]
tokens = 1500
batch_tokens = 256
masked = 0.0
quick = true
[calibrate]
plain = false
"""
)
KOTE = "[teach]\ntexts = 20\n[finetune]\nepochs = 2.0\nbatch = 16\nquick = true\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder in which the long way has been gone once."""
    place = tmp_path_factory.mktemp("full")
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAUM_CORPORA", str(tiny.corpora(place / "corpora")))
        os.chdir(place)
        (place / "long.toml").write_text(FULL, encoding="utf-8")
        (place / "comments.toml").write_text(KOTE, encoding="utf-8")
        tiny.rows(place / "maum-58")
        default.main("long.toml", place / "models" / "long", "cpu", place / "maum-58", log=lambda _: None)
        yield place
        os.chdir(before)


def test_joint_training_goes_on_from_the_pretrained_encoder(place: Path) -> None:
    run = Run("long")
    assert joint.encoder_of(run) == run.path("joint") / "encoder"
    log = (run.path("joint") / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert {"maum", "rating", "goemotions", "kote", "kodoli"} & set(json.loads(log[-1]))
    assert "words" not in json.loads(log[-1])


def test_the_joint_model_reads_chat_by_itself(place: Path) -> None:
    run = Run("long")
    reader = joint.reader(run, tokenizer.load(run.path("tokenizer")))
    assert reader is not None
    assert reader(["좋은 하루", "비를 맞았어", ""]).sum(1) == pytest.approx([1.0, 1.0, 1.0], abs=1e-4)


def test_a_bigger_encoder_is_the_third_reader_where_the_preset_has_one(place: Path) -> None:
    run, table = Run("long"), preset("long.toml")
    assert joint.load(teacher.of(run)).encoder.config.hidden_size == 48
    without = {key: value for key, value in table.items() if key != "teacher"}
    assert not np.allclose(taught_again(place, table), taught_again(place, without), atol=1e-3)
    assert np.allclose(
        taught_again(place, table), load_file(run.path("taught.safetensors"))["probabilities"], atol=1e-4
    )


def test_an_encoder_taught_by_no_other_can_be_the_third_reader(place: Path) -> None:
    table = preset("long.toml")
    before = load_file(Run("long").path("taught.safetensors"))["probabilities"]
    table["teach"]["scout_epochs"] = 0.3
    slow = taught_again(place, table | {"teach": table["teach"] | {"scout_rate": 1e-9}})
    quick = taught_again(place, table)
    assert not np.allclose(quick, before, atol=1e-3)
    assert not np.allclose(quick, slow, atol=1e-3), "it learns at its own rate"


def taught_again(place: Path, table: dict[str, Any]) -> finetune.Soft:
    """What the teachers of a preset say, judged anew; the run keeps what it had."""
    run, wanted = Run("long"), settings(finetune.Settings, table["finetune"])
    rows = [row for row in default.training_rows(place / "maum-58") if calibrate.seen(row)]
    run.path("taught.safetensors").rename(run.path("kept"))
    try:
        return default.teach(table, wanted, run, corpus.root(), rows, "cpu").probabilities
    finally:
        run.path("kept").rename(run.path("taught.safetensors"))


def test_without_joint_training_there_is_no_third_reader(tmp_path: Path) -> None:
    assert joint.reader(Run("none", tmp_path), tokenizer._empty()) is None


def test_n_grams_stand_beside_the_network_and_count(place: Path) -> None:
    model = place / "models" / "long"
    ngrams = _ngrams.read(model, 59, several=False)
    assert ngrams is not None
    assert json.loads((model / "calibration.json").read_text(encoding="utf-8"))["ngrams"] > 0


def test_every_head_gets_its_figures(place: Path) -> None:
    found = heads.main(Run("long"), corpus.root(), beside=True)
    assert set(found) == {
        *("nsmc", "nsmc, n-grams alone", "nsmc with n-grams"),
        *("goemotions-en", "goemotions-ko", "kote"),
    }
    assert Run("long").load_json("heads.json")["nsmc"]["rows"] == 2


def test_heads_that_learn_on_without_chat_are_the_ones_that_are_measured_then(place: Path) -> None:
    run, before = Run("long"), heads.main(Run("long"), corpus.root())
    further = pretrain.Settings(tokens=1500, batch_tokens=256, rate=0.01, masked=0.0, save_s=0.0)
    heads.train(run, corpus.root(), further)
    log = (run.path("heads") / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert {"rating", "goemotions", "kote", "kodoli"} & set(json.loads(log[-1]))
    assert not {"maum", "words"} & set(json.loads(log[-1]))
    assert heads.main(run, corpus.root())["kote"] != before["kote"]


def test_the_prior_of_the_pool_is_divided_out() -> None:
    ratings = np.zeros((1, 10))
    ratings[0, [9, 0]] = 0.6, 0.4
    assert heads.is_positive(ratings, np.ones(10)).tolist() == [True]  # 2 ratings are glad, 4 bad: 0.30 against 0.10
    assert heads.is_positive(ratings, [1] * 8 + [9, 9]).tolist() == [False]  # often glad anyway: 0.03 against 0.10


def test_kotes_model_is_a_folder_of_44_labels_with_its_baseline_beside(place: Path) -> None:
    run = Run("long")
    words, target = run.path("tokenizer"), place / "models" / "kote"
    found = kote.main("comments.toml", joint.encoder_of(run), words, target)
    assert kote.main("comments.toml", joint.encoder_of(run), words, target) == found, "it is there"
    config = json.loads((place / "models" / "kote" / "config.json").read_text(encoding="utf-8"))
    assert config["problem_type"] == "multi_label_classification"
    assert tuple(config["id2label"][str(at)] for at in range(44)) == label_set("kote")
    assert {"model", "baseline", "thresholds"} <= set(found)
    assert "KOTE" in (place / "models" / "kote" / "README.md").read_text(encoding="utf-8")


def test_a_head_for_comments_teaches_as_much_as_the_regressions(place: Path) -> None:
    rows, words = list(corpus.kote(corpus.root(), "train")), Run("long").path("tokenizer")
    texts, elder = [row.text for row in rows], teacher.of(Run("long"))
    regressions = kote.Teacher(3.0).fit(texts, packed.multi_hot((row.labels for row in rows), 44))
    head = joint.said(joint.load(elder), tokenizer.load(words), texts, "kote")
    alone, both = (kote.judged(regressions, texts, words, one) for one in (None, elder))
    assert np.allclose(2 * both, alone + head, atol=1e-5)


@pytest.mark.parametrize(
    ("shares", "words"),
    [({"nsmc": 1.0}, "no share.*'goemotions-en'"), ({**pretrain.SHARES, "tweets": 1.0}, "'tweets'")],
)
def test_a_share_that_lacks_and_one_of_nothing_are_named(place: Path, shares: dict[str, float], words: str) -> None:
    sources = pretrain.read_sources(corpus.root(), tokenizer.load(Run("long").path("tokenizer")), 64)
    with pytest.raises(OperatorError, match=words):
        pretrain.shares_of(sources, pretrain.Settings(shares=shares))
    with pytest.raises(OperatorError, match=words):
        pretrain.shares_of(sources, pretrain.Settings(shares=joint.with_chat(shares, sources)))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_an_error_that_names_the_cure() -> None:
    with pytest.raises(OperatorError, match="--device cpu"):
        default.choose("cuda")


def test_robustness_has_a_figure_for_each_noise_and_challenge(place: Path) -> None:
    rows = [Row(f"{n}", f"{n}", 1, "ko", text, "기쁨", "joy", "test") for n, text in enumerate(tiny.GOOD)]
    found = robustness.main(str(place / "models" / "long"), rows)
    assert {"as written", "no spaces", "sarcasm", "negation", "mixed"} <= set(found)
    assert "| as written | 5 |" in robustness.table(found)


def test_a_stopped_fine_tuning_goes_on_from_its_checkpoint(place: Path, tmp_path: Path) -> None:
    run, keep = Run("long"), tmp_path / "finetune.pt"
    tokens = tokenizer.load(run.path("tokenizer"))
    rows = [Row(f"{n}", f"{n}", 1, "ko", text, "기쁨", "joy", "train") for n, text in enumerate(tiny.GOOD)]
    first = finetune.Settings(epochs=2.0, batch=1, save_s=0.0)
    finetune.fit(finetune.build(run.path("encoder"), first), tokens, rows, first, keep=keep)
    assert torch.load(keep, weights_only=True)["state"]["step"] == 10
    longer = finetune.Settings(epochs=3.0, batch=1, save_s=0.0)
    finetune.fit(finetune.build(run.path("encoder"), longer), tokens, rows, longer, keep=keep)
    assert torch.load(keep, weights_only=True)["state"]["step"] == 15


def test_minutes_end_a_fine_tuning() -> None:
    state = {"step": 10.0, "seconds": 90.0}
    assert loop._done(state, 100, loop.Settings(minutes=2.0)) == 0.75
    assert loop._done(state, 100, loop.Settings()) == 0.1


def test_mixed_texts_are_made_of_the_rows_own_words() -> None:
    rows = [Row(f"{n}", f"{n}", 1, "ko", text, "기쁨", "joy", "train") for n, text in enumerate(tiny.GOOD[:3])]
    words = {word for row in rows for word in row.text.split()}
    found = list(teachers.mixed_texts(rows, teachers.Settings(mixed=30)))
    assert len(found) == 30
    assert all(set(text.split()) <= words for text in found)


def test_joint_training_reads_labelled_corpora_only(place: Path) -> None:
    sources = joint.read_sources(corpus.root(), tokenizer.load(Run("long").path("tokenizer")), [], 64)
    assert all(source.head for source in sources)
    assert pretrain.HEADS.items() <= joint.WIDTHS.items()


def test_a_quarter_of_joint_training_is_chat_unless_the_preset_says_another_share(place: Path) -> None:
    sources = joint.read_sources(corpus.root(), tokenizer.load(Run("long").path("tokenizer")), [], 64)
    shares = joint.with_chat(pretrain.SHARES, sources)
    assert shares["chat"] == pytest.approx(sum(shares[source.name] for source in sources) / 4)
    assert joint.with_chat({**shares, "chat": 0.02}, sources)["chat"] == 0.02


def test_the_head_alone_can_learn(place: Path) -> None:
    run = Run("long")
    rows = [Row(f"{n}", f"{n}", 1, "ko", text, "기쁨", "joy", "train") for n, text in enumerate(tiny.GOOD)]
    wanted = finetune.Settings(epochs=2.0, batch=2, head_only=True)
    before = finetune.build(run.path("encoder"), wanted)
    start = {name: weights.clone() for name, weights in before.state_dict().items()}
    after = finetune.fit(before, tokenizer.load(run.path("tokenizer")), rows, wanted).state_dict()
    changed = {name for name, weights in after.items() if not torch.equal(weights, start[name])}
    assert changed
    assert not [name for name in changed if name.startswith("model.")]
