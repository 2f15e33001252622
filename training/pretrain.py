"""Pre-training: masked words and every label at hand, in one pass over the same (masked) text.

Each batch comes from one source. The encoder fills in the masked words, and, where the source has labels, a head
predicts them from the mean of the states: NSMC ratings, GoEmotions, KOTE, KODOLI's sentiment. Work is bounded by tokens
and by minutes; the learning rate follows whichever is further on. A checkpoint every few minutes makes it resumable.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import ModernBertConfig, ModernBertModel

from bot.emotions import label_set
from bot.errors import OperatorError
from bot.types import Language
from training import corpus, embeddings, packed, tokenizer
from training.packed import Packed
from training.runs import Run, progress

#: which source the batches come from; the emotional and the near to chat are favoured
SHARES = {"nsmc": 0.36, "goemotions-en": 0.14, "goemotions-ko": 0.12, "kote": 0.10, "kodoli": 0.06, "text": 0.22}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a pre-training run may vary; presets hold the values. `shares`: of the batches, by source (see SHARES)."""

    vocabulary: int = 20_000
    hidden: int = 256
    layers: int = 4
    heads: int = 4
    inner: int = 384
    dropout: float = 0.0  # in layers and attention; the embeddings have 0.1 of their own
    max_tokens: int = 64
    batch_tokens: int = 2048
    tokens: int = 14_000_000
    minutes: float = 25.0
    rate: float = 1e-3
    table_rate: float = 0.5
    warmup: float = 0.04
    weight_decay: float = 0.02
    masked: float = 0.15
    rating_weight: float = 1.0
    label_weight: float = 6.0
    vectors: bool = True
    seed: int = 1
    save_s: float = 120.0
    quick: bool = False  # fused optimiser and plain attention: a third quicker on a CPU (training/LOG.md)
    shares: Mapping[str, float] = field(default_factory=lambda: SHARES)


@dataclass(frozen=True, slots=True)
class Source:
    """One corpus: its texts, and which head reads it."""

    name: str
    head: str
    data: Packed


WINDOW = 8  # tokens to either side that count as company
HEADS = {"rating": 10, "goemotions": len(label_set("goemotions")), "kote": len(label_set("kote")), "kodoli": 3}


class Pretrainer(nn.Module):
    """Encoder, masked-word head (tied to the token table) and one linear head per label set."""

    def __init__(self, config: ModernBertConfig, widths: Mapping[str, int] = HEADS) -> None:
        super().__init__()
        self.encoder = ModernBertModel(config)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size)
        self.word_bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.heads = nn.ModuleDict({name: nn.Linear(config.hidden_size, width) for name, width in widths.items()})
        nn.init.normal_(token_table(self.encoder))  # elements of size 1: Adam's equal steps would wipe smaller ones out

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Token states (rows, length, hidden) and their mean over real tokens (rows, hidden)."""
        states: Tensor = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(states.dtype)
        return states, (states * weights).sum(1) / weights.sum(1)

    def words(self, states: Tensor) -> Tensor:
        """Logits over the vocabulary for states of shape (positions, hidden)."""
        table = token_table(self.encoder)
        scaled = self.norm(functional.gelu(self.dense(states))) * table.shape[1] ** -0.5  # the table's elements are ~1
        return functional.linear(scaled, table, self.word_bias)


def main(settings: Settings, run: Run, device: str = "cpu", log: Callable[[str], None] = print) -> Path:
    """Tokenizer → word vectors → training; returns the encoder's folder. Resumes where an earlier call stopped."""
    run.save_json("pretrain.json", asdict(settings))
    folder = run.path("encoder")
    if (folder / "config.json").exists():
        return folder
    torch.manual_seed(settings.seed)
    torch.set_default_device(None)
    root = corpus.root()
    if not (run.path("tokenizer") / "tokenizer.json").exists():
        log("training the tokenizer")
        tokenizer.main(tokenizer_texts(root), settings.vocabulary, run.path("tokenizer"))
    words = tokenizer.load(run.path("tokenizer"))
    log("tokenising the corpora")
    sources = read_sources(root, words, settings.max_tokens)
    log(", ".join(f"{s.name} {len(s.data):,} texts {len(s.data.ids):,} tokens" for s in sources))
    model = Pretrainer(encoder_config(settings, words.get_vocab_size()))
    if settings.vectors and not run.path("checkpoint.pt").exists():
        _start_vectors(model, sources, settings, run, log)
    train(model.to(device), sources, settings, run, device)
    model.encoder.save_pretrained(folder.with_suffix(".part"))
    folder.with_suffix(".part").rename(folder)
    return folder


def encoder_config(settings: Settings, vocabulary: int) -> ModernBertConfig:
    """A small ModernBERT (Warner et al. 2024): pre-norm, rotary positions, gated units; every layer sees all tokens."""
    return ModernBertConfig(
        vocab_size=vocabulary,
        hidden_size=settings.hidden,
        intermediate_size=settings.inner,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        max_position_embeddings=512,
        layer_types=["full_attention"] * settings.layers,
        classifier_pooling="mean",
        pad_token_id=tokenizer.PAD,
        cls_token_id=tokenizer.CLS,
        bos_token_id=tokenizer.CLS,
        sep_token_id=tokenizer.SEP,
        eos_token_id=tokenizer.SEP,
        embedding_dropout=0.1,
        mlp_dropout=settings.dropout,
        attention_dropout=settings.dropout,
    )


def tokenizer_texts(root: Path) -> Iterator[str]:
    """What the tokenizer is trained on: every kind of text, a third of the film reviews (there are many)."""
    for number, row in enumerate(corpus.nsmc_ratings(root)):
        if number % 3 == 0:
            yield row.text
    yield from corpus.korean_text(root)
    languages: tuple[Language, ...] = ("ko", "en", "en")
    for language in languages:  # English twice: it is the smaller half
        yield from (row.text for row in corpus.goemotions(root, language, "train"))
    yield from (row.text for row in corpus.kote(root, "train"))
    yield from corpus.chatbot_questions(root)


def read_sources(root: Path, words: Tokenizer, max_tokens: int) -> list[Source]:
    """Every corpus, tokenised; kept for the stages that follow in the same process."""
    return _read(root, words.to_str(), max_tokens)


def release() -> None:
    """Let go of what `read_sources` keeps."""
    _read.cache_clear()


@lru_cache(1)
def _read(root: Path, tokens: str, max_tokens: int) -> list[Source]:
    words = Tokenizer.from_str(tokens)
    rated = list(corpus.nsmc_ratings(root))
    english = list(corpus.goemotions(root, "en", "train"))
    korean = list(corpus.goemotions(root, "ko", "train"))
    comments = list(corpus.kote(root, "train"))
    sentiment = list(corpus.kodoli(root))
    plain = [*corpus.korean_text(root), *corpus.chatbot_questions(root)]

    def source(name: str, head: str, rows: list[corpus.Labelled]) -> Source:
        targets = packed.multi_hot((row.labels for row in rows), HEADS[head])
        return Source(name, head, packed.pack(words, (row.text for row in rows), targets, max_tokens))

    return [
        source("nsmc", "rating", rated),
        source("goemotions-en", "goemotions", english),
        source("goemotions-ko", "goemotions", korean),
        source("kote", "kote", comments),
        source("kodoli", "kodoli", sentiment),
        Source("text", "", packed.pack(words, plain, None, max_tokens)),
    ]


def train(model: Pretrainer, sources: list[Source], settings: Settings, run: Run, device: str) -> None:
    """The loop. State survives in `checkpoint.pt` (plain tensors and numbers; read back with weights_only)."""
    groups = parameter_groups(model, settings.weight_decay, settings.table_rate)
    optimizer = torch.optim.AdamW(groups, lr=settings.rate, betas=(0.9, 0.98), eps=1e-6, fused=settings.quick or None)
    state = _resume(run, model, optimizer)
    random = np.random.default_rng(settings.seed + int(state["step"]))
    streams = [packed.forever(source.data, settings.batch_tokens, random) for source in sources]
    shares = shares_of(sources, settings)
    averages: dict[str, float] = {}
    model.train()
    with progress() as bar:
        task = bar.add_task("pre-training (k tokens)", total=settings.tokens // 1000, completed=state["tokens"] // 1000)
        began = saved = time.monotonic()
        before = state["seconds"]
        while (done := _done(state, settings)) < 1.0:
            at = int(random.choice(len(sources), p=shares))
            for group in optimizer.param_groups:
                group["lr"] = settings.rate * group["speed"] * schedule(done, settings.warmup)
            batch = packed.take(sources[at].data, next(streams[at]))
            losses = step(model, sources[at].head, batch, settings, device, random)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            state["step"] += 1
            state["tokens"] += int(batch[1].sum())
            state["seconds"] = before + time.monotonic() - began
            for name, loss in losses.items():
                averages[name] = 0.98 * averages.get(name, loss) + 0.02 * loss
            bar.update(task, completed=state["tokens"] // 1000)
            if time.monotonic() - saved > settings.save_s:
                saved = time.monotonic()
                _save(run, model, optimizer, state)
                run.log(stage="pretrain", **state, **{name: round(loss, 4) for name, loss in averages.items()})
    run.log(stage="pretrain", done=True, **state, **{name: round(loss, 4) for name, loss in averages.items()})
    _save(run, model, optimizer, state)


def shares_of(sources: list[Source], settings: Settings) -> npt.NDArray[np.float64]:
    """Each source's share of the batches; they sum to 1.

    Raises:
        OperatorError: a source has no share, or a share has no source.
    """
    if missing := sorted({source.name for source in sources} - set(settings.shares)):
        raise OperatorError(f"no share of the batches for the corpus {missing[0]!r}: add it to the preset's shares")
    if unknown := sorted(set(settings.shares) - {*SHARES, "chat"}):
        raise OperatorError(f"a share for {unknown[0]!r}: the corpora are {', '.join([*SHARES, 'chat'])}")
    shares: npt.NDArray[np.float64] = np.array([settings.shares[source.name] for source in sources])
    shares /= shares.sum()
    return shares


def step(
    model: Pretrainer,
    head: str,
    batch: tuple[Tensor, Tensor, Tensor],
    settings: Settings,
    device: str,
    random: np.random.Generator,
) -> dict[str, float]:
    """Forward and backward of one batch; gradients are left in the model, clipped to norm 1."""
    ids, mask, targets = (tensor.to(device) for tensor in batch)
    hidden, chosen = mask_words(ids, settings.masked, model.encoder.config.vocab_size, random)
    losses: dict[str, Tensor] = {}
    with torch.autocast(torch.device(device).type, dtype=torch.bfloat16):
        states, mean = model(hidden, mask)
        if chosen.any():
            losses["words"] = functional.cross_entropy(model.words(states[chosen]).float(), ids[chosen])
        if head:
            losses[head] = label_loss(head, model.heads[head](mean).float(), targets)
    weights = {"words": 1.0, "rating": settings.rating_weight}
    total = torch.stack([weights.get(n, settings.label_weight) * loss for n, loss in losses.items()]).sum()
    total.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    return {name: float(loss.detach()) for name, loss in losses.items()}


def label_loss(head: str, logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy where exactly one label holds (ratings, sentiment), else binary cross-entropy per label."""
    if head == "maum":
        return functional.cross_entropy(logits, targets) / 6.0
    if head in ("rating", "kodoli"):
        return functional.cross_entropy(logits, targets.argmax(1)) / (6.0 if head == "kodoli" else 1.0)
    return functional.binary_cross_entropy_with_logits(logits, targets)


def mask_words(ids: Tensor, share: float, vocabulary: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """BERT's corruption (Devlin et al. 2018): of the chosen tokens 80 % [MASK], 10 % random, 10 % left as they are."""
    draw = torch.from_numpy(random.random(tuple(ids.shape), dtype=np.float32)).to(ids.device)
    chosen = (draw < share) & (ids >= len(tokenizer.SPECIAL))
    noise = torch.from_numpy(random.integers(len(tokenizer.SPECIAL), vocabulary, tuple(ids.shape))).to(ids.device)
    hidden = torch.where(chosen & (draw < 0.9 * share), noise, ids)
    return torch.where(chosen & (draw < 0.8 * share), tokenizer.MASK, hidden), chosen


def schedule(done: float, warmup: float) -> float:
    """Linear up during `warmup` (a share of the run), then a half cosine down to 2 %."""
    if done < warmup:
        return max(done, 1e-3) / warmup
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def _done(state: dict[str, Any], settings: Settings) -> float:
    done: float = max(state["tokens"] / settings.tokens, state["seconds"] / 60 / settings.minutes)
    return done


def token_table(encoder: nn.Module) -> nn.Parameter:
    """The token table, shape (vocabulary, hidden)."""
    table: nn.Parameter = encoder.get_input_embeddings().weight  # type: ignore[operator]
    return table


def parameter_groups(model: nn.Module, weight_decay: float, table_rate: float = 1.0) -> list[dict[str, Any]]:
    """Weight decay on matrices only; the token table, which starts from word vectors, at its own speed."""
    table = [p for name, p in model.named_parameters() if name.endswith("tok_embeddings.weight")]
    rest = [p for name, p in model.named_parameters() if not name.endswith("tok_embeddings.weight")]
    return [
        {"params": table, "weight_decay": 0.0, "speed": table_rate},
        {"params": [p for p in rest if p.ndim > 1], "weight_decay": weight_decay, "speed": 1.0},
        {"params": [p for p in rest if p.ndim <= 1], "weight_decay": 0.0, "speed": 1.0},
    ]


def _start_vectors(
    model: Pretrainer, sources: list[Source], settings: Settings, run: Run, log: Callable[[str], None]
) -> None:
    path = run.path("vectors.safetensors")
    if not path.exists():
        log("word vectors from co-occurrence")
        count = model.encoder.config.vocab_size
        found = embeddings.vectors([s.data for s in sources], count, settings.hidden, WINDOW)
        save_file({"vectors": torch.from_numpy(found)}, path)
    start: Tensor = load_file(path)["vectors"]
    table = token_table(model.encoder)
    with torch.no_grad():
        table.copy_(torch.where(start.abs().sum(1, keepdim=True) > 0, start, table))


def _save(run: Run, model: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    part = run.path("checkpoint.part")
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "state": state}, part)
    part.replace(run.path("checkpoint.pt"))


def _resume(run: Run, model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    path = run.path("checkpoint.pt")
    if not path.exists():
        return {"step": 0, "tokens": 0, "seconds": 0.0}
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    state: dict[str, Any] = saved["state"]
    return state
