#!/bin/sh
# A reward as a program of its own, in POSIX sh and awk: the length of a caption, min(words, 10) / 10.
#
# Reads one request a line from the standard input, writes one answer a line to the standard output, and ends when the
# input ends. The protocol is described in README.md beside this file.
#
# Limits, because sh and awk know no JSON:
# - it looks only at "text", and does not decode escapes: \" and \u00e9 count as letters of their word;
# - it does not check "version";
# - the shell reads a byte at a time and awk is started for every request, so it suits requests of up to about a
#   megabyte; reward_command.py is the better start for anything serious.
# The loop is in the shell because some awks (mawk) wait for a full buffer of input before they look at a line.

LC_ALL=C
export LC_ALL

while IFS= read -r request; do
    printf '%s\n' "$request" | awk '
        {
            # Take one JSON string after the other; one with a colon after it is a key.
            rest = $0
            answer = ""
            while (match(rest, /"([^"\\]|\\.)*"/)) {
                string = substr(rest, RSTART + 1, RLENGTH - 2)
                rest = substr(rest, RSTART + RLENGTH)
                if (rest ~ /^[ \t]*:/) {
                    key = string
                } else {
                    if (key == "text") {
                        count = split(string, words)
                        score = (count < 10 ? count : 10) / 10
                        answer = answer (answer == "" ? "" : ",") score
                    }
                    key = ""
                }
            }
            print "{\"scores\":[" answer "]}"
        }
    '
done
