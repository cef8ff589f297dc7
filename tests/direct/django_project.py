"""The Django site with what it needs around it: settings, users, and ways to sign in and out."""

from __future__ import annotations

import os

from django.contrib.auth import get_user_model, login, logout
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = __name__
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.db"}}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tests.direct.django_site.learner_middleware",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def sign_in(request: HttpRequest, user_id: int) -> HttpResponse:
    user, _ = get_user_model().objects.get_or_create(pk=user_id, username=str(user_id))
    login(request, user)
    return HttpResponse()


def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse()


urlpatterns = [
    path("", include("tests.direct.django_site")),
    path("sign-in/<int:user_id>", sign_in),
    path("sign-out", sign_out),
]
