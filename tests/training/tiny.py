"""Corpora of a few made-up lines, in the public corpora's own file formats, and a preset to go with them."""

from __future__ import annotations

import lzma
from pathlib import Path

from training import maum58

GOOD = (
    "정말 좋은 하루였어",
    "합격했다는 연락을 받았어 ㅎㅎ",
    "친구가 선물을 줘서 웃었어",
    "what a lovely day",
    "I got the job",
)
BAD = (
    "시험을 완전히 망쳤어",
    "버스를 놓쳐서 비를 맞았어 ㅠㅠ",
    "아무도 내 말을 안 들어",
    "I lost my keys",
    "nobody called me",
)

PRESET = """
[pretrain]
vocabulary = 500
hidden = 32
layers = 1
heads = 2
inner = 32
tokens = 2500
batch_tokens = 256
save_s = 0.0
[teach]
texts = 40
[finetune]
epochs = 9.0
batch = 16
"""


def corpora(root: Path) -> Path:
    """Every public corpus, tiny."""
    lines = [*GOOD, *BAD]
    for folder in ("nsmc", "kote", "goemotions/en", "goemotions/ko", "kodoli", "chatbot_data", "text_ko"):
        (root / folder).mkdir(parents=True)
    rated = "".join(f"{n}\t{9 if line in GOOD else 2}\t{line} {n}번\n" for n, line in enumerate(lines * 6))
    with lzma.open(root / "nsmc" / "pool.tsv.xz", "wt", encoding="utf-8") as pool:
        pool.write("id\trating\tdocument\n" + rated + "77\tx\tno rating\n78\t3\n")
    _write(root / "nsmc" / "test.tsv", "id\tdocument\tlabel\n1\t좋다\t1\n2\t별로\t0\n")
    for part in ("train", "dev"):
        kote = "".join(f"{n}\t{line}\t{'40,42' if line in GOOD else '5,10'}\n" for n, line in enumerate(lines * 6))
        _write(root / "kote" / f"{part}.tsv", "id\ttext\tlabels\n" + kote)
        for language in ("en", "ko"):
            labels = "".join(f"{line}\t{'17' if line in GOOD else '25,9'}\tid{n}\n" for n, line in enumerate(lines * 6))
            _write(root / "goemotions" / language / f"{part}.tsv", labels)
    sentiments = "".join(
        f'{n},"{line}",NON,{"POS" if line in GOOD else "NEG"},NOT\n' for n, line in enumerate(lines * 3)
    )
    _write(root / "kodoli" / "train.csv", "index,sentences,abuse,sentiment,offensiveness\n" + sentiments)
    _write(root / "chatbot_data" / "ChatbotData.csv", 'Q,A,label\n"안녕, 뭐 해?",그냥 있어요.,0\n심심해,그렇군요.,0\n')
    _write(root / "text_ko" / "plain.txt", "\n".join(f"{line} 그리고 {n}" for n, line in enumerate(lines * 20)))
    return root


def rows(home: Path) -> Path:
    """A maum-58 of two labels and 15 dialogues a group, made through the converter."""
    drafts = home.parent / "drafts"
    drafts.mkdir()
    for group, label, texts in (("joy", "기쁨", GOOD), ("sadness", "슬픔", BAD)):
        dialogues = [f"{label} | {texts[n % 5]} | - | -\n{label} | {texts[(n + 2) % 5]} | - | -" for n in range(60)]
        _write(drafts / f"{group}-ko.txt", "# made up\n" + "\n\n".join(dialogues))
    _write(
        drafts / "test1-ko.txt",
        "\n\n".join([*(f"기쁨 | {t} | - | -" for t in GOOD), *(f"슬픔 | {t} | - | -" for t in BAD)]),
    )
    maum58.convert(drafts, home)
    return home


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
