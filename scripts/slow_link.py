#!/usr/bin/env python3
"""Joins two network namespaces by a link with a delay and a rate, which not every kernel has of its own (`tc netem`).

    scripts/slow_link.py NAMESPACE NAMESPACE DELAY_MS MBIT

Makes a device `slow` in each, which is there as long as this program runs: as root on Linux, with Python's standard library.
"""

import collections
import ctypes
import fcntl
import os
import select
import struct
import sys
import time

# linux/if_tun.h: packets without a header of their own.
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
# What waits longer than this for its turn is lost, as on a real link.
MOST_WAITED = 0.05


def device(namespace):
    with open(f"/run/netns/{namespace}") as file:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
    # It belongs to the namespace in which it was opened.
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"slow", IFF_TUN | IFF_NO_PI))
    return tun


def main():
    ends = [device(namespace) for namespace in sys.argv[1:3]]
    delay, rate = float(sys.argv[3]) / 1e3, float(sys.argv[4]) * 1e6 / 8
    other = dict(zip(ends, reversed(ends)))
    # Of each direction, packets with the time at which they arrive, and when the last of them has left.
    coming = {end: collections.deque() for end in ends}
    left = dict.fromkeys(ends, 0.0)
    while True:
        due = [packets[0][0] for packets in coming.values() if packets]
        wait = max(0.0, min(due) - time.monotonic()) if due else None
        readable, _, _ = select.select(ends, [], [], wait)
        for end in readable:
            try:
                packet = os.read(end, 1 << 16)
            except OSError:  # the device is down
                continue
            now = time.monotonic()
            leaves = max(now, left[end]) + len(packet) / rate
            if leaves <= now + MOST_WAITED:
                left[end] = leaves
                coming[other[end]].append((leaves + delay, packet))
        for end, packets in coming.items():
            while packets and packets[0][0] <= time.monotonic():
                try:
                    os.write(end, packets.popleft()[1])
                except OSError:  # the device is down: the packet is lost
                    pass


if __name__ == "__main__":
    main()
