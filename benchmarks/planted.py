"""Planted strengths: how many of them are found, and how many are found that are none.

Out of a run's points, reviews of many restaurants are dealt to a restaurant and four neighbours at random, so that nothing
is better here than there; but of those that praise one thing the restaurant gets half of its reviews, and its neighbours
none. The thing is an aspect or a word, drawn from those that enough reviews praise. A strength is right if most of its
reviews praise the thing; any other is false. The input is that of the run, whose folder has results/points.parquet.
"""

import argparse
import random
from collections import defaultdict
from pathlib import Path

import polars as pl

from pipelines.corpus.row import Review
from pipelines.tasks.difference import compare
from pipelines.tasks.opinion import PRAISED, Opinion
from pipelines.tasks.points import SURE
from pipelines.tasks.restaurant import Heard, RestaurantState
from pipelines.tasks.topics import aspects, recurring

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("input", type=Path)
parser.add_argument("folder", type=Path)
parser.add_argument("--trials", type=int, default=100)
parser.add_argument("--reviews", type=int, default=16, help="of the restaurant, and of each neighbour")
given = parser.parse_args()

SEED, NEIGHBOURS = 1, 4
rows = pl.read_parquet(given.input, columns=["review_id", "text"])
reviews = [Review(n, id_, text) for n, (id_, text) in enumerate(rows.iter_rows())]
by_id = {review.id: review for review in reviews}
opinions: defaultdict[int, list[Opinion]] = defaultdict(list)
for id_, side, aspect, what in (
    pl.read_parquet(given.folder / "results" / "points.parquet")
    .filter(pl.col("confidence").fill_null(1.0) >= SURE)
    .select("review_id", "side", "aspect", "what")
    .iter_rows()
):
    opinions[by_id[id_].seq].append(Opinion(by_id[id_], side, aspect, " ".join(what.split())))
everything = [opinion for said in opinions.values() for opinion in said]
topics = [*aspects(everything, PRAISED).values(), *recurring(everything, PRAISED).values()]
half = given.reviews // 2
usual = [topic for topic in topics if half <= len(topic.reviews) <= len(reviews) // 3]
draw = random.Random(SEED)
found = false = 0
for _ in range(given.trials):
    planted = draw.choice(usual)
    own = draw.sample(sorted(planted.reviews), half)
    others = [review.seq for review in reviews if review.seq not in planted.reviews]
    draw.shuffle(others)
    own += others[: given.reviews - half]
    rest = others[given.reviews - half :]
    dealt = {
        str(n): [Heard(reviews[seq], None) for seq in rest[n * given.reviews : (n + 1) * given.reviews]]
        for n in range(NEIGHBOURS)
    }
    state = RestaurantState(unit="", reviews=[], heard=[Heard(reviews[seq], None) for seq in own], others=dealt)
    better = compare(state, lambda heard, _: [o for h in heard for o in opinions[h.review.seq]]).better
    right = [d for d in better if len(d.topic.reviews & planted.reviews) > len(d.topic.reviews) / 2]
    found += bool(right)
    false += bool(len(better) > len(right))
print(f"{len(usual)} things planted in turns, {given.reviews} reviews of a restaurant, {half} of which praise one")
print(f"found in {found} of {given.trials} trials; in {false} of {given.trials} something else was, falsely")
