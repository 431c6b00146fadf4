# Fine-tuning with LoRA, from a file that matches only in part.
import os
import sys
import tempfile

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class Pretrained(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(8, 64)
        self.head = nn.Linear(64, 1)

    def forward(self, x):
        return self.head(torch.tanh(self.encoder(x)))


class LoRALinear(nn.Linear):
    def __init__(self, inputs, outputs, rank):
        super().__init__(inputs, outputs)
        self.weight.requires_grad = False
        self.bias.requires_grad = False
        self.lora_a = nn.Parameter(torch.empty(rank, inputs).uniform_(-inputs**-0.5, inputs**-0.5))
        self.lora_b = nn.Parameter(torch.zeros(outputs, rank))

    def forward(self, x):
        return super().forward(x) + x @ self.lora_a.T @ self.lora_b.T


class Adapted(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = LoRALinear(8, 64, rank=2)
        self.head = nn.Linear(64, 2)

    def forward(self, x):
        return self.head(torch.tanh(self.body(x)))


def fit(network, x, y):
    trained = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=0.01)
    for epoch in range(40):
        for inputs, targets in DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True):
            optimizer.zero_grad()
            loss = F.mse_loss(network(inputs), targets)
            loss.backward()
            optimizer.step()


torch.manual_seed(1)
x, direction = torch.randn(1000, 8), torch.randn(8)
along = x @ direction
old_y = torch.sin(along).unsqueeze(1)
new_y = torch.stack([torch.sin(along + 0.5), torch.cos(along)], 1)

pretrained = Pretrained()
fit(pretrained, x, old_y)
file = os.path.join(tempfile.gettempdir(), "wengert_recipe_lora.pt")
torch.save(pretrained.state_dict(), file)

adapted = Adapted()
entries = {name.replace("encoder.", "body."): value for name, value in torch.load(file).items()}
entries = {name: value for name, value in entries.items() if not name.startswith("head.")}
missing, unexpected = adapted.load_state_dict(entries, strict=False)
assert not unexpected and all(name.startswith("head.") or ".lora_" in name for name in missing)
os.remove(file)
fit(adapted, x, new_y)

with torch.no_grad():
    residual = (adapted(x) - new_y).square().sum()
r_squared = (1 - residual / (new_y - new_y.mean(0)).square().sum()).item()
count = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
print(f"{len(entries)} of {len(adapted.state_dict())} parameters loaded, {count} numbers trained, R² {r_squared:.3f}")
sys.exit(0 if r_squared > 0.8 else 1)
