"""The stories of the matrix through raven, the client before the current SDK."""
import logging
import os
import sys
import time

import raven
from raven.transport.http import HTTPTransport

FLOOD_EVENTS = 500


class RateError(Exception):
    pass


class PriceError(Exception):
    pass


def rate_for(currency):
    raise RateError(f"no rate for {currency}")


def price_of(order):
    try:
        return rate_for("GBP")
    except RateError as error:
        raise PriceError(f"order {order} cannot be priced") from error


def handled(client):
    client.user_context({"id": "u-7", "email": "mia@example.com"})
    client.tags_context({"wallet": "apple_pay"})
    client.captureBreadcrumb(category="basket", message="basket opened", level="info")
    try:
        price_of(42)
    except PriceError:
        client.captureException()


def unhandled(client):
    raise RuntimeError("the basket fell over")


def oversize(client):
    # The client trims texts and lists; only a wide tree stays large.
    wide = {f"item-{number}": {f"part-{part}": "tea " * 64 for part in range(45)} for number in range(45)}
    client.captureMessage("the list is too long", extra={f"list-{number}": wide for number in range(9)})
    # The client holds back for a second after a refusal.
    time.sleep(1.5)
    client.captureMessage("after the long list")


def flood(client):
    for number in range(FLOOD_EVENTS):
        client.captureMessage(f"the stock of {('tea', 'cups')[number % 2]} is low")


logging.basicConfig(level=logging.DEBUG)
story = sys.argv[1]
# Each event in a request of its own, as a script that ends soon after wants it.
client = raven.Client(
    os.environ["SENTRY_DSN"],
    transport=HTTPTransport,
    release="matrix@1.0.0",
    environment="matrix",
    install_logging_hook=False,
)
{"handled": handled, "unhandled": unhandled, "oversize": oversize, "flood": flood}[story](client)
print(f"done {story}", flush=True)
