# A CSV table with a rare class: categories, missing values, class weights.
import os
import sys
import tempfile

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


def write_customers(path):
    rng = np.random.default_rng(1)
    age = rng.normal(40, 10, 2000)
    basic = rng.random(2000) < 0.5
    left = rng.random(2000) < np.where(basic & (age < 40), 0.25, 0.01)
    shown = np.where(rng.random(2000) < 0.05, np.nan, age.round(1))
    columns = {"age": shown, "plan": np.where(basic, "basic", "premium"), "left": np.where(left, "yes", "no")}
    pd.DataFrame(columns).to_csv(path, index_label="id")


path = os.path.join(tempfile.gettempdir(), "wengert_recipe_customers_torch.csv")
write_customers(path)
frame = pd.read_csv(path)
os.remove(path)
test_rows = frame.groupby("left").sample(frac=0.25, random_state=1).index
train_rows = frame.index.difference(test_rows)
age = frame["age"].fillna(frame["age"][train_rows].mean())
age = (age - age[train_rows].mean()) / age[train_rows].std(ddof=0)
inputs = pd.concat([age, pd.get_dummies(frame["plan"])], axis=1)
x = torch.tensor(inputs.to_numpy(dtype=np.float32))
y = torch.tensor((frame["left"] == "yes").to_numpy(dtype=np.int64))
train_x, train_y = x[train_rows], y[train_rows]
test_x, test_y = x[test_rows], y[test_rows]
class_weights = len(train_y) / (2 * torch.bincount(train_y))

torch.manual_seed(1)
network = nn.Sequential(nn.Linear(x.shape[1], 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
for epoch in range(20):
    for batch, labels in DataLoader(TensorDataset(train_x, train_y), batch_size=32, shuffle=True):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(batch), labels, weight=class_weights)
        loss.backward()
        optimizer.step()

network.eval()
with torch.no_grad():
    predicted = network(test_x).argmax(1)
recall = np.mean([(predicted[test_y == k] == k).float().mean().item() for k in range(2)])
print(f"mean recall on new customers: {100 * recall:.1f}%")
sys.exit(0 if recall > 0.75 else 1)
