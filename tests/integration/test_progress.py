"""What a trainer measures is seen while it trains: on a line that changes, or now and then."""

import io
import time

import pytest
from rich.console import Console

from pipelines.cluster import progress
from pipelines.cluster.progress import Progress


@pytest.mark.parametrize("is_terminal", [True, False])
def test_measures_are_shown_until_the_next_ones(spark, monkeypatch, is_terminal):
    monkeypatch.setattr(progress, "_POLL_SECONDS", 0.02)
    monkeypatch.setattr(progress, "_PLAIN_LINE_SECONDS", 0.1)
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=is_terminal, width=200)
    with Progress(console).watch("train_word2vec", spark):
        progress.report(round="1/3", loss=2.5, seconds_left=7)
        time.sleep(1)
        progress.report(round="2/3", loss=2.25, seconds_left=3)
        time.sleep(1)
    first = shown.getvalue().index("round 1/3  loss 2.5  seconds_left 7")
    assert shown.getvalue().rindex("round 2/3  loss 2.25  seconds_left 3") > first
    assert "train_word2vec" in shown.getvalue()
    progress.report(round="3/3")  # watched by nobody: no error
