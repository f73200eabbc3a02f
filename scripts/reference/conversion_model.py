"""The reference figures of origin/tests/it/model.rs: scikit-learn's LogisticRegression on the features and the split
that `footfall evaluate journey` uses. Needs scikit-learn (made with 1.9.1).

    python scripts/reference/conversion_model.py ../shared/data/online-shoppers/online_shoppers_intention.csv
"""

import csv
import math
import sys

from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.preprocessing import StandardScaler


def features(row, with_page_values):
    pages = [int(row[kind]) for kind in ("Administrative", "Informational", "ProductRelated")]
    seconds = sum(
        float(row[f"{kind}_Duration"]) for kind in ("Administrative", "Informational", "ProductRelated")
    )
    told = [
        math.log1p(sum(pages)),
        math.log1p(pages[2]),
        math.log1p(sum(count > 0 for count in pages)),
        math.log1p(seconds),
        math.log1p(seconds),
        float(row["VisitorType"] == "Returning_Visitor"),
    ]
    return told + [math.log1p(float(row["PageValues"]))] * with_page_values


rows = list(csv.DictReader(open(sys.argv[1], encoding="utf-8")))
bought = [row["Revenue"].upper() == "TRUE" for row in rows]
for with_page_values in (False, True):
    x = [features(row, with_page_values) for row in rows]
    fitted = [at for at in range(len(rows)) if at % 4]
    judged = [at for at in range(len(rows)) if at % 4 == 0]
    scaler = StandardScaler().fit([x[at] for at in fitted])
    model = LogisticRegression(C=1.0, max_iter=1000)
    model.fit(scaler.transform([x[at] for at in fitted]), [bought[at] for at in fitted])
    told = model.predict_proba(scaler.transform([x[at] for at in judged]))[:, 1]
    truth = [bought[at] for at in judged]
    print(
        "with" if with_page_values else "without",
        "PageValues: AUC %.4f, log loss %.4f" % (roc_auc_score(truth, told), log_loss(truth, told)),
    )
