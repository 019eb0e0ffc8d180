"""The shop's web layer, in Flask. One route per kind of trouble; what each one must become is in `tests/python.rs`."""

import logging

import sentry_sdk
from flask import Flask, request

from . import pricing
from .telemetry import plant

app = Flask("shop")
log = logging.getLogger("shop.payments")


@app.before_request
def know_the_customer():
    user = request.headers.get("X-Customer")
    if user:
        sentry_sdk.set_user({"id": user, "username": f"name-{user}", "email": f"{user}@example.com"})
    sentry_sdk.set_tag("channel", request.args.get("channel", "web"))


@app.get("/orders/<int:order_id>")
def order(order_id):
    log.info("pricing order %s", order_id)
    sentry_sdk.add_breadcrumb(category="basket", message="basket opened", level="info", data={"lines": 2})
    return str(pricing.price_of(order_id, "gbp"))


@app.post("/catalogue")
def catalogue():
    return pricing.read_catalogue(request.get_data(as_text=True))


@app.get("/stock/<int:port>")
def stock(port):
    return pricing.ask_supplier(port).text


@app.get("/checkout")
def checkout():
    attempts = 3
    with sentry_sdk.new_scope() as scope:
        scope.set_tag("wallet", "apple_pay")
        scope.set_extra("attempts", attempts)
        scope.set_context("order", {"id": 88213, "total": "64.90 EUR"})
        try:
            pricing.rate_for({}, "eur")
        except KeyError as error:
            sentry_sdk.capture_exception(error)
    return "paid in another way"


@app.get("/notice")
def notice():
    sentry_sdk.capture_message("the stock of tea is low", level="warning")
    return "noted"


@app.get("/customers/<int:customer_id>")
def customer(customer_id):
    return pricing.find_customer(customer_id)


@app.get("/refusals/<int:payment_id>")
def refusal(payment_id):
    log.error("payment %s was refused after %d ms", payment_id, payment_id * 7)
    return "refused"


@app.get("/close")
def close():
    return pricing.close_day()


@app.route("/login", methods=["POST"])
def login():
    """Everything secret that an app may hold when it fails. Which of it leaves the process is the SDK's choice."""
    password = plant("local-password")
    settings = {"api_key": plant("local-nested-key"), "retries": 3, "db": {"passwd": plant("local-deep-passwd")}}
    note = f"sent with Bearer {plant('local-bearer')}"
    dsn = f"postgres://shop:{plant('local-url-password')}@db.internal:5432/shop"
    card = "4012 8888 8888 1881"
    sentry_sdk.add_breadcrumb(
        category="http",
        message=f"GET https://api.example.com/pay?access_token={plant('crumb-query')}",
        data={
            "authorization": f"Bearer {plant('crumb-bearer')}",
            "url": f"https://u:{plant('crumb-url')}@api.example.com/",
        },
    )
    crumb = f"connect postgres://shop:{plant('crumb-dsn')}@db.internal/shop"
    sentry_sdk.add_breadcrumb(category="db", message=crumb)
    sentry_sdk.set_extra("api_key", plant("extra-key"))
    deep = [{"client_secret": plant("extra-deep-secret")}]
    sentry_sdk.set_extra("config", {"deep": deep, "card": "4012888888881881"})
    sentry_sdk.set_context("payment", {"token": plant("context-token"), "card_number": 4012888888881881})
    sentry_sdk.set_tag("auth_token", plant("tag-token"))
    sentry_sdk.set_user({"id": "u-9", "password": plant("user-password")})
    log.error("login with password=%s was refused", plant("log-password"))
    sentry_sdk.capture_message(f"calling with Authorization: Bearer {plant('message-bearer')}")
    raise PermissionError(f"https://shop:{plant('value-url-password')}@auth.example.com/ said no to {card}")
