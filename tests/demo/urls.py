"""The workbench's pages, with the demo's course on the first one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from workbench.urls import urlpatterns as workbench_urls

from progress_xblock import ProgressXBlock
from tests.demo import people
from tests.demo.course import scenarios

ProgressXBlock.workbench_scenarios = staticmethod(scenarios)


def course(request: HttpRequest) -> HttpResponse:
    """Show the demo's course, for the student that the URL names."""
    query = request.GET.copy()
    query.setdefault("student", next(iter(people.LEARNERS)))
    return redirect(f"/scenario/progress.0/?{query.urlencode()}")


urlpatterns = [path("", course, name="workbench_index"), *workbench_urls]
