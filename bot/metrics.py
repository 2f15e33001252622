"""What is counted and timed, for Prometheus. No label ever holds a person, a chat or a text."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80)

received = Counter(
    "maum_received_total", "Messages and actions by platform and what became of them", ["platform", "outcome"]
)
answered = Counter("maum_answered_total", "Variants stored, by replier's model and how they ended", ["model", "finish"])
aim = Counter("maum_aim_total", "Variants by whether they hit the aim", ["hit"])
rerolled = Counter("maum_rerolled_total", "Drafts dropped because their opening missed the aim")
reply_errors = Counter("maum_reply_errors_total", "Failed replier calls", ["replier", "code"])
care = Counter("maum_care_total", "Fixed texts shown because a life seemed in danger", ["level", "about"])
care_output = Counter("maum_care_output_total", "Answers of a language model that were replaced by a fixed text")
notices = Counter("maum_notices_total", "Notices shown instead of an answer", ["code"])
classify_s = Histogram("maum_classify_seconds", "Reading one message", buckets=SECONDS)
classify_errors = Counter("maum_classify_errors_total", "Messages answered without a reading")
classifier_memory = Counter(
    "maum_classifier_memory_total", "Steps taken when the classifier had too little memory, and undone", ["step"]
)
first_word_s = Histogram("maum_first_word_seconds", "From taking a job to the first shown word", buckets=SECONDS)
answer_s = Histogram("maum_answer_seconds", "From taking a job to the whole answer", buckets=SECONDS)
waiting = Gauge("maum_conversations_waiting", "Conversations with open jobs")
circuit_open = Gauge("maum_circuit_open", "1 while a replier is being left alone", ["replier"])
spent = Counter("maum_spent_total", "Spend settled, in the budget's currency", ["replier"])
