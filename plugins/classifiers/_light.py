"""Models of the shape that this project trains, read without importing transformers: half of a start's time is that.

Only ModernBERT with attention over the whole text, as transformers 5 saves it, on a CPU whose precisions all run
without transformers. Whatever else a folder holds is read by `_loading`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from plugins.classifiers._devices import DTYPES, chosen
from plugins.classifiers._encoders import encoder_of
from plugins.classifiers._network import Head, Item, Network
from plugins.classifiers._packed import PackedNetwork
from plugins.classifiers._precision import available, quickest
from plugins.classifiers._tokens import Encoder

FULL = "full_attention"
#: what a config must say; anything else of it does not change a pass, or shows in the weights' names
SAYS = {
    "architectures": ["ModernBertForSequenceClassification"],
    "hidden_activation": "gelu",
    "classifier_activation": "gelu",
}
TOKENIZERS = ("TokenizersBackend", "PreTrainedTokenizerFast")


@dataclass(frozen=True, slots=True)
class Light:
    """A folder's content: `config` and `tokens` are its files; `weights` have the names that transformers gives."""

    config: SimpleNamespace
    tokens: Mapping[str, Any]
    tokenizer: Tokenizer
    weights: Mapping[str, torch.Tensor]

    def encoder(self, most: int) -> Encoder:
        """Cuts to `most` tokens, or to fewer where the model takes no more."""
        longest = self.tokens.get("model_max_length", most)
        self.tokenizer.enable_truncation(min(most, longest, self.config.max_position_embeddings))
        pad = self.tokenizer.token_to_id(self.tokens.get("pad_token", ""))
        return Encoder(lambda texts: [row.ids for row in self.tokenizer.encode_batch_fast(texts)], pad or 0)

    def rungs(
        self, _: str, precision: str, encode: Encoder, head: Head, trial: list[Item]
    ) -> list[Callable[[], Network]]:
        """One builder: in that precision, or for `auto` in the quickest."""
        module = self._module()

        def build(name: str) -> Network:
            encoder = encoder_of(module, DTYPES[name])
            assert encoder is not None
            return PackedNetwork(encoder, encode.pad, head, name)

        if precision != "auto":
            return [lambda: build(precision)]
        return [lambda: quickest(build("fp32"), ["bf16"], build, trial)]

    def _module(self) -> Any:
        """The names and weights that an encoder is made of, in the places where transformers' module has them."""
        tree = _tree({name: weight.float() for name, weight in self.weights.items()})
        tree.config = self.config
        tree.model.layers = [vars(tree.model.layers)[str(number)] for number in range(self.config.num_hidden_layers)]
        tree.model.layers[0].attn_norm = torch.nn.Identity()
        tree.model.rotary_emb = partial(_turned, self.config)
        return tree


def read(folder: Path, device: str, precision: str) -> Light | None:
    """None where the folder, the device or the precision needs transformers."""
    kinds = available(torch.device("cpu"))
    onednn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if chosen(device) != "cpu" or not onednn or precision not in ("auto", *DTYPES) or "bf16" not in kinds:
        return None
    files = [folder / name for name in ("config.json", "tokenizer_config.json", "tokenizer.json", "model.safetensors")]
    if not all(file.is_file() for file in files):
        return None
    config, tokens = (json.loads(file.read_text(encoding="utf-8")) for file in files[:2])
    if not _is_known(config) or tokens.get("tokenizer_class") not in TOKENIZERS:
        return None
    weights = load_file(files[3])
    if not _are_whole(weights, config["num_hidden_layers"]):
        return None
    config["sliding_window"] = 0  # no layer has one
    return Light(SimpleNamespace(**config), tokens, Tokenizer.from_file(str(files[2])), weights)


def _is_known(config: Mapping[str, Any]) -> bool:
    turns = config.get("rope_parameters", {}).get(FULL, {})
    return (
        str(config.get("transformers_version")).startswith("5.")
        and all(config.get(name) == value for name, value in SAYS.items())
        and set(config.get("layer_types", ())) == {FULL}
        and turns.get("rope_type") == "default"
        and config.get("problem_type") in ("single_label_classification", "multi_label_classification")
        and len(config.get("id2label", ())) > 1
    )


def _are_whole(weights: Mapping[str, torch.Tensor], layers: int) -> bool:
    """Is each part there, and no other?"""
    parts = {name.rpartition(".")[0] for name in weights}
    each = ("attn.Wqkv", "attn.Wo", "mlp.Wi", "mlp.Wo", "mlp_norm")
    needed = {f"model.layers.{number}.{part}" for number in range(layers) for part in each}
    needed |= {f"model.layers.{number}.attn_norm" for number in range(1, layers)}
    needed |= {"classifier", "head.dense", "head.norm", "model.final_norm"}
    needed |= {"model.embeddings.norm", "model.embeddings.tok_embeddings"}
    kinds = {name.rpartition(".")[2] for name in weights}
    return parts == needed and kinds <= {"weight", "bias"} and all(f"{part}.weight" in weights for part in parts)


def _tree(weights: Mapping[str, torch.Tensor]) -> Any:
    """`a.b.weight` as `tree.a.b.weight`; a part's bias is None where it has none."""
    root = SimpleNamespace()
    for name, weight in weights.items():
        *path, kind = name.split(".")
        at: Any = root
        for step in path:
            at = vars(at).setdefault(step, SimpleNamespace())
        vars(at).setdefault("bias", None)
        setattr(at, kind, weight)
    return root


def _turned(config: Any, _: torch.Tensor, places: torch.Tensor, kind: str) -> tuple[torch.Tensor, torch.Tensor]:
    """cos and sin of each place's angles, shape (1, places, size of a head): arXiv 2104.09864, §3.2.2."""
    size = config.hidden_size // config.num_attention_heads
    speeds = config.rope_parameters[kind]["rope_theta"] ** -(torch.arange(0, size, 2) / size)
    angles = (places[..., None] * speeds).repeat(1, 1, 2)
    return angles.cos(), angles.sin()
