"""A Celery worker that tells each story in a task, over a broker in memory."""
import sys

import stories
from celery import Celery
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.starlette import StarletteIntegration

# The other frameworks lie beside it and are not used.
stories.init(disabled_integrations=[DjangoIntegration(), FastApiIntegration(), StarletteIntegration()])
# Not before, as with the command `celery worker`: the SDK must have changed how tasks are run.
from celery.contrib.testing.worker import start_worker  # noqa: E402

app = Celery("matrix", broker="memory://", backend="cache+memory://")
app.conf.worker_hijack_root_logger = False


@app.task
def tell(story):
    stories.STORIES[story]()


with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=20):
    tell.delay(sys.argv[1]).get(timeout=100, propagate=False)
stories.end(sys.argv[1])
