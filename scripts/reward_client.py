#!/usr/bin/env python3
"""Rewards of `scst reward --serve` in Python, standard library only: copy `RewardClient` into your trainer.

    with RewardClient("--references", "captions.json") as rewards:
        scores = rewards.score([{"image_id": "x.jpg", "text": "a dog runs"}])

With token ids of your own, `--references` holds ids too, {"x.jpg": [[4, 7, 0]]}, and a tensor of sampled captions that
is filled up with the end token can be sent as it is:

    with RewardClient("--references", "ids.json", "--ids", "--end-token", "0") as rewards:
        scores = rewards.score([{"image_id": image, "tokens": ids} for image, ids in zip(images, samples.tolist())])

The protocol is described in README.md beside this file. As a program, this reads lines `IMAGE<tab>CAPTION` and prints
their scores: reward_client.py PROGRAM ARGUMENTS, such as

    printf 'x.jpg\\ta dog runs\\n' | python3 scripts/reward_client.py target/release/scst --references captions.json
"""

import json
import subprocess
import sys


class RewardClient:
    """A running `scst reward --serve`; the arguments are those of `scst reward`."""

    def __init__(self, *arguments, program="scst"):
        command = [program, "reward", "--serve", *arguments]
        # Messages of the server go to the standard error of this program.
        self.server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, captions, **more):
        """The answer as it is: `scores`, and with `parts=True` the scores of every reward by name."""
        request = json.dumps({"version": 1, "captions": captions, **more}, allow_nan=False)
        try:
            self.server.stdin.write(request.encode() + b"\n")
            self.server.stdin.flush()
        except BrokenPipeError:
            pass  # The server has ended, as the next line says.
        line = self.server.stdout.readline()
        if not line:
            raise RuntimeError(f"scst reward has ended with exit code {self.server.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer

    def score(self, captions):
        """One score for each caption, {"image_id", "text" or "tokens"}, in their order."""
        return self.ask(captions)["scores"]

    def close(self):
        """Ends the server."""
        try:
            self.server.stdin.close()
        except BrokenPipeError:
            pass
        self.server.stdout.close()
        return self.server.wait()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()


def main():
    lines = (line.rstrip("\n").split("\t", 1) for line in sys.stdin)
    captions = [{"image_id": image, "text": text} for image, text in lines]
    with RewardClient(*sys.argv[2:], program=sys.argv[1]) as rewards:
        for score in rewards.score(captions):
            print(score)


if __name__ == "__main__":
    main()
