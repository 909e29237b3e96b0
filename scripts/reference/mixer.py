"""Rewards of MIXER's own Lua code for random captions."""

import random

from lupa import luajit21 as lua

EOS, PAD, UNK, WORDS, LENGTH, IMAGES = 1, 2, 3, 60, 16, 40
# Reward, smoothing, and the step from which words are the model's own.
BATCHES = [("bleu", 1, 1), ("bleu", 0, 1), ("bleu", 1, 4), ("bleu", 1, 2), ("rouge", 1, 1), ("rouge", 1, 3)]


def captions(draws):
    """A reference and a caption that shares much of it, up to end and padding; some are empty or full."""
    target = [draws.randrange(UNK, WORDS) for _ in range(draws.choice([0, 1, 3, 6, 9, 12, LENGTH]))]
    caption = [word if draws.random() < 0.7 else draws.randrange(UNK, WORDS) for word in target]
    cut = draws.randrange(len(caption) + 1)
    caption = draws.choice([caption, caption[:cut], caption + caption[:cut], caption[::-1]])[:LENGTH]
    return [(row + [EOS] + [PAD] * LENGTH)[:LENGTH] for row in (target, caption)]


def batches(checkout, stand_in):
    runtime = lua.LuaRuntime(unpack_returned_tuples=True)
    runtime.globals().MIXER = checkout
    runtime.execute(open(stand_in).read())
    runtime.execute(f"dofile('{checkout}/reward_factory.lua')")
    run = runtime.eval("""function(mode, smoothing, start, target, input, length, words, eos, pad, unk, images)
        local factory = RewardFactory(mode, length, words, eos, pad, unk, images)
        if smoothing == 0 then factory:test_mode() end
        factory:set_start(start)
        local targets, inputs = {}, {}
        for t = 1, length do
            targets[t], inputs[t] = torch.Tensor(images), {torch.Tensor(images)}
            for i = 1, images do
                targets[t][i], inputs[t][1][i] = target[i][t], input[i][t]
            end
        end
        local totals = {}
        for i = 1, images do totals[i] = 0 end
        for t = 1, length do
            local reward = factory:get_reward(targets, inputs, t)
            for i = 1, images do totals[i] = totals[i] + reward[i] end
        end
        return totals
    end""")
    draws = random.Random(5)
    table = lambda rows: runtime.table_from([runtime.table_from(row) for row in rows])
    found = []
    for mode, smoothing, start in BATCHES:
        target, caption = zip(*(captions(draws) for _ in range(IMAGES)))
        caption = [t[:start - 1] + c[start - 1:] for t, c in zip(target, caption)]
        reward = run(mode, smoothing, start, table(target), table(caption), LENGTH, WORDS, EOS, PAD, UNK, IMAGES)
        found.append({"mode": mode, "smoothing": smoothing, "start": start, "bptt": LENGTH, "vocab_size": WORDS, "eos": EOS,
                      "pad": PAD, "unk": UNK, "target": target, "input": caption, "reward": list(reward.values())})
    return {"batches": found}
