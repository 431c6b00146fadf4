#!/usr/bin/env python3
"""Prints the permutations that batches_test.cpp expects: python3 batches_reference.py

Implements MT19937-64 as published by T. Nishimura and M. Matsumoto (mt19937-64.c, 2004), checked against the 10000th draw
given in the C++ standard ([rand.predef]), and the shuffle of R. Durstenfeld (Algorithm 235, 1964).
"""
MASK = 2**64 - 1


def mt19937_64(seed):
    state = [seed]
    for i in range(1, 312):
        state.append((6364136223846793005 * (state[-1] ^ state[-1] >> 62) + i) & MASK)
    index = 312
    while True:
        if index == 312:
            for i in range(312):
                x = (state[i] & 0xFFFFFFFF80000000) | (state[(i + 1) % 312] & 0x7FFFFFFF)
                state[i] = state[(i + 156) % 312] ^ x >> 1 ^ (0xB5026F5AA96619E9 if x & 1 else 0)
            index = 0
        x = state[index]
        index += 1
        x ^= x >> 29 & 0x5555555555555555
        x ^= x << 17 & 0x71D67FFFEDA60000
        x ^= x << 37 & 0xFFF7EEE000000000
        x ^= x >> 43
        yield x & MASK


def permutation(n, draws):
    order = list(range(n))
    for left in range(n, 1, -1):
        draw = next(x for x in draws if x < MASK // left * left)
        order[left - 1], order[draw % left] = order[draw % left], order[left - 1]
    return order


draws = mt19937_64(5489)
for _ in range(9999):
    next(draws)
assert next(draws) == 9981545732273789042

draws = mt19937_64(42)
print(permutation(10, draws), permutation(10, draws))
