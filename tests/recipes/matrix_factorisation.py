# Matrix factorisation with negative samples: which items does a user like?
import sys

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

USERS, ITEMS = 200, 100


class Factors(nn.Module):
    def __init__(self):
        super().__init__()
        self.user = nn.Embedding(USERS, 8)
        self.item = nn.Embedding(ITEMS, 8)

    # One user and any number of items per row.
    def forward(self, user, item):
        return (self.user(user) * self.item(item)).sum(-1)


# Users like the items of their own group, one of five.
torch.manual_seed(1)
user = torch.randint(USERS, (4000, 1))
item = torch.randint(ITEMS // 5, (4000, 1)) * 5 + user % 5
learning, test = random_split(TensorDataset(user, item), [3600, 400])

factors = Factors()
optimizer = torch.optim.Adam(factors.parameters(), lr=0.02)
for epoch in range(15):
    for user, liked in DataLoader(learning, batch_size=100, shuffle=True):
        others = torch.randint(ITEMS, (100, 4))
        optimizer.zero_grad()
        loss = F.softplus(-factors(user, liked)).mean() + F.softplus(factors(user, others)).mean()
        loss.backward()
        optimizer.step()

user, liked = test[:]
others = torch.randint(ITEMS, (400, 100))
with torch.no_grad():
    larger = factors(user, liked) > factors(user, others)
share = larger.float().mean().item()
print(f"likes above random items: {100 * share:.1f}%")
sys.exit(0 if share > 0.85 else 1)
