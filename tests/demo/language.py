"""The page's language: ``?lang=``, remembered; else the browser's."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


def language_from_query(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Put ``?lang=`` where Django's LocaleMiddleware looks for the visitor's choice."""

    def middleware(request: HttpRequest) -> HttpResponse:
        language = request.GET.get("lang")
        if language not in dict(settings.LANGUAGES):
            return get_response(request)
        request.COOKIES[settings.LANGUAGE_COOKIE_NAME] = language
        response = get_response(request)
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language)
        return response

    return middleware
