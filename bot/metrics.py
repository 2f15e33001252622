"""What is counted and timed, for Prometheus. No label ever holds a person, a chat or a text.

A message's way: received → queue_wait → classify → first_word → answer → show. docs/operators.md says what to watch.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)

received = Counter(
    "maum_received_total", "Messages and actions by platform and what became of them", ["platform", "outcome"]
)
queue_wait_s = Histogram("maum_queue_wait_seconds", "From keeping a message to beginning its answer", buckets=SECONDS)
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
show_s = Histogram("maum_show_seconds", "One snapshot shown by a platform", ["platform"], buckets=SECONDS)
show_errors = Counter("maum_show_errors_total", "Snapshots that a platform could not show", ["platform"])
waiting = Gauge("maum_conversations_waiting", "Conversations with open jobs")
open_jobs = Gauge("maum_open_jobs", "Messages on disk that are not answered yet")
oldest_job_s = Gauge("maum_oldest_job_seconds", "How long the oldest of them has waited")
circuit_open = Gauge("maum_circuit_open", "1 while a replier is being left alone", ["replier"])
spent = Counter("maum_spent_total", "Spend settled, in the budget's currency", ["replier"])
write_s = Histogram("maum_write_seconds", "From asking for a write to its commit", buckets=SECONDS)
commit_size = Histogram("maum_commit_size", "Writes that shared one commit", buckets=SIZES)
purged = Counter("maum_purged_total", "Rows deleted because they were kept long enough", ["kind"])
forgotten = Counter("maum_forgotten_total", "Wishes to be forgotten that were done")
part_ok = Gauge("maum_part_ok", "1: the part is well, 0.5: degraded, 0: failed", ["part"])
checked_at = Gauge("maum_integrity_checked_seconds", "When the database was last checked, in seconds since 1970")
check_findings = Gauge("maum_integrity_findings", "What that check found wrong")
loop_lag_s = Histogram("maum_loop_lag_seconds", "How late the event loop was", buckets=SECONDS)
unhandled = Counter("maum_unhandled_errors_total", "Errors that nobody was there to see")
reloads = Counter("maum_reloads_total", "Configurations read again, by outcome", ["outcome"])
