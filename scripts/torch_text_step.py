#!/usr/bin/env python3
"""The steps of `scst bench step --task text` in plain PyTorch, for timing side by side: bench_step.py runs both.

    pip install torch pycocoevalcap
    python3 scripts/torch_text_step.py --model att2in --encoder lstm --steps 20

Prints one line of JSON with the keys of `scst bench step`: medians in milliseconds, and the peak of memory. Two steps
are timed, on made-up texts and captions:

    xe      the encoder, teacher-forced cross-entropy, backward, clipping, Adam
    scst    greedy captions without gradient, sampled captions, CIDEr-D in Python, (r - b) log p, backward, clipping, Adam

`--style loop` steps through captions one word after the other, as self-critical.pytorch does. `--style fused` is the
best of plain PyTorch: one input projection and one vocabulary projection a sequence, and samples drawn without gradient
before one teacher-forced pass over them, on what the encoder made once. In both styles the encoder reads packed
sequences, what is projected of tokens is projected before it is padded, and captions of a text share its vectors.
`--encoder regions --source-length 49` are the same captioners on made-up regions of images.
"""

import argparse
import collections
import json
import math
import random
import resource
import statistics
import time

import torch
import torch.nn.functional as F
from pycocoevalcap.cider.cider_scorer import CiderScorer, precook
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence

MODELS = ["att2in", "up_down", "transformer"]
PARTS = ["greedy", "rollout", "reward", "update"]
TRAIN_SOURCES, REFERENCES, SHORTEST = 1000, 5, 7
END = 0


def places(hidden, longest=1024):
    """Sinusoids of positions, [longest, hidden]."""
    angle = torch.arange(longest).unsqueeze(1) / 10000 ** (torch.arange(0, hidden, 2) / hidden)
    return torch.stack([angle.sin(), angle.cos()], 2).flatten(1)[:, :hidden]


class LstmEncoder(nn.Module):
    """A bidirectional LSTM over packed texts: a vector of `hidden` numbers a token."""

    def __init__(self, vocab, hidden, dropout):
        super().__init__()
        half = (hidden + 1) // 2
        self.width = 2 * half
        self.embed, self.drop = nn.Embedding(vocab, half), nn.Dropout(dropout)
        self.lstm = nn.LSTM(half, half, bidirectional=True)

    def forward(self, texts):
        read, _ = self.lstm(texts._replace(data=self.drop(self.embed(texts.data))))
        return read._replace(data=self.drop(read.data))


class Regions(nn.Module):
    """Vectors of images as they come, packed as texts are: the same captioners on images, for comparison."""

    def __init__(self, width):
        super().__init__()
        self.width = width

    def forward(self, vectors):
        return vectors


class Attention(nn.Module):
    """Scaled dot-product attention of many heads, on PyTorch's fused one."""

    def __init__(self, hidden, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key_value, self.out = (nn.Linear(hidden, k * hidden) for k in (1, 2, 1))

    def split(self, x):
        return x.view(x.size(0), x.size(1), self.heads, -1).transpose(1, 2)

    def memory(self, x):
        return [self.split(part) for part in self.key_value(x).chunk(2, 2)]

    def forward(self, x, memory, **mask):
        attended = F.scaled_dot_product_attention(self.split(self.query(x)), *memory, **mask)
        return self.out(attended.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """`drop(relu(norm(x) W_1) W_2)`."""

    def __init__(self, hidden, dropout):
        super().__init__()
        self.norm, self.drop = nn.LayerNorm(hidden), nn.Dropout(dropout)
        self.up, self.down = nn.Linear(hidden, 4 * hidden), nn.Linear(4 * hidden, hidden)

    def forward(self, x):
        return self.drop(self.down(torch.relu(self.up(self.norm(x)))))


class EncoderLayer(nn.Module):
    """Attention of every token to all of its text, normalised before every sub-layer."""

    def __init__(self, hidden, heads, dropout):
        super().__init__()
        self.norm, self.drop = nn.LayerNorm(hidden), nn.Dropout(dropout)
        self.attention, self.feed_forward = Attention(hidden, heads), FeedForward(hidden, dropout)

    def forward(self, x, mask):
        n = self.norm(x)
        x = x + self.drop(self.attention(n, self.attention.memory(n), attn_mask=mask))
        return x + self.feed_forward(x)


class TransformerEncoder(nn.Module):
    """The encoder of Vaswani et al. 2017, over padded texts with a mask."""

    def __init__(self, vocab, hidden, dropout, layers=3, heads=4):
        super().__init__()
        self.width = hidden
        self.embed, self.drop, self.norm = nn.Embedding(vocab, hidden), nn.Dropout(dropout), nn.LayerNorm(hidden)
        self.layers = nn.ModuleList(EncoderLayer(hidden, heads, dropout) for _ in range(layers))
        self.register_buffer("place", places(hidden))

    def forward(self, texts):
        ids, lengths = pad_packed_sequence(texts, batch_first=True)
        x = self.drop(math.sqrt(self.width) * self.embed(ids) + self.place[: ids.size(1)])
        mask = token_exists(lengths, ids.device)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask)
        return pack_padded_sequence(self.norm(x), lengths, batch_first=True, enforce_sorted=False)


def token_exists(lengths, device):
    """Which tokens exist, [texts, longest]."""
    return (torch.arange(int(lengths.max())) < lengths.unsqueeze(1)).to(device)


class Captioner(nn.Module):
    """What all captioners share; a state is a list whose rows are captions, those of one text beside one another."""

    def __init__(self, encoder, vocab, hidden, dropout, style):
        super().__init__()
        self.encoder, self.hidden, self.style = encoder, hidden, style
        self.embed, self.drop, self.out = nn.Embedding(vocab, hidden), nn.Dropout(dropout), nn.Linear(hidden, vocab)
        self.image = nn.Linear(encoder.width, hidden)

    def teacher(self, memory, words, rows):
        """Log-probabilities of words [captions, steps]."""
        prev = torch.cat([words.new_zeros(words.size(0), 1), words[:, :-1]], 1)
        state = self.start(memory, rows)
        if self.style == "loop":
            steps = []
            for t in range(words.size(1)):
                log_p, state = self.step(prev[:, t], state)
                steps.append(log_p)
            log_p = torch.stack(steps, 1)
        else:
            log_p = self.words(self.hidden_of(prev, state))
        return log_p.gather(2, words.unsqueeze(2)).squeeze(2)

    def words(self, hidden):
        return torch.log_softmax(self.out(self.drop(hidden)), -1)

    def rollout(self, memory, texts, rows, sample, length):
        state = self.start(memory, rows)
        words = torch.zeros(texts * rows, dtype=torch.long, device=self.out.weight.device)
        alive = torch.ones_like(words, dtype=torch.bool)
        captions, log_ps = [], []
        for _ in range(length):
            log_p, state = self.step(words, state)
            words = torch.multinomial(log_p.detach().exp(), 1).squeeze(1) if sample else log_p.argmax(1)
            log_ps.append(log_p.gather(1, words.unsqueeze(1)).squeeze(1))
            words = words * alive
            captions.append(words)
            alive = alive & (words != END)
            if not alive.any():
                break
        return torch.stack(captions, 1), torch.stack(log_ps, 1)


class Recurrent(Captioner):
    """Attention of an LSTM to the tokens of its text (Bahdanau et al. 2015)."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        hidden = self.hidden
        self.key, self.query, self.score = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)

    def read(self, texts):
        read = self.encoder(texts)
        vectors = self.drop(torch.relu(self.image(read.data)))
        both = read._replace(data=torch.cat([vectors, self.key(vectors)], 1))
        both, lengths = pad_packed_sequence(both, batch_first=True)
        vectors, keys = both.chunk(2, 2)
        return vectors, keys.unsqueeze(1), ~token_exists(lengths, both.device).unsqueeze(1)

    def attend(self, h, memory):
        vectors, keys, absent = memory
        query = self.query(h).view(vectors.size(0), -1, 1, self.hidden)
        scores = self.score(torch.tanh(keys + query)).squeeze(3).masked_fill(absent, -math.inf)
        return torch.bmm(torch.softmax(scores, 2), vectors).flatten(0, 1)

    def step(self, words, state):
        h, state = self.advance(self.inputs(words), state)
        return self.words(h), state

    def hidden_of(self, prev, state):
        x, hidden = self.inputs(prev), []
        for t in range(prev.size(1)):
            h, state = self.advance(x[:, t], state)
            hidden.append(h)
        return torch.stack(hidden, 1)


class Att2in(Recurrent):
    """Attended vectors enter the cell's candidate, which is the larger of two (Rennie et al. 2017)."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        hidden = self.hidden
        self.x2g, self.h2g, self.a2c = (nn.Linear(hidden, k * hidden) for k in (5, 5, 2))

    def start(self, memory, rows):
        zeros = memory[0].new_zeros(memory[0].size(0) * rows, self.hidden)
        return [zeros, zeros, memory]

    def inputs(self, words):
        return self.x2g(self.drop(torch.relu(self.embed(words))))

    def advance(self, x, state):
        h, c, memory = state
        gates, width = x + self.h2g(h), self.hidden
        i, f, o = torch.sigmoid(gates[:, : 3 * width]).chunk(3, 1)
        g = torch.max(*(gates[:, 3 * width :] + self.a2c(self.attend(h, memory))).chunk(2, 1))
        c = f * c + i * g
        h = o * torch.tanh(c)
        return h, [h, c, memory]


class UpDown(Recurrent):
    """An attention LSTM below a language LSTM (Anderson et al. 2018); the mean vector is part of the first one's input."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        hidden = self.hidden
        self.mean = nn.Linear(self.encoder.width, hidden)
        self.low, self.high = nn.LSTMCell(3 * hidden, hidden), nn.LSTMCell(2 * hidden, hidden)

    def read(self, texts):
        read = self.encoder(texts)
        vectors = self.drop(torch.relu(self.image(read.data)))
        parts = [vectors, self.key(vectors), read.data]
        parts, lengths = pad_packed_sequence(read._replace(data=torch.cat(parts, 1)), batch_first=True)
        vectors, keys, read = parts.split([self.hidden, self.hidden, self.encoder.width], 2)
        mean = torch.relu(self.mean(read.sum(1) / lengths.unsqueeze(1).to(read.device)))
        return vectors, keys.unsqueeze(1), ~token_exists(lengths, parts.device).unsqueeze(1), mean

    def start(self, memory, rows):
        *memory, mean = memory
        zeros = mean.new_zeros(mean.size(0) * rows, self.hidden)
        return [zeros, zeros, zeros, zeros, memory, mean.repeat_interleave(rows, 0)]

    def inputs(self, words):
        return self.drop(torch.relu(self.embed(words)))

    def advance(self, x, state):
        h1, c1, h2, c2, memory, mean = state
        h1, c1 = self.low(torch.cat([h2, mean, x], 1), (h1, c1))
        h2, c2 = self.high(torch.cat([self.attend(h1, memory), h1], 1), (h2, c2))
        return h2, [h1, c1, h2, c2, memory, mean]


class DecoderLayer(nn.Module):
    """Attention to earlier words, then to the text, normalised before every sub-layer; keys and values are kept."""

    def __init__(self, hidden, heads, dropout):
        super().__init__()
        self.norms, self.drop = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(2)), nn.Dropout(dropout)
        self.own, self.text = Attention(hidden, heads), Attention(hidden, heads)
        self.feed_forward = FeedForward(hidden, dropout)

    def forward(self, x, memory, mask, cache):
        n = self.norms[0](x)
        kept = self.own.memory(n)
        if cache is not None:
            kept = [torch.cat(parts, 2) for parts in zip(cache, kept)]
        x = x + self.drop(self.own(n, kept, is_causal=cache is None and x.size(1) > 1))
        # All captions of a text attend to the same keys and values: they are queries of one text.
        texts = memory[0].size(0)
        queries = self.norms[1](x).view(texts, -1, x.size(2))
        x = x + self.drop(self.text(queries, memory, attn_mask=mask).view_as(x))
        return x + self.feed_forward(x), kept


class Transformer(Captioner):
    """The decoder of Vaswani et al. 2017."""

    def __init__(self, *sizes, layers=3, heads=8):
        super().__init__(*sizes)
        hidden, dropout = self.hidden, self.drop.p
        self.image_norm, self.norm = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.layers = nn.ModuleList(DecoderLayer(hidden, heads, dropout) for _ in range(layers))
        self.register_buffer("place", places(hidden))

    def read(self, texts):
        read = self.encoder(texts)
        vectors = self.image_norm(self.drop(torch.relu(self.image(read.data))))
        vectors, lengths = pad_packed_sequence(read._replace(data=vectors), batch_first=True)
        mask = token_exists(lengths, vectors.device)[:, None, None, :]
        return [layer.text.memory(vectors) for layer in self.layers], mask

    def start(self, memory, rows):
        return [memory, [None] * len(self.layers), 0]

    def words(self, hidden):
        return torch.log_softmax(self.out(hidden), -1)

    def advance(self, words, state):
        (memories, mask), caches, t = state
        place = self.place[t : t + words.size(1)]
        x = self.drop(math.sqrt(self.hidden) * self.embed(words) + place)
        kept = []
        for layer, memory, cache in zip(self.layers, memories, caches):
            x, cache = layer(x, memory, mask, cache)
            kept.append(cache)
        return self.norm(x), [state[0], kept, t + words.size(1)]

    def step(self, words, state):
        hidden, state = self.advance(words.unsqueeze(1), state)
        return self.words(hidden.squeeze(1)), state

    def hidden_of(self, prev, state):
        return self.advance(prev, state)[0]


def token(vocab, first):
    """Few tokens are frequent, many are rare."""
    return min(vocab - 1, first + int(vocab * random.random() ** 4 * 0.98))


class FrozenCider(CiderScorer):
    """Document frequencies and corpus size fixed beforehand (`compute_cider` would take the batch for the corpus)."""

    ref_len = property(lambda self: math.log(TRAIN_SOURCES), lambda self, value: None)


class Reward:
    """CIDEr-D in Python, as it is computed today."""

    def __init__(self, references):
        self.references = [[" ".join(map(str, caption)) for caption in captions] for captions in references]
        self.frequencies = collections.defaultdict(float)
        for captions in self.references:
            for gram in {gram for caption in captions for gram in precook(caption)}:
                self.frequencies[gram] += 1

    def __call__(self, captions, sources):
        scorer = FrozenCider(n=4)
        for caption, source in zip(captions, sources):
            ended = caption[: caption.index(END) + 1] if END in caption else caption
            scorer += (" ".join(map(str, ended)), self.references[source])
        scorer.document_frequency = self.frequencies
        return scorer.compute_cider()


def word_exists(captions):
    """1 for words up to and including the first end token."""
    open_after = (captions != END).float()
    return torch.cat([torch.ones_like(open_after[:, :1]), open_after[:, :-1]], 1)


class Bench:
    """A captioner in training on made-up data."""

    def __init__(self, given):
        self.given, self.device = given, torch.device(given.device)
        encoders = {"lstm": LstmEncoder, "transformer": TransformerEncoder}
        if given.encoder == "regions":
            encoder = Regions(given.feature)
        else:
            encoder = encoders[given.encoder](given.source_vocab, given.hidden, given.dropout)
        captioners = {"att2in": Att2in, "up_down": UpDown, "transformer": Transformer}
        sizes = (encoder, given.vocab, given.hidden, given.dropout, given.style)
        self.model = captioners[given.model](*sizes).to(self.device)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=5e-5)
        self.gold = [[self.caption() for _ in range(REFERENCES)] for _ in range(TRAIN_SOURCES)]
        self.reward = Reward(self.gold)

    def caption(self):
        count = random.randint(SHORTEST, self.given.length - 2)
        return [token(self.given.vocab, 1) for _ in range(count)] + [END]

    def batch(self):
        longest = self.given.source_length
        counts = [random.randint((longest + 2) // 3, longest) for _ in range(self.given.sources)]
        if self.given.encoder == "regions":
            texts = [torch.randn(longest, self.given.feature) for _ in counts]
        else:
            texts = [torch.tensor([token(self.given.source_vocab, 1) for _ in range(count)]) for count in counts]
        sources = [random.randrange(TRAIN_SOURCES) for _ in counts]
        gold = [self.gold[source][k % REFERENCES] for source in sources for k in range(self.given.samples)]
        gold = nn.utils.rnn.pad_sequence([torch.tensor(caption) for caption in gold], batch_first=True)
        return pack_sequence(texts, enforce_sorted=False).to(self.device), gold.to(self.device), sources

    def now(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def update(self, log_p, weights, captions):
        mask = word_exists(captions)
        loss = -(log_p * weights * mask).sum() / mask.sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_value_(self.model.parameters(), 0.1)
        self.optimiser.step()

    def step(self):
        """Milliseconds of everything, and how long the sampled captions are."""
        given, model = self.given, self.model
        texts, gold, sources = self.batch()
        model.train()
        start = self.now()
        self.update(model.teacher(model.read(texts), gold, given.samples), 1.0, gold)
        between = self.now()

        model.eval()
        with torch.no_grad():
            greedy, _ = model.rollout(model.read(texts), given.sources, 1, False, given.length)
        decoded = self.now()
        model.train()
        memory = model.read(texts)
        with torch.set_grad_enabled(given.style == "loop"):
            captions, log_p = model.rollout(memory, given.sources, given.samples, True, given.length)
        sampled = self.now()
        rewards = self.reward(captions.tolist(), [source for source in sources for _ in range(given.samples)])
        baseline = self.reward(greedy.tolist(), sources)
        advantages = [reward - baseline[k // given.samples] for k, reward in enumerate(rewards)]
        advantages = torch.tensor(advantages, dtype=torch.float32, device=self.device).unsqueeze(1)
        judged = self.now()
        if given.style == "fused":
            log_p = model.teacher(memory, captions, given.samples)
        self.update(log_p, advantages, captions)
        end = self.now()
        parts = zip(PARTS, [decoded - between, sampled - decoded, judged - sampled, end - judged])
        seconds = {"xe": between - start, "scst": end - between, **dict(parts)}
        return {name: 1e3 * value for name, value in seconds.items()}, word_exists(captions).sum(1).mean().item()


def arguments():
    parser = argparse.ArgumentParser(
        description="The steps of `scst bench step --task text` in PyTorch.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--model", choices=MODELS, default="att2in", help="the captioner")
    parser.add_argument("--encoder", choices=["lstm", "transformer", "regions"], default="lstm", help="what reads texts")
    parser.add_argument("--style", choices=["loop", "fused"], default="loop")
    sizes = {"sources": 64, "source-length": 30, "source-vocab": 2600, "samples": 5, "vocab": 2600, "hidden": 512}
    sizes |= {"feature": 1280, "length": 16, "steps": 20, "warmup": 3, "threads": 2}
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--dropout", type=float, default=0.5)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def main():
    given = arguments()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    random.seed(0)
    bench = Bench(given)
    steps = [bench.step() for _ in range(given.warmup + given.steps)][given.warmup :]
    medians = {name: round(statistics.median(times[name] for times, _ in steps), 2) for name in steps[0][0]}
    is_cuda = bench.device.type == "cuda"
    sizes = ["threads", "model", "style", "encoder", "sources", "source_length", "source_vocab", "samples", "vocab"]
    report = {
        "torch": torch.__version__,
        "device": given.device,
        "task": "text",
        **{name: getattr(given, name) for name in [*sizes, "hidden", "length"]},
        "xe_ms": medians["xe"],
        "scst_ms": medians["scst"],
        "scst_parts_ms": {name: medians[name] for name in PARTS},
        "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "peak_device_mib": round(torch.cuda.max_memory_allocated() / 2**20) if is_cuda else None,
        "mean_caption_length": round(statistics.mean(length for _, length in steps), 2),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
