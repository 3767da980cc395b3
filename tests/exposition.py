"""The naming rules of Prometheus, as `promtool check metrics` has them, and a bound on labels."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

NAME = re.compile(r"^[a-z][a-z0-9_]*[a-z0-9]$")
OTHER_UNITS = re.compile(
    r"_(milli|micro|nano)?(ms|us|ns|minutes|hours|days|kib|mib|gib|kb|mb|gb|kilobytes|megabytes|percent|milliseconds)(_|$)"
)
RESERVED = re.compile(r"_(count|sum|bucket|info)$")
KINDS = re.compile(r"_(counter|gauge|histogram|summary)(_|$)")
LABEL = re.compile(r"^[a-z][a-z0-9_]*$")
# What must never be a label's value: addresses, jobs, hashes and CIDs are without end.
ENDLESS = re.compile(r"0x[0-9a-fA-F]{8}|\b(Qm|baf)\w{10}|[0-9a-f]{16}")
MOST_SERIES = 200  # of one name
STANDARD = ("process_", "python_")


def parsed(text: str) -> list[Metric]:
    """What a scrape answers, read by Prometheus' own parser."""
    return list(text_string_to_metric_families(text))


def faults(text: str) -> list[str]:
    """Every rule that is broken, in words."""
    families = parsed(text)
    names = [family.name for family in families]
    twice = [f"{name} is told twice" for name in set(names) if names.count(name) > 1]
    return twice + [fault for family in families for fault in _faults_of(family)]


def _faults_of(family: Metric) -> Iterator[str]:
    name = family.name
    if not family.documentation.strip():
        yield f"{name} has no help"
    if not name.startswith(STANDARD) and not name.startswith("draas_"):
        yield f"{name} does not begin with draas_"
    if not NAME.match(name) or OTHER_UNITS.search(name) or KINDS.search(name):
        yield f"{name} is no good name"
    if family.type != "gauge" and RESERVED.search(name):
        yield f"{name} ends in what belongs to histograms"
    if family.type == "gauge" and name.endswith("_total"):
        yield f"{name} is a gauge and ends in _total"
    if family.type in {"untyped", "unknown"}:
        yield f"{name} has no type"
    yield from _faults_of_samples(family)


def _faults_of_samples(family: Metric) -> Iterator[str]:
    series = {
        tuple(sorted(item for item in sample.labels.items() if item[0] != "le"))
        for sample in family.samples
    }
    if len(series) > MOST_SERIES:
        yield f"{family.name} has {len(series)} series"
    for sample in family.samples:
        if family.type == "counter" and not sample.name.endswith(("_total", "_created")):
            yield f"{sample.name} is a counter without _total"
        for label, value in sample.labels.items():
            if not LABEL.match(label) or ENDLESS.search(value):
                yield f"{sample.name} has the label {label}={value[:20]!r}"
