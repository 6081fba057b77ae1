"""What Prometheus reads: latency by stage, confidence, abstentions, feedback, load and versions; no call text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serve.engine import Assist

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.0, 10.0)
TENTHS = tuple(i / 10 for i in range(1, 11))


class Metrics:
    """The figures of one process, in a registry of their own."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

        self.registry = CollectorRegistry()
        r = self.registry
        ProcessCollector(registry=r)
        self.requests = Counter("yousu_requests_total", "请求数", ("route", "status"), registry=r)
        self.latency = Histogram("yousu_request_seconds", "一次请求的秒数", ("route",), buckets=SECONDS, registry=r)
        self.stage = Histogram("yousu_stage_seconds", "坐席辅助各步的秒数", ("stage",), buckets=SECONDS, registry=r)
        self.in_flight = Gauge("yousu_in_flight", "正在处理的请求数", registry=r)
        self.refused = Counter("yousu_refused_total", "因繁忙或超频而回 429 的次数", ("why",), registry=r)
        self.abstained = Counter("yousu_abstained_total", "没有给出的结果", ("what",), registry=r)
        self.confidence = Histogram("yousu_confidence", "给出的把握", ("what",), buckets=TENTHS, registry=r)
        self.feedback = Counter("yousu_feedback_total", "反馈;accept 占比即采纳率", ("field", "verdict"), registry=r)
        self.encoded = Gauge("yousu_encoder_texts", "编码过与从缓存取得的文字数", ("from",), registry=r)
        self.reloads = Counter("yousu_reloads_total", "热更新次数", ("what", "result"), registry=r)
        self.lag = Gauge("yousu_index_lag_seconds", "索引落后于知识库的秒数", registry=r)
        self.info = Gauge("yousu_versions", "正在使用的版本", ("bundle", "catalog", "kb"), registry=r)
        self.cases = Gauge("yousu_similar_cases", "相似工单索引里的件数", registry=r)

    def saw(self, a: Assist) -> None:
        """Count what one Assist says."""
        for name, milliseconds in a.timings.items():
            self.stage.labels(name).observe(milliseconds / 1000)
        if a.category is None or a.category.depth == 0:
            self.abstained.labels("category").inc()
        else:
            self.confidence.labels("category").observe(a.category.confidence)
        if a.answers.answers:
            self.confidence.labels("answer").observe(a.answers.answers[0].confidence)
        if not a.answers.answered:
            self.abstained.labels("answer").inc()
        if not a.route.targets:
            self.abstained.labels("route").inc()

    def text(self) -> bytes:
        """Return the figures in Prometheus' text format."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)
