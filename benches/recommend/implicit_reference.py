"""What Python's `implicit` makes of the public sets, as the mark for our recommenders.

implicit_reference.py DATA OUT: writes the purchases that both sides work on into OUT, tunes ALS and BPR on the month
before the last one, fits the best again with all but the last month, and prints the table of the last month as JSON.
What the tuning found stands in tuned.json beside this file and is used again; without it the tuning takes an hour.
"""

import itertools
import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sparse
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking

MONTH_MS = 30 * 24 * 60 * 60 * 1000
DEPTH = 20
SEED = 42
# The quickest of so many fits counts; BPR takes a minute, so there it is the first.
RUNS = 3
VIEWS = ["all", "new"]

ALS = {
    "factors": [32, 64, 128, 256],
    "regularization": [0.1, 1.0, 10.0],
    "alpha": [1.0, 5.0, 20.0],
    "iterations": [15],
}
ALS_THEN = {"iterations": [5, 30], "regularization": [0.01, 50.0], "alpha": [0.1, 0.3, 2.0, 10.0, 40.0]}
BPR = {
    "factors": [64, 256],
    "learning_rate": [0.005, 0.02, 0.05],
    "regularization": [0.001, 0.03],
    "iterations": [50],
}
BPR_THEN = {
    "factors": [32, 128],
    "iterations": [100, 200, 400],
    "learning_rate": [0.002, 0.01, 0.1],
    "regularization": [0.0001, 0.01],
}


def millis(times):
    return times.astype("datetime64[ms]").astype("int64")


def online_retail(data):
    """Clean lines: a customer is known, the invoice stands, quantity and price are above nothing."""
    lines = pd.read_csv(data / "online-retail/online_retail.csv.gz", dtype=str, keep_default_na=False)
    lines.columns = ["order", "item", "name", "quantity", "at", "price", "user", "country"]
    known = (lines["user"] != "") & ~lines["order"].str.startswith("C")
    lines = lines[known & (lines["quantity"].astype(int) > 0) & (lines["price"].astype(float) > 0)].copy()
    lines["at"] = millis(pd.to_datetime(lines["at"]))
    items = lines.groupby("item", sort=True)["name"].last().reset_index()
    items["category"] = ""
    users = lines.groupby("user", sort=True)["country"].last().reset_index()
    users["attributes"] = "country=" + users.pop("country")
    return lines, items, users


def complete_journey(data):
    """Lines of the grocer's baskets that were paid for."""
    folder = data / "completejourney"
    lines = pd.read_csv(folder / "transactions_801_households.csv.gz", dtype=str)
    lines = lines.rename(
        columns={"household_id": "user", "product_id": "item", "basket_id": "order", "transaction_timestamp": "at"}
    )
    lines = lines[(lines["quantity"].astype(float) > 0) & (lines["sales_value"].astype(float) > 0)].copy()
    lines["at"] = millis(pd.to_datetime(lines["at"]))
    products = pd.read_csv(folder / "products.csv.gz", dtype=str, keep_default_na=False).set_index("product_id")
    items = pd.DataFrame({"item": sorted(lines["item"].unique())})
    rows = products.reindex(items["item"]).fillna("")
    items["name"] = (rows["product_category"] + " " + rows["product_type"] + " " + rows["brand"]).values
    items["category"] = rows["product_category"].values
    people = pd.read_csv(folder / "demographics.csv", dtype=str, keep_default_na=False).set_index("household_id")
    users = pd.DataFrame({"user": sorted(lines["user"].unique())})
    told = people.reindex(users["user"]).fillna("")
    users["attributes"] = ["|".join(f"{name}={value}" for name, value in row.items() if value) for _, row in told.iterrows()]
    return lines, items, users


def write(out, name, lines, items, users):
    """One row for each user, item and order, by time."""
    rows = lines.drop_duplicates(["user", "item", "order"]).sort_values("at", kind="stable")
    rows = rows[["user", "item", "at"]]
    rows.to_csv(out / f"{name}.purchases.csv", index=False)
    items[["item", "name", "category"]].to_csv(out / f"{name}.items.csv", index=False)
    users[["user", "attributes"]].to_csv(out / f"{name}.users.csv", index=False)
    return rows


class Split:
    """What was bought before a moment, and in the month after it: of known users, and of items that were seen before."""

    def __init__(self, rows, cut, end):
        before, after = rows[rows["at"] < cut], rows[(rows["at"] >= cut) & (rows["at"] < end)]
        users, items = pd.Index(sorted(before["user"].unique())), pd.Index(sorted(before["item"].unique()))
        at = (users.get_indexer(before["user"]), items.get_indexer(before["item"]))
        ones = np.ones(len(before), dtype=np.float32)
        # How often each was bought: implicit's confidence grows with it.
        self.bought = sparse.csr_matrix((ones, at), shape=(len(users), len(items)))
        self.truth = {}
        for user, item in zip(users.get_indexer(after["user"]), items.get_indexer(after["item"])):
            if user >= 0 and item >= 0:
                self.truth.setdefault(int(user), set()).add(int(item))

    def evaluate(self, model, view):
        """Mean recall and NDCG, and the share of the items that anybody was shown."""
        users = np.array(sorted(self.truth))
        lists, _ = model.recommend(users, self.bought[users], N=DEPTH, filter_already_liked_items=view == "new")
        discount = 1 / np.log2(np.arange(2, DEPTH + 2))
        recalls, gains, shown = [], [], set()
        for user, told in zip(users, lists):
            truth = self.truth[int(user)]
            if view == "new":
                truth = truth - set(self.bought[user].indices.tolist())
            if not truth:
                continue
            hits = np.array([int(item) in truth for item in told])
            most = min(DEPTH, len(truth))
            recalls.append(hits.sum() / most)
            gains.append((hits * discount).sum() / discount[:most].sum())
            shown.update(int(item) for item in told)
        return {
            "recall": float(np.mean(recalls)),
            "ndcg": float(np.mean(gains)),
            "coverage": len(shown) / self.bought.shape[1],
            "users": len(recalls),
        }


def build(kind, settings):
    of = AlternatingLeastSquares if kind == "als" else BayesianPersonalizedRanking
    return of(random_state=SEED, **settings)


def measure(kind, settings, split):
    model = build(kind, settings)
    begun = time.perf_counter()
    model.fit(split.bought, show_progress=False)
    seconds = time.perf_counter() - begun
    return seconds, {view: split.evaluate(model, view) for view in VIEWS}


def grid(choices):
    return [dict(zip(choices, values)) for values in itertools.product(*choices.values())]


def tune(kind, split):
    """The best setting for each view: a grid, then one setting after the other from the best."""
    tried = {}

    def attempt(settings):
        key = json.dumps(settings, sort_keys=True)
        if key not in tried:
            seconds, figures = measure(kind, settings, split)
            tried[key] = {view: figures[view]["recall"] for view in VIEWS}
            print(kind, key, round(seconds, 2), tried[key], file=sys.stderr, flush=True)

    first, then = (ALS, ALS_THEN) if kind == "als" else (BPR, BPR_THEN)
    for settings in grid(first):
        attempt(settings)

    def best(view):
        return json.loads(max(tried, key=lambda key: tried[key][view]))

    for view in VIEWS:
        for name, values in then.items():
            begun = best(view)
            for value in values:
                attempt({**begun, name: value})
    return {view: best(view) for view in VIEWS}, len(tried)


def main(data, out):
    kept = Path(__file__).with_name("tuned.json")
    tuned = json.loads(kept.read_text()) if kept.exists() else {}
    table = {}
    for name, read in [("online-retail", online_retail), ("complete-journey", complete_journey)]:
        rows = write(out, name, *read(data))
        end = int(rows["at"].max()) + 1
        cut = end - MONTH_MS
        split = Split(rows, cut, end)
        table[name] = {"cut": cut, "end": end, "users": len(split.truth), "models": []}
        for kind in ["als", "bpr"]:
            if f"{name} {kind}" not in tuned:
                best, count = tune(kind, Split(rows[rows["at"] < cut], cut - MONTH_MS, cut))
                tuned[f"{name} {kind}"] = {"best": best, "tried": count}
                kept.write_text(json.dumps(tuned, indent=1))
            for view, settings in tuned[f"{name} {kind}"]["best"].items():
                runs = [measure(kind, settings, split) for _ in range(RUNS if kind == "als" else 1)]
                seconds, figures = min(runs, key=lambda run: run[0])
                row = {"model": kind, "view": view, "settings": settings, "seconds": seconds, **figures[view]}
                table[name]["models"].append(row)
    print(json.dumps(table, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
