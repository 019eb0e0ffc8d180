"""How the shop sets up its SDK: as the documentation says, but without the SDK's own scrubbing where a test asks so.

With `SHOP_SCRUB=off` everything personal is sent and nothing is filtered on this side, so what is missing on the
server's disk is missing because the server removed it.
"""

import os

import sentry_sdk
from sentry_sdk.scrubber import EventScrubber

PLANT = os.environ.get("PLANT", "plant")


def start(**options):
    if os.environ.get("SHOP_SCRUB") == "off":
        options["send_default_pii"] = True
        options["event_scrubber"] = EventScrubber(denylist=[], pii_denylist=[])
    sentry_sdk.init(
        dsn=os.environ["SENTRY_DSN"],
        release="shop@4.18.2",
        environment="staging",
        server_name="till-3",
        max_request_body_size="always",
        **options,
    )


def plant(place):
    """A secret that a test plants; it must be nowhere on the server's disk."""
    return f"{PLANT}-{place}"
