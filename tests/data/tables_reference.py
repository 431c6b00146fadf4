#!/usr/bin/env python3
"""Writes tables_reference.npz, what scikit-learn makes of penguins.csv: python3 tables_reference.py

For each rule of missing values, the columns mass and bill after SimpleImputer and StandardScaler; the indicators;
OneHotEncoder of island and of sex after the imputation of the most frequent value; and LabelEncoder of species. Needs
numpy, pandas and scikit-learn.
"""
import os

import numpy as np
import pandas as pd
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, OrdinalEncoder, StandardScaler

here = os.path.dirname(os.path.abspath(__file__))
table = pd.read_csv(os.path.join(here, "penguins.csv"), comment="#", na_values=["NA"])
numbers = table[["mass", "bill"]]
figures = {}
for strategy in ("mean", "median", "most_frequent"):
    imputer = SimpleImputer(strategy=strategy)
    figures["raw_" + strategy] = imputer.fit_transform(numbers)
    figures[strategy] = make_pipeline(SimpleImputer(strategy=strategy), StandardScaler()).fit_transform(numbers)
figures["indicator"] = MissingIndicator().fit_transform(numbers).astype(float)
kept = table.dropna(subset=["mass", "bill"])
figures["kept"] = kept.index.to_numpy().astype(np.int64)
figures["dropped"] = StandardScaler().fit_transform(kept[["mass", "bill"]])
figures["year"] = StandardScaler().fit_transform(table[["year"]])
figures["island"] = OneHotEncoder().fit_transform(table[["island"]]).toarray()
figures["island_index"] = OrdinalEncoder().fit_transform(table[["island"]]).astype(np.int64)
sex = SimpleImputer(strategy="most_frequent").fit_transform(table[["sex"]])
figures["sex"] = OneHotEncoder().fit_transform(sex).toarray()
figures["species"] = LabelEncoder().fit_transform(table["species"]).astype(np.int64)
# Learned on the first eight rows, applied to the last four, which have no unknown category.
pipeline = make_pipeline(SimpleImputer(strategy="median"), StandardScaler()).fit(numbers[:8])
figures["applied"] = pipeline.transform(numbers[8:])
np.savez(os.path.join(here, "tables_reference.npz"), **figures)
