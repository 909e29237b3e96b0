"""The self-critical loss (Rennie et al. 2017) in PyTorch, with CIDEr-D as the reward.

    pip install torch scst
    python self_critical_loss.py

Four made images, a captioner of one GRU cell, some seconds on a CPU. What carries over to a real captioner is
`self_critical_loss` and the reward: references as token ids that end with the end token, which counts as a word.
"""

import torch
from torch import Tensor, nn

from scst.rewards import CiderD

CAPTIONS = {
    "beach.jpg": ["a dog runs on the beach", "a brown dog is running on a beach", "a dog on the sand"],
    "snow.jpg": ["a man skis down a snowy hill", "a man on skis in the snow", "a skier goes down a hill"],
    "street.jpg": ["two people walk down a street", "a couple is walking in the city", "people on a city street"],
    "grass.jpg": ["a child plays with a red ball", "a boy in the grass with a ball", "a boy is playing on the grass"],
}
END = 0
WORDS = ["<end>", *sorted({word for captions in CAPTIONS.values() for text in captions for word in text.split()})]
IDS = {word: index for index, word in enumerate(WORDS)}
REFERENCES = [[[*(IDS[word] for word in text.split()), END] for text in captions] for captions in CAPTIONS.values()]
LONGEST = 10


class Captioner(nn.Module):
    """Images are numbers here; a real captioner starts from features."""

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        self.images = nn.Embedding(len(CAPTIONS), width)
        self.words = nn.Embedding(len(WORDS), width)
        self.cell = nn.GRUCell(width, width)
        self.logits = nn.Linear(width, len(WORDS))

    def forward(self, images: Tensor, choose) -> tuple[Tensor, Tensor]:
        """Words `[B, T]` that `choose(logits, step)` chose, and their log-probabilities `[B, T]`."""
        state = self.images(images)
        word = torch.full_like(images, END)
        words, chosen = [], []
        for step in range(LONGEST):
            state = self.cell(self.words(word), state)
            log_probabilities = self.logits(state).log_softmax(-1)
            word = choose(log_probabilities, step)
            words.append(word)
            chosen.append(log_probabilities.gather(1, word[:, None])[:, 0])
        return torch.stack(words, 1), torch.stack(chosen, 1)


def until_end(words: Tensor) -> Tensor:
    """1 for every word up to and including the first end token, else 0: `[B, T]`."""
    ends = (words == END).long()
    return (ends.cumsum(1) - ends == 0).float()


def sample(log_probabilities: Tensor, _step: int) -> Tensor:
    return torch.multinomial(log_probabilities.exp(), 1)[:, 0]


def greedy(log_probabilities: Tensor, _step: int) -> Tensor:
    return log_probabilities.argmax(-1)


def self_critical_loss(model: Captioner, reward: CiderD, images: Tensor) -> tuple[Tensor, float]:
    """-(r(sample) - r(greedy)) log p(sample), mean over words; and the mean reward of the samples."""
    with torch.no_grad():
        baseline, _ = model(images, greedy)
    words, log_probabilities = model(images, sample)
    # What follows the end token is not seen by the reward, and not by the loss.
    keys = images.tolist()
    rewards = torch.tensor(reward(words.tolist(), image_id=keys))
    advantages = rewards - torch.tensor(reward(baseline.tolist(), image_id=keys))
    mask = until_end(words)
    loss = -(advantages[:, None] * log_probabilities * mask).sum() / mask.sum()
    return loss, rewards.mean().item()


def cross_entropy(model: Captioner, images: Tensor) -> Tensor:
    """Of one reference of each image, drawn at random."""
    drawn = [REFERENCES[image][torch.randint(len(REFERENCES[image]), ()).item()] for image in images.tolist()]
    gold = torch.tensor([(reference + [END] * LONGEST)[:LONGEST] for reference in drawn])
    words, log_probabilities = model(images, lambda _, step: gold[:, step])
    mask = until_end(words)
    return -(log_probabilities * mask).sum() / mask.sum()


def main(cross_entropy_steps: int = 60, self_critical_steps: int = 200) -> tuple[float, float]:
    """The greedy captions' CIDEr-D after either stage."""
    torch.manual_seed(0)
    model, reward = Captioner(), CiderD(REFERENCES, end_token=END)
    every = torch.arange(len(CAPTIONS))
    batch = every.repeat(5)

    def report(stage: str) -> float:
        with torch.no_grad():
            words, _ = model(every, greedy)
        scores = reward(words.tolist(), image_id=every.tolist())
        print(f"{stage}: CIDEr-D {sum(scores) / len(scores):.2f}")
        for name, row, score in zip(CAPTIONS, words.tolist(), scores):
            text = " ".join(WORDS[word] for word in (row[: row.index(END)] if END in row else row))
            print(f"  {score:5.2f}  {name}: {text}")
        return sum(scores) / len(scores)

    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(cross_entropy_steps):
        optimizer.zero_grad()
        cross_entropy(model, batch).backward()
        optimizer.step()
    before = report("after cross-entropy")
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(self_critical_steps):
        optimizer.zero_grad()
        loss, mean = self_critical_loss(model, reward, batch)
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(f"step {step}: reward of samples {mean:.2f}")
    return before, report("after self-critical training")


if __name__ == "__main__":
    main()
