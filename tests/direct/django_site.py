# A site on Django: a middleware, three views and a signal, in an application of yours.
from django.contrib.auth.decorators import login_required
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.http import require_POST

from bridge import Bridge, Settings
from bridge.origins.direct import Guests, account

settings = Settings.load()
bridge, guests = Bridge.from_settings(settings), Guests.from_settings(settings)


def learner_middleware(get_response):  # in MIDDLEWARE, after AuthenticationMiddleware
    def middleware(request):
        request.guest = guests.guest(request.COOKIES.get(guests.cookie_name))
        request.learner = request.guest.identity
        if request.user.is_authenticated:
            request.learner = account("https://www.example.org", request.user.pk)
        response = get_response(request)
        if request.guest.new and request.method == "POST":  # who only reads gets no cookie
            response.set_cookie(**guests.cookie(request.guest))
        return response

    return middleware


@require_POST
def complete(request, grain):
    who = request.learner
    bridge.record(who.origin, who.external_user_id, grain, module_id="plants")
    return HttpResponse(status=204)


def progress(request):
    rows = bridge.progress(request.learner.origin, request.learner.external_user_id)
    return JsonResponse([row.grain_id for row in rows], safe=False)


@require_POST
@login_required
def claim(request):  # a button that says: what was done here before I signed in was done by me
    request.guest = guests.claim(bridge, request.guest.proof, request.learner)
    return redirect(progress)


@receiver(user_logged_out)
def forget_the_guest(request, **_):
    request.guest = guests.new()  # whoever comes next to this computer is somebody else


urlpatterns = [
    path("grains/<str:grain>", complete),
    path("progress", progress),
    path("claim", claim),
]
