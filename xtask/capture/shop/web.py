"""What surrounds every view: who is signed in, how often they ask, how long it took, whether the work is kept."""

import collections
import functools
import logging
import time

import sentry_sdk
from flask import current_app, g, request

CURRENCIES = {"DE": "EUR", "AT": "EUR", "FR": "EUR", "PL": "PLN"}

log = logging.getLogger("shop.web")


def measured(view):
    """Logs how long a view took, also when it fails."""

    @functools.wraps(view)
    def timed(*args, **kwargs):
        started = time.perf_counter()
        try:
            return view(*args, **kwargs)
        finally:
            elapsed_ms = (time.perf_counter() - started) * 1000
            log.debug("%s %s took %.1f ms", request.method, request.path, elapsed_ms)

    return timed


def signed_in(view):
    """Finds the customer of the session and tells the tracker who it is."""

    @functools.wraps(view)
    def for_customer(*args, **kwargs):
        number = int(request.headers["X-Customer"])
        db = current_app.db
        g.customer = db.one("SELECT id, email, country, plan, address FROM customer WHERE id = ?", number)
        sentry_sdk.set_user(
            {"id": str(number), "email": g.customer["email"], "ip_address": request.remote_addr}
        )
        sentry_sdk.set_tag("country", g.customer["country"])
        sentry_sdk.set_tag("plan", g.customer["plan"])
        log.info("customer %d is signed in", number)
        return view(*args, **kwargs)

    return for_customer


def limited(view, per_minute=120):
    """Refuses a customer who asks more often than people do."""
    asked = collections.defaultdict(collections.deque)

    @functools.wraps(view)
    def within_limit(*args, **kwargs):
        now = time.monotonic()
        recent = asked[g.customer["id"]]
        while recent and recent[0] < now - 60:
            recent.popleft()
        if len(recent) >= per_minute:
            return "too many requests", 429
        recent.append(now)
        log.info("request %d of %d in this minute", len(recent), per_minute)
        return view(*args, **kwargs)

    return within_limit


def localised(view):
    """Chooses currency and texts by country and language."""

    @functools.wraps(view)
    def in_language(*args, **kwargs):
        language = request.accept_languages.best_match(["de", "fr", "pl", "en"], default="en")
        currency = CURRENCIES.get(g.customer["country"], "EUR")
        sentry_sdk.set_context("locale", {"language": language, "currency": currency, "timezone": "Europe/Berlin"})
        log.info("speaks %s, pays in %s", language, currency)
        return view(*args, **kwargs)

    return in_language


def remembered(view):
    """Answers a repeated request, by its id, as the first time."""
    answers = {}

    @functools.wraps(view)
    def once(*args, **kwargs):
        key = request.headers["X-Request-Id"]
        if key in answers:
            sentry_sdk.add_breadcrumb(category="cache", message="answered from memory", data={"key": key})
            return answers[key]
        sentry_sdk.add_breadcrumb(category="cache", message="not seen before", data={"key": key, "size": len(answers)})
        answers[key] = view(*args, **kwargs)
        return answers[key]

    return once


def in_transaction(view):
    """Commits when the view returns and rolls back when it raises."""

    @functools.wraps(view)
    def transact(*args, **kwargs):
        connection = current_app.db.connection
        try:
            answer = view(*args, **kwargs)
        except Exception:
            connection.rollback()
            log.info("transaction rolled back")
            raise
        connection.commit()
        return answer

    return transact
