"""A Flask app that tells each story while it answers a request."""
import sys

import stories
from flask import Flask

stories.init()
app = Flask(__name__)


@app.get("/<story>")
def tell(story):
    stories.STORIES[story]()
    return "told"


app.test_client().get(f"/{sys.argv[1]}")
stories.end(sys.argv[1])
