"""GRPO in TRL on captions, with CIDEr-D and ROUGE-L as rewards.

    pip install trl scst
    python grpo_trl.py

A language model of two small layers with made prompts, so that it runs on a CPU in a minute; a real one is a name in the
place of `model`, images or descriptions of them in the prompts, and a dataset of its own. The rewards stay: TRL hands
them the column `image_id`, by which they find the references that they keep.
"""

import tempfile

import torch
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer

from scst.rewards import CiderD, RougeL

CAPTIONS = {
    "beach.jpg": ["a dog runs on the beach", "a brown dog is running on a beach", "a dog on the sand"],
    "snow.jpg": ["a man skis down a snowy hill", "a man on skis in the snow", "a skier goes down a hill"],
    "street.jpg": ["two people walk down a street", "a couple is walking in the city", "people on a city street"],
    "grass.jpg": ["a child plays with a red ball", "a boy in the grass with a ball", "a boy is playing on the grass"],
}


def prompt(image: str) -> str:
    return f"describe {image} :"


def tiny_model() -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    """A model that knows the words of the captions and nothing else."""
    texts = [prompt(image) for image in CAPTIONS] + [text for captions in CAPTIONS.values() for text in captions]
    words = ["<pad>", "<end>", "<unk>", *sorted({word for text in texts for word in text.split()})]
    words_only = Tokenizer(WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    words_only.pre_tokenizer = WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words_only, pad_token="<pad>", eos_token="<end>", unk_token="<unk>", padding_side="left"
    )
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
    )
    return LlamaForCausalLM(config), tokenizer


def learn_gold_captions(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, steps: int) -> None:
    """Cross-entropy first, as always: rewards of noise are all alike."""
    texts = [f"{prompt(image)} {text} <end>" for image, captions in CAPTIONS.items() for text in captions]
    batch = tokenizer(texts, return_tensors="pt", padding=True, return_token_type_ids=False)
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        model(**batch, labels=labels).loss.backward()
        optimizer.step()


def main(gold_steps: int = 25, grpo_steps: int = 40) -> list[dict[str, float]]:
    """What TRL logs, one entry for every ten steps."""
    torch.manual_seed(0)
    model, tokenizer = tiny_model()
    learn_gold_captions(model, tokenizer, gold_steps)
    dataset = Dataset.from_list([{"prompt": prompt(image), "image_id": image} for image in CAPTIONS])
    with tempfile.TemporaryDirectory() as folder:
        trainer = GRPOTrainer(
            model=model,
            processing_class=tokenizer,
            reward_funcs=[CiderD(CAPTIONS), RougeL(CAPTIONS)],
            train_dataset=dataset,
            args=GRPOConfig(
                output_dir=folder,
                use_cpu=True,
                bf16=False,
                per_device_train_batch_size=16,
                num_generations=8,
                max_completion_length=12,
                max_steps=grpo_steps,
                learning_rate=1e-3,
                reward_weights=[1.0, 1.0],
                logging_steps=min(10, grpo_steps),
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                seed=0,
            ),
        )
        trainer.train()
    return [entry for entry in trainer.state.log_history if "reward" in entry]


if __name__ == "__main__":
    for entry in main():
        cider, rouge = (entry[f"rewards/{name}/mean"] for name in ("cider_d", "rouge_l"))
        print(f"step {entry['step']}: CIDEr-D {cider:.2f}, ROUGE-L {rouge:.2f}")
