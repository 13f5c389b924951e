"""Runs functions of installed packages, each in a process of its own. What that process needs is imported here for each
run, so the executor is not: it is in `firstline.executors.python.executor`."""
