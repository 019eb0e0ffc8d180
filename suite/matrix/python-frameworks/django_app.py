"""A Django app in one file that tells each story while it answers a request."""
import sys

import django
import stories
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import path

stories.init()
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="of no worth")
django.setup()


def tell(request, story):
    stories.STORIES[story]()
    return HttpResponse("told")


urlpatterns = [path("<str:story>", tell)]

Client(raise_request_exception=False).get(f"/{sys.argv[1]}")
stories.end(sys.argv[1])
