"""The night's work, without a web server around it."""

import threading

import sentry_sdk

from . import pricing


def average(total, people):
    return total / people


def look_up_in_a_thread():
    worker = threading.Thread(target=pricing.find_customer, args=(7,), name="worker-7")
    worker.start()
    worker.join()


def price_again(order_id):
    try:
        pricing.price_of(order_id, "gbp")
    except pricing.PriceError as error:
        sentry_sdk.capture_exception(error)
