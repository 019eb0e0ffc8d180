"""The routes of the shop."""

import json
import logging

import sentry_sdk
from flask import Flask, current_app, g, jsonify, render_template, request

from shop.catalog import Catalog, Recommender
from shop.checkout import Cart, Checkout
from shop.db import Database
from shop.orders import Orders
from shop.web import in_transaction, limited, localised, measured, remembered, signed_in

log = logging.getLogger("shop.routes")


def create_app(gateway_url):
    """The application with its services."""
    app = Flask("shop")
    app.db = Database()
    app.catalog = Catalog(app.db)
    app.checkout = Checkout(app.db, app.catalog, gateway_url)
    app.orders = Orders(app.db, b"partner key of the demo")
    app.recommender = Recommender(app.catalog, {"KET-1041": 1.0, "PAN-3307": 0.6, "JAR-5520": 0.8, "TEA-4102": 0.2})
    for rule, view, methods in ROUTES:
        wrapped = measured(signed_in(limited(localised(remembered(in_transaction(view))))))
        app.add_url_rule(rule, view_func=wrapped, methods=methods)

    @app.before_request
    def note_request():
        sentry_sdk.set_tag("route", str(request.url_rule))
        sentry_sdk.set_tag("locale", request.accept_languages.best or "en")
        storefront = {"theme": "linen", "build": 4127, "experiment": "checkout-b", "ab": "control"}
        sentry_sdk.set_context("storefront", storefront)
        log.info("%s %s", request.method, request.path)
        cookie = request.cookies.get("consent")
        log.info("consent is %s, request %s", cookie, request.headers["X-Request-Id"])
        stocked = app.db.one("SELECT COUNT(*) AS products, SUM(stock) AS units FROM product WHERE stock > ?", 0)
        sentry_sdk.add_breadcrumb(
            category="warehouse",
            message="stock is known",
            data={"products": stocked["products"], "units": stocked["units"], "warehouse": "rotterdam-2"},
        )

    return app


def product(sku):
    """A product's page."""
    return jsonify(current_app.catalog.product(sku))


def search():
    """The search page."""
    found = current_app.catalog.search(request.args["q"], request.args["sort"], request.args["page"])
    return jsonify([dict(row) for row in found])


def recommend(sku):
    """What else one might like."""
    return jsonify(current_app.recommender.similar(sku, int(request.args["count"])))


def labels():
    """Labels for parcels."""
    return jsonify(current_app.catalog.labels(request.args.getlist("sku")))


def sales():
    """The report of the month."""
    return jsonify([dict(row) for row in current_app.catalog.sales(request.args["since"])])


def checkout(number):
    """Buys what the body of the request lists."""
    body = request.get_json()
    cart = Cart(number, body.get("country", g.customer["country"]), coupon=body.get("coupon"))
    for line in body["lines"]:
        cart.add(line["sku"], line["units"])
    return jsonify({"order": current_app.checkout.place(cart, body["card"])})


def order(number):
    """An order's page."""
    return jsonify(dict(current_app.orders.of_customer(g.customer, number)))


def invoice(number):
    """An order's invoice."""
    found = current_app.orders.of_customer(g.customer, number)
    return render_template("invoice.html", order=found, customer=g.customer, lines=json.loads(found["lines"]))


def refund(number):
    """Gives money back."""
    return jsonify(current_app.orders.refund(g.customer, number, request.get_json()["cents"]))


def postage(number):
    """What sending costs."""
    return jsonify({"cents": current_app.orders.postage(g.customer, number)})


def address():
    """The street of the customer."""
    return jsonify({"street": current_app.orders.street(g.customer)})


def note(number):
    """The scanned delivery note."""
    return current_app.orders.attachment(number)


def advance(number):
    """The warehouse moves an order on."""
    return jsonify({"state": current_app.orders.advance(number, request.get_json()["state"])})


def partner(number):
    """A partner's message about an order."""
    return jsonify(current_app.orders.message(request.get_data(), request.headers["X-Signature"]))


ROUTES = [
    ("/product/<sku>", product, ["GET"]),
    ("/search", search, ["GET"]),
    ("/product/<sku>/similar", recommend, ["GET"]),
    ("/labels", labels, ["GET"]),
    ("/report/sales", sales, ["GET"]),
    ("/checkout/<int:number>", checkout, ["POST"]),
    ("/order/<int:number>", order, ["GET"]),
    ("/order/<int:number>/invoice", invoice, ["GET"]),
    ("/order/<int:number>/refund", refund, ["POST"]),
    ("/order/<int:number>/postage", postage, ["GET"]),
    ("/account/street", address, ["GET"]),
    ("/order/<int:number>/note", note, ["GET"]),
    ("/order/<int:number>/state", advance, ["POST"]),
    ("/partner/<int:number>", partner, ["POST"]),
]
