# Everything runs in .venv, which the first target that needs it makes. No key, no network but the package registry.
.PHONY: help setup demo test check style types slow browser board evals bench fuzz crash migration clean
.DEFAULT_GOAL := help

PYTHON := .venv/bin/python
PORT ?= 8321

help:
	@echo "make demo    a realistic sample, judged end to end, and the workbench"
	@echo "make test    the tests, in a few minutes"
	@echo "make check   all that CI runs: format, lint, layers, types, tests, scoreboard (with -j2: two at a time)"
	@echo "make evals   the whole scoreboard   make bench   the speed tables"
	@echo "make fuzz    100,000 hostile inputs   make crash   10,000 kills"

setup: .venv/ready

# uv when it is there, else venv and pip, with whatever python >= 3.11 is found; pinned versions, checked hashes.
.venv/ready: requirements.lock pyproject.toml
	@sh .ci/setup

demo: .venv/ready
	$(PYTHON) -m cli demo --port $(PORT)

test: .venv/ready
	$(PYTHON) -m pytest -q -m "not slow and not browser"

# The parts stand alone, so that two of them may run at once: the longest come first, the short ones fill the gaps.
check: style slow test board browser types

style: .venv/ready
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/lint-imports

types: .venv/ready
	.venv/bin/mypy agents tools memory detectors recon web evals server.py cli.py

# Each part remembers its failures in a folder of its own.
slow: .venv/ready
	$(PYTHON) -m pytest -q -m "slow and not browser" -o cache_dir=.pytest_cache/slow

# A page under a real browser has its own timing: what failed once is asked once more, by itself.
browser: .venv/ready
	$(PYTHON) -m pytest -q -m browser -o cache_dir=.pytest_cache/browser || \
	$(PYTHON) -m pytest -q -m browser -o cache_dir=.pytest_cache/browser --lf

# It takes every processor, and gives way to a part that runs beside it and is timed.
board: .venv/ready
	nice -n 5 $(PYTHON) -m cli eval --quick

evals: .venv/ready
	$(PYTHON) -m cli eval

bench: .venv/ready .venv/bench
	$(PYTHON) -m evals.bench
	$(PYTHON) -m evals.bench_web

# Peers to run beside; only the benches and the full scoreboard want them.
.venv/bench: .venv/ready
	@sh .ci/setup bench

fuzz: .venv/ready
	$(PYTHON) -m evals.fuzz --cases 100000 --desk 5000 --runs 2000

crash: .venv/ready
	$(PYTHON) -m tests.acting.crash --trials 10000

# The file of a changed schema: `make migration NAME=who_closed_it`, then read it.
migration: .venv/ready
	$(PYTHON) -m memory.migrations.write $(NAME)

clean:
	rm -rf .venv .tieout .pytest_cache .mypy_cache .ruff_cache
