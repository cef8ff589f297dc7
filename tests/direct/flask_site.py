# A site on Flask. The configuration (PROGRESS_BRIDGE_CONFIG) has a section `tokens`: its keys sign.
import os

from flask import Flask, abort, g, redirect, request, session

from bridge import Bridge, Settings
from bridge.origins.direct import Guests, account

settings = Settings.load()
bridge, guests = Bridge.from_settings(settings), Guests.from_settings(settings)
app = Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]


@app.before_request
def who_is_it():
    g.guest = guests.guest(request.cookies.get(guests.cookie_name))
    g.learner = g.guest.identity
    if "user_id" in session:  # the site's own way of signing in put it there
        g.learner = account("https://www.example.org", session["user_id"])


@app.after_request
def remember(response):
    if g.guest.new and request.method == "POST":  # who only reads gets no cookie
        response.set_cookie(**guests.cookie(g.guest))
    return response


@app.post("/grains/<grain>")
def complete(grain):
    bridge.record(g.learner.origin, g.learner.external_user_id, grain, module_id="plants")
    return "", 204


@app.get("/progress")
def progress():
    return [row.grain_id for row in bridge.progress(g.learner.origin, g.learner.external_user_id)]


@app.post("/claim")  # a button that says: what was done here before I signed in was done by me
def claim():
    if "user_id" not in session:
        abort(401)
    g.guest = guests.claim(bridge, g.guest.proof, g.learner)
    return redirect("/progress")


@app.post("/sign-out")
def sign_out():
    session.clear()
    g.guest = guests.new()  # whoever comes next to this computer is somebody else
    return redirect("/progress")
