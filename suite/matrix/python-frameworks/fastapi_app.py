"""A FastAPI app that tells each story while it answers a request."""
import sys

import stories
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sentry_sdk.integrations.django import DjangoIntegration

# Django lies beside it and is not used.
stories.init(disabled_integrations=[DjangoIntegration()])
app = FastAPI()


@app.get("/{story}")
def tell(story: str):
    stories.STORIES[story]()
    return "told"


TestClient(app, raise_server_exceptions=False).get(f"/{sys.argv[1]}")
stories.end(sys.argv[1])
