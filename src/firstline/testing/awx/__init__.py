"""A stand-in of AWX, for tests of what launches jobs there. Real HTTP, and no AWX: what it says is written from AWX's
own code (24.6: awx/api, awx/main/models; ansible/django-ansible-base for its filters).

    world = World(folder)
    world.templates.append(Template(1, "restart", run=lambda variables: ["sh", "-c", variables["program"]]))
    with serve(application(world)) as url: ...

A template's playbook is a program of this machine, whose lines are the job's events. It is strict where AWX is: what is
not prompted for is dropped and told (`ignored_fields`), surveys, filters (none on `extra_vars`), pages of 200.
"""

from firstline.testing.awx.app import application
from firstline.testing.awx.world import Job, Question, Template, World

__all__ = ["Job", "Question", "Template", "World", "application"]
