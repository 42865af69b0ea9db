import os, sys


def add(a, b):
    return a + b


def sign(number: int) -> str:
    if number > 0:
        return 1
    return "minus"


def run(text):
    return eval(text)
