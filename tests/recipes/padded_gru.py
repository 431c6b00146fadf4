# A GRU on padded sequences of different lengths.
import sys

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.data import DataLoader, TensorDataset, random_split


class Listener(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 16, batch_first=True)
        self.head = nn.Linear(16, 2)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, hidden = self.gru(packed)
        return self.head(hidden.squeeze(0))


torch.manual_seed(1)
lengths = torch.randint(5, 21, (600,))
labels = torch.randint(2, (600,))
x = torch.randn(600, 20, 1)
for i in range(600):
    x[i] += 0.3 if labels[i] == 1 else -0.3
    x[i, lengths[i]:] = 100
learning, test = random_split(TensorDataset(x, lengths, labels), [450, 150])

network = Listener()
optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
for epoch in range(10):
    for inputs, steps, targets in DataLoader(learning, batch_size=32, shuffle=True):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(inputs, steps), targets)
        loss.backward()
        optimizer.step()

network.eval()
with torch.no_grad():
    inputs, steps, targets = test[:]
    accuracy = (network(inputs, steps).argmax(1) == targets).float().mean().item()
print(f"accuracy on new sequences: {100 * accuracy:.1f}%")
sys.exit(0 if accuracy > 0.75 else 1)
