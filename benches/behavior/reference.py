"""The references that behaviour analytics are measured against, on the public sets.

reference.py DATA OUT: writes what both sides work on into OUT, and prints the seconds of each reference as JSON.
"""

import csv
import gzip
import json
import sys
import time
from pathlib import Path

import fim
import pandas as pd
from mlxtend.frequent_patterns import fpgrowth
from mlxtend.preprocessing import TransactionEncoder
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

import numpy as np

CLUSTERS = 4
SUPPORT = 0.01


def best(of, times):
    """The quickest of several runs, in seconds, and what the last one gave."""
    seconds, found = float("inf"), None
    for _ in range(times):
        begun = time.perf_counter()
        found = of()
        seconds = min(seconds, time.perf_counter() - begun)
    return seconds, found


def read(path, names):
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.columns = names
    return frame


def rfm(lines):
    """As a notebook does it: three figures by customer, quintiles, k-means on standardized logarithms."""
    return segment(figures(lines))


def figures(lines):
    """Recency, frequency and monetary value of each customer."""
    snapshot = lines["at"].max().normalize() + pd.Timedelta(days=1)
    by = lines.groupby("customer")
    return pd.DataFrame(
        {
            "recency": (snapshot - by["at"].max()).dt.days,
            "frequency": by["order"].nunique(),
            "monetary": by["amount"].sum(),
        }
    )


def segment(table):
    """Quintiles, and k-means on standardized logarithms."""
    table = table.copy()
    for name, labels in [("recency", [5, 4, 3, 2, 1]), ("frequency", [1, 2, 3, 4, 5]), ("monetary", [1, 2, 3, 4, 5])]:
        table["score_" + name] = pd.qcut(table[name].rank(method="first"), 5, labels=labels)
    features = StandardScaler().fit_transform(np.log1p(table[["recency", "frequency", "monetary"]]))
    table["segment"] = KMeans(n_clusters=CLUSTERS, n_init=10, random_state=42).fit_predict(features)
    return table


def main(data, out):
    names = ["order", "product", "name", "quantity", "at", "price", "customer", "country"]
    late = read(data / "online-retail/online_retail.csv.gz", names)
    early = read(data / "online-retail-2/online_retail_II_year_2009_2010.csv.gz", names)
    early = early[early["at"] < "2010-12-01"]
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country".split(",")
    for name, frame in [("early", early), ("late", late)]:
        frame.to_csv(out / f"{name}.csv", index=False, header=header, quoting=csv.QUOTE_MINIMAL)

    lines = pd.concat([early, late], ignore_index=True)
    lines["quantity"] = lines["quantity"].astype("int64")
    lines["price"] = lines["price"].astype("float64")
    lines = lines[(lines["quantity"] > 0) & (lines["price"] > 0) & ~lines["order"].str.startswith("C")].copy()
    lines["amount"] = lines["quantity"] * lines["price"]
    lines["at"] = pd.to_datetime(lines["at"])
    known = lines[lines["customer"] != ""]
    seconds_rfm, table = best(lambda: rfm(known), 3)
    customers = figures(known)
    seconds_segment, _ = best(lambda: segment(customers), 5)
    customers.to_csv(out / "customers.csv", index=False, header=False)

    baskets = [sorted(set(items)) for _, items in lines.groupby("order")["product"]]
    (out / "baskets.txt").write_text("\n".join("\t".join(items) for items in baskets))
    encoder = TransactionEncoder()
    frame = pd.DataFrame(encoder.fit(baskets).transform(baskets), columns=encoder.columns_)
    seconds_mlxtend, sets = best(lambda: fpgrowth(frame, min_support=SUPPORT, use_colnames=True), 2)
    seconds_fim, found = best(lambda: fim.fpgrowth(baskets, supp=SUPPORT * 100, zmin=1, report="a"), 5)

    with gzip.open(data / "reviews-clothing/womens_clothing_reviews.csv.gz", "rt", encoding="utf-8", newline="") as file:
        texts = [row["Review Text"] for row in csv.DictReader(file) if row["Review Text"]]
    (out / "texts.json").write_text(json.dumps(texts))
    analyzer = SentimentIntensityAnalyzer()
    seconds_vader, _ = best(lambda: [analyzer.polarity_scores(text) for text in texts], 1)

    print(
        json.dumps(
            {
                "rows": len(early) + len(late),
                "customers": len(table),
                "rfm_s": seconds_rfm,
                "segment_s": seconds_segment,
                "baskets": len(baskets),
                "itemsets": len(sets),
                "itemsets_fim": len(found),
                "mlxtend_s": seconds_mlxtend,
                "pyfim_s": seconds_fim,
                "texts": len(texts),
                "vader_s": seconds_vader,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
