"""How a local process is begun, supervised and found again, apart from the hub.

Three processes stand between the hub and a command, so that each may die alone:

    hub ── launcher ── supervisor ── command
           one a hub   one a run     own session

The **launcher** only forks; it ends with the hub. The **supervisor** lives as long as its run, keeps the output, ends
the run when its time is up, and records the end; neither the hub's nor the launcher's death touches it. All they share
with whoever looks is the run's directory (`run_directory`): `look` reads it, `cancel` ends the run by it.

All of it imports the standard library alone, and little of that: the launcher is forked for each run. All but the
launcher is for Python 3.8 on, since it runs on other hosts too. They need Linux:
/proc, and `prctl` to inherit the daemons that a command leaves behind.
"""
