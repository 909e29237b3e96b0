#!/usr/bin/env python3
"""Writes the classes of characters that the PTB tokenizer knows, from what coco-caption's own tokenizer prints.

    pip install pycocoevalcap          (needs Java)
    python3 scripts/ptb_classes.py > crates/reward/src/ptb/classes.rs

Every character of the Basic Multilingual Plane is put into a few lines of text; the program's output says whether it
stands in words, in numbers, alone, or nowhere. Nothing else of the program is read.
"""


from ptb_java import java_tokens


HEADER = '''\
//! Which class every character of the Basic Multilingual Plane after ASCII belongs to.
//!
//! Written by `scripts/ptb_classes.py` from the reference's outputs for every character: do not edit.

use super::class::Class::{self, %s};

/// Where a class begins; it ends where the next begins.
#[rustfmt::skip]
pub(super) const STARTS: [(u16, Class); %d] = [
'''


def printed(pattern, characters):
    """What is printed for every character in the place of `%` in the pattern, with the character as `@`."""
    outputs = java_tokens([pattern.replace("%", character) for character in characters], lower=False)
    return [output.replace(character, "@") for output, character in zip(outputs, characters)]


def classified(between, alone, twice, in_number, in_hyphens, after_initial):
    if between == "ab@cd":
        if alone == "ab cd":
            return "Hyphen"
        if in_hyphens != "x-@-y":
            return "Mark"
        return "Letter" if in_number == "#x@y" else "Digit"
    if between == "ab @ cd":
        return "Repeated" if twice == "ab @@ cd" else "Symbol"
    if between == "ab cd":
        return "Space" if after_initial == "K . The b" else "Dropped"
    # What is written as something else is named in symbol.rs.
    return "Symbol"


def main():
    characters = [chr(code) for code in range(0x80, 0x10000) if not 0xD800 <= code < 0xE000]
    patterns = ["ab%cd", "ab % cd", "ab %% cd", "#x%y", "x-%-y", "K.%The b"]
    classes = [classified(*outputs) for outputs in zip(*(printed(pattern, characters) for pattern in patterns))]
    starts = []
    for character, found in zip(characters, classes):
        if not starts or starts[-1][1] != found:
            starts.append((ord(character), found))
    names = sorted({found for _, found in starts})
    print(HEADER % (", ".join(names), len(starts)), end="")
    line = "   "
    for code, found in starts:
        entry = f" (0x{code:x}, {found}),"
        if len(line) + len(entry) > 118:
            print(line)
            line = "   "
        line += entry
    print(line)
    print("];")


if __name__ == "__main__":
    main()
