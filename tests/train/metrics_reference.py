#!/usr/bin/env python3
"""Writes metrics_reference.npz, the figures of scikit-learn for every metric: /usr/bin/python3 metrics_reference.py

Made with scikit-learn 1.2.1 (Debian 12's python3-sklearn). A set of data S holds S/outputs, and S/labels or S/targets, in which
negative labels mark rows to ignore, and S/weights, one for each row. The figures are S/plain/NAME and S/weighted/NAME, with NAME
that of the metric in a history. The outputs of sets whose name begins with `p` are probabilities, those of the others logits;
targets of the set `multilabel` are yes/no questions.
"""
import os
import warnings

import numpy as np
from sklearn import metrics

warnings.simplefilter("ignore")  # about classes without predictions
random = np.random.default_rng(1950)
arrays = {}


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def both(name, weights, figures):
    """Stores the figures of a set: `figures` maps `sample_weight` to figures by name."""
    arrays[f"{name}/weights"] = weights
    for kind, w in (("plain", None), ("weighted", weights)):
        for metric, value in figures(w).items():
            arrays[f"{name}/{kind}/{metric}"] = np.float64(value)


def class_figures(y, predicted, classes, w):
    """The figures of predicted classes."""
    result = {
        "accuracy": metrics.accuracy_score(y, predicted, sample_weight=w),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, predicted, sample_weight=w),
        "matthews_correlation": metrics.matthews_corrcoef(y, predicted, sample_weight=w),
    }
    for name, f in (("precision", metrics.precision_score), ("recall", metrics.recall_score), ("f1", metrics.f1_score)):
        for average in ("macro", "micro", "weighted"):
            key = name if average == "macro" else f"{name}_{average}"
            result[key] = f(y, predicted, average=average, sample_weight=w, zero_division=0)
        each = f(y, predicted, average=None, labels=range(classes), sample_weight=w, zero_division=0)
        result.update({f"{name}_{c}": each[c] for c in range(classes)})
    return result


def binary(name, outputs, labels, weights, scores, threshold_at, p):
    """A set of yes/no questions: `scores` order the rows, class 1 is predicted above `threshold_at`, p is its probability."""
    kept = labels >= 0
    arrays[f"{name}/outputs"], arrays[f"{name}/labels"] = outputs, labels.astype(np.float64)

    def figures(w):
        w, y, s = (None if w is None else w[kept]), labels[kept], scores[kept]
        result = class_figures(y, (s > threshold_at).astype(int), 2, w)
        result["roc_auc"] = metrics.roc_auc_score(y, s, sample_weight=w)
        result["average_precision"] = metrics.average_precision_score(y, s, sample_weight=w)
        result["average_precision_0"] = metrics.average_precision_score(1 - y, -s, sample_weight=w)
        result["log_loss"] = metrics.log_loss(y, p[kept], labels=[0, 1], sample_weight=w)
        return result

    both(name, weights, figures)


def multiclass(name, outputs, labels, weights, p, ovr=True):
    """A set of K classes with the probabilities p."""
    classes, kept = outputs.shape[-1], labels >= 0
    arrays[f"{name}/outputs"], arrays[f"{name}/labels"] = outputs, labels.astype(np.float64)

    def figures(w):
        w, y, q = (None if w is None else w[kept]), labels[kept], p[kept]
        result = class_figures(y, outputs[kept].argmax(-1), classes, w)
        flags = (y[:, None] == np.arange(classes)).astype(int)
        result["log_loss"] = metrics.log_loss(y, q, labels=range(classes), sample_weight=w)
        if not name.startswith("p"):
            result["perplexity"] = np.exp(result["log_loss"])
        present = sorted(set(y))  # scikit-learn has no ROC of a class that does not occur
        for average in ("macro", "weighted", "micro"):
            tail = "" if average == "macro" else f"_{average}"
            result[f"average_precision{tail}"] = metrics.average_precision_score(flags, q, average=average, sample_weight=w)
            some = range(classes) if average == "micro" else present
            result[f"roc_auc{tail}"] = metrics.roc_auc_score(flags[:, some], q[:, some], average=average, sample_weight=w)
            if len(present) == classes:  # the same by scikit-learn's own one-vs-rest
                ovr = metrics.roc_auc_score(y, q, multi_class="ovr", average=average, sample_weight=w)
                assert abs(ovr - result[f"roc_auc{tail}"]) < 1e-13
        for c in range(classes):
            result[f"average_precision_{c}"] = metrics.average_precision_score(flags[:, c], q[:, c], sample_weight=w)
            if c in present:
                result[f"roc_auc_{c}"] = metrics.roc_auc_score(flags[:, c], q[:, c], sample_weight=w)
        if name != "p3":  # with ties, scikit-learn ranks the last of equal scores first
            for k in (2, 3):
                result[f"top_{k}_accuracy"] = metrics.top_k_accuracy_score(y, q, k=k, labels=range(classes), sample_weight=w)
        return result

    both(name, weights, figures)


def some_weights(n):
    w = random.integers(0, 5, n) / 4.0  # zeros among them
    w[::7] = random.uniform(0, 3, len(w[::7]))
    return w


# Logits of yes/no questions with many ties, one in ten positive, and some labels to ignore.
n = 300
y = (random.uniform(size=n) < 0.1).astype(int)
z = np.round(8 * random.normal(size=n) + 12 * y - 6) / 8
labels = np.where(random.uniform(size=n) < 0.1, -1, y)
w = some_weights(n)
sigmoid = 1 / (1 + np.exp(-z))
binary("logit", z, labels, w, z, 0, sigmoid)
binary("logit_column", z[:, None], labels, w, z, 0, sigmoid)
pair = np.stack([np.round(8 * random.normal(size=n)) / 8, np.zeros(n)], 1)
pair[:, 1] = pair[:, 0] + z
binary("logit_pair", pair, labels, w, pair[:, 1] - pair[:, 0], 0, softmax(pair)[:, 1])

# Probabilities of class 1, coarse, with 0 and 1 among them.
p = np.clip(np.round(sigmoid, 2) * 1.25 - 0.1, 0, 1)
binary("p", p, labels, w, p, 0.5, p)
binary("p_pair", np.stack([1 - p, p], 1), labels, w, p, 0.5, p)

# Four classes, imbalanced; rows occur twice, so that scores tie.
n = 240
y = random.choice(4, n, p=[0.6, 0.25, 0.1, 0.05])
z = random.normal(size=(n, 4)) + 1.2 * np.eye(4)[y]
z[n // 2:] = z[:n // 2]
labels = np.where(random.uniform(size=n) < 0.1, -100, y)
multiclass("logits", z, labels, some_weights(n), softmax(z))

# Of six classes, the fourth is never predicted, the fifth never a label, the last neither.
y = random.choice(4, n)
z = random.normal(size=(n, 6)) + np.eye(6)[y]
z[:, 3] -= 20
z[:, 5] -= 20
multiclass("missing", z, y, some_weights(n), softmax(z))

# Coarse probabilities of three classes.
y = random.choice(3, n, p=[0.2, 0.3, 0.5])
q = random.integers(0, 4, (n, 3)) + 3.0 * np.eye(3)[y] * (random.uniform(size=(n, 1)) < 0.6) + 0.5 * np.eye(3)[0]
q /= q.sum(-1, keepdims=True)
multiclass("p3", q, y, some_weights(n), q)

# Several labels per row; the last column has none.
flags = (random.uniform(size=(n, 4)) < [0.5, 0.2, 0.05, 0]).astype(float)
z = np.round(random.normal(size=(n, 4)) + flags, 1)
arrays["multilabel/outputs"], arrays["multilabel/targets"] = z, flags


def multilabel(w):
    result = {}
    for average in ("macro", "weighted", "micro"):
        tail = "" if average == "macro" else f"_{average}"
        result[f"average_precision{tail}"] = metrics.average_precision_score(flags, z, average=average, sample_weight=w)
        some = slice(0, 4) if average == "micro" else slice(0, 3)
        result[f"roc_auc{tail}"] = metrics.roc_auc_score(flags[:, some], z[:, some], average=average, sample_weight=w)
    for c in range(3):
        result[f"roc_auc_{c}"] = metrics.roc_auc_score(flags[:, c], z[:, c], sample_weight=w)
    return result


both("multilabel", some_weights(n), multilabel)


# Numbers: one column, three columns of which one is constant, and a mean far from 0.
def regression(name, outputs, targets, weights, offset=0.0):
    """A set of numbers to which `offset` is added without rounding; it has no effect on the figures."""
    arrays[f"{name}/outputs"], arrays[f"{name}/targets"] = outputs + offset, targets + offset
    assert (outputs + offset - offset == outputs).all() and (targets + offset - offset == targets).all()
    both(name, weights, lambda w: {
        "mae": metrics.mean_absolute_error(targets, outputs, sample_weight=w),
        "mse": metrics.mean_squared_error(targets, outputs, sample_weight=w),
        "rmse": metrics.mean_squared_error(targets, outputs, sample_weight=w, squared=False),
        "r_squared": metrics.r2_score(targets, outputs, sample_weight=w),
    })


n = 150
t = random.normal(size=n)
regression("numbers", t + 0.3 * random.normal(size=n), t, some_weights(n))
t = (random.normal(size=(n, 3)) + 2) * [1, 10, 0]
regression("columns", t + random.normal(size=(n, 3)), t, some_weights(n))
t = random.normal(size=n)
z = t + 0.3 * random.normal(size=n)
regression("far", z + 1e8 - 1e8, t + 1e8 - 1e8, some_weights(n), offset=1e8)

np.savez_compressed(os.path.join(os.path.dirname(os.path.abspath(__file__)), "metrics_reference.npz"), **arrays)
