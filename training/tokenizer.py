"""The subword tokenizer, trained here.

Byte-level BPE, so that no character is ever unknown (emoji, rare syllables, null bytes). Text is NFC and cased. Spaces
separate but are not written into the tokens: people leave them out in chat, and the same word must get the same token
with or without one. Runs of what people hold down (ㅋㅋㅋㅋ, ㅠㅠㅠㅠ, ….) are cut to three.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

SPECIAL = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]")  # ids 0 … 4
PAD, CLS, SEP, UNK, MASK = range(5)
HELD_KEYS = (*"ㅋㅎㅠㅜㄷㅇ하헐아ahoe!~;", r"\?", r"\.", r"\^")


def main(texts: Iterator[str], vocabulary: int, folder: Path, max_tokens: int = 128) -> Tokenizer:
    """Train on an iterator of texts and save a Hugging Face tokenizer into `folder`."""
    tokenizer = _empty()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=3,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    save(tokenizer, folder, max_tokens)
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path, max_tokens: int) -> None:
    """Write tokenizer.json and its config, as `AutoTokenizer` wants them."""
    pad, cls, sep, unk, mask = SPECIAL
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token=pad,
        cls_token=cls,
        sep_token=sep,
        unk_token=unk,
        mask_token=mask,
        model_max_length=max_tokens,
        model_input_names=["input_ids", "attention_mask"],
    )
    folder.mkdir(parents=True, exist_ok=True)
    wrapped.save_pretrained(folder)


def load(folder: Path) -> Tokenizer:
    """The bare fast tokenizer of a model folder, without padding or cutting."""
    tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _empty() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    held = [normalizers.Replace(Regex(f"(?:{key}){{4,}}"), key.replace("\\", "") * 3) for key in HELD_KEYS]
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), *held])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex(r"\d|[ㄱ-ㅣ]+|[^\w\s]+|[A-Za-z']+"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    return tokenizer
