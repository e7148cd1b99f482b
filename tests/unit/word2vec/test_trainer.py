"""Who trains which sentence: each once a pass, in a fresh order, whatever trainers and threads."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from pipelines.word2vec.kernels.arguments import LearningRates, Sentences
from pipelines.word2vec.model import TrainerParameters
from pipelines.word2vec.plan import plan_packed, plan_replicated, trainer_segment
from pipelines.word2vec.trainer import train_parts

RATES = {"learning_rates": LearningRates(0.1, 0.01)}


class Shards:
    """Shards of sentences of one token id each, which is their number, repeated."""

    def __init__(self, sizes):
        lengths = np.random.default_rng(0).integers(1, 30, sum(sizes))
        self.shards, first = [], 0
        for size in sizes:
            own = np.arange(first, first + size, dtype=np.int32)
            offsets = np.r_[0, np.cumsum(lengths[own])] if size else np.zeros(1, np.int64)
            self.shards.append((np.repeat(own, lengths[own]), offsets))
            first += size
        self.count = first

    def shard(self, number):
        return Sentences(*self.shards[number])


def trained(shards, segment, threads):
    """Return the numbers of the sentences that the threads were given, in order."""
    parameters = TrainerParameters(
        folder="",
        vocabulary_size=1,
        shards=len(shards.shards),
        is_cbow=False,
        vector_size=1,
        window_size=1,
        negative=1,
        sample=0,
        ns_exponent=0.75,
        seed=3,
        threads=threads,
        learning_rate=0.1,
    )
    by_place = {}

    def work(sentences, rates, place):
        ids, offsets = sentences
        assert all(len(set(ids[a:b])) == 1 for a, b in pairwise(offsets))
        by_place[place] = ids[offsets[:-1]].tolist()

    with ThreadPoolExecutor(1) as pool:
        measures = train_parts(shards, segment, parameters, pool, work)
    numbers = [number for own in by_place.values() for number in own]
    lengths = Counter(np.concatenate([ids for ids, _ in shards.shards]).tolist())
    assert measures["tokens"] == sum(lengths[number] for number in numbers)
    return numbers


@pytest.mark.parametrize("sizes", [(40, 25, 60), (1,), (3, 0, 2), (200,)])
@pytest.mark.parametrize(("trainers", "rounds"), [(1, 1), (3, 5), (16, 12)])
@pytest.mark.parametrize("threads", [1, 2])
def test_trainers_have_each_sentence_once_a_pass(sizes, trainers, rounds, threads):
    shards, epochs = Shards(sizes), 2
    passes = [Counter() for _ in range(epochs)]
    for part in plan_replicated(epochs=epochs, rounds=rounds, is_new=True, **RATES):
        for trainer in range(trainers):
            segment = trainer_segment(
                part, trainer=trainer, trainers=trainers, shards=len(sizes), seed=3
            )
            passes[part.epoch].update(trained(shards, segment, threads))
    assert passes == [dict.fromkeys(range(shards.count), 1)] * epochs


def test_the_order_of_sentences_is_another_in_each_pass_even_within_a_shard():
    shards = Shards((50,))
    (segments,) = plan_packed(shards=1, epochs=3, shards_per_round=3, seed=1, **RATES)
    orders = [trained(shards, segment, 1) for segment in segments]
    assert [sorted(order) for order in orders] == [list(range(50))] * 3
    assert len({tuple(order) for order in orders}) == 3
    assert orders == [trained(shards, segment, 1) for segment in segments]
