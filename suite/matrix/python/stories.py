"""The stories of the matrix as every Python program tells them; `suite/src/matrix/mod.rs` says what they are."""
import os

import sentry_sdk

RELEASE = "matrix@1.0.0"
FLOOD_EVENTS = 500
# The SDK's queue holds 100 events; a program that reports more at once waits for it.
FLOOD_AT_ONCE = 50


class RateError(Exception):
    pass


class PriceError(Exception):
    pass


def init(**options):
    sentry_sdk.init(
        dsn=os.environ["SENTRY_DSN"], release=RELEASE, environment="matrix", debug=True, send_default_pii=True, **options
    )


def rate_for(currency):
    raise RateError(f"no rate for {currency}")


def price_of(order):
    try:
        return rate_for("GBP")
    except RateError as error:
        raise PriceError(f"order {order} cannot be priced") from error


def handled():
    sentry_sdk.set_user({"id": "u-7", "email": "mia@example.com"})
    sentry_sdk.set_tag("wallet", "apple_pay")
    sentry_sdk.add_breadcrumb(category="basket", message="basket opened", level="info")
    try:
        price_of(42)
    except PriceError as error:
        sentry_sdk.capture_exception(error)


def unhandled():
    raise RuntimeError("the basket fell over")


def group():
    try:
        raise ExceptionGroup("two deliveries failed", [TimeoutError("tea is late"), ValueError("the cup is broken")])
    except ExceptionGroup as error:
        sentry_sdk.capture_exception(error)


def attachment():
    with sentry_sdk.new_scope() as scope:
        scope.add_attachment(bytes=b"two cups of tea", filename="receipt.txt", content_type="text/plain")
        sentry_sdk.capture_message("the till printed nonsense", level="warning")


def session():
    sentry_sdk.get_isolation_scope().start_session(session_mode="application")
    sentry_sdk.get_isolation_scope().end_session()


def oversize():
    with sentry_sdk.new_scope() as scope:
        for number in range(3000):
            scope.set_tag(f"item-{number}", f"{number} " + "tea " * 45)
        scope.set_extra("list", ["tea " * 256 for _ in range(3000)])
        scope.set_context("list", {f"item-{number}": "tea " * 256 for number in range(3000)})
        sentry_sdk.capture_message("the list is too long")
    sentry_sdk.flush(20)
    sentry_sdk.capture_message("after the long list")


def flood():
    for number in range(FLOOD_EVENTS):
        sentry_sdk.capture_message(f"the stock of {('tea', 'cups')[number % 2]} is low")
        if number % FLOOD_AT_ONCE == FLOOD_AT_ONCE - 1:
            sentry_sdk.flush(20)


def checkin():
    from sentry_sdk.crons import monitor

    @monitor(monitor_slug="nightly-close", monitor_config={"schedule": {"type": "crontab", "value": "0 3 * * *"}})
    def close_day():
        pass

    close_day()


STORIES = {
    story.__name__: story
    for story in (handled, unhandled, group, attachment, session, oversize, flood, checkin)
}


def end(story):
    sentry_sdk.flush(20)
    print(f"done {story}", flush=True)
