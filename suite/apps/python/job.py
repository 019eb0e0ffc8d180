"""A plain script without a framework: `job.py KIND`.

`crash` ends by an exception nobody catches, `thread` has one in a thread, and `places` reports one error three times,
each time with another way to say where the frames are (module, relative file, absolute path), as SDKs of other
languages and versions do.
"""

import sys

import sentry_sdk

from shop import nightly, telemetry

PLACES = ["module", "filename", "abs_path"]


def crash():
    telemetry.start()
    sentry_sdk.set_tag("job", "nightly")
    print(nightly.average(512, 0))


def thread():
    telemetry.start()
    nightly.look_up_in_a_thread()


def places():
    for kept in PLACES:
        telemetry.start(before_send=lambda event, hint, kept=kept: with_places(event, kept))
        nightly.price_again(42)
        sentry_sdk.flush(timeout=20)


def with_places(event, kept):
    for exception in event["exception"]["values"]:
        for frame in exception["stacktrace"]["frames"]:
            for place in PLACES:
                if place != kept:
                    frame.pop(place, None)
    return event


{"crash": crash, "thread": thread, "places": places}[sys.argv[1]]()
