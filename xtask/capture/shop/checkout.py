"""From a cart to a paid order: stock, price, tax, payment, shipping."""

import decimal
import logging
from dataclasses import dataclass, field

import requests
import sentry_sdk

log = logging.getLogger("shop.checkout")

TAX_PERCENT = {"DE": 19, "AT": 20, "FR": 20, "PL": 23}


class OutOfStock(Exception):
    """There are fewer units than the cart asks for."""


class PaymentDeclined(Exception):
    """The bank said no."""


class PaymentUnavailable(Exception):
    """The gateway did not answer."""


class CartLimitExceeded(ValueError):
    """More units of one product than a household buys."""


@dataclass
class Cart:
    """What a customer is about to buy."""

    order: int
    country: str
    lines: dict = field(default_factory=dict)
    coupon: str | None = None

    def add(self, sku, units):
        """Puts units of a product into the cart."""
        if units > 50:
            raise CartLimitExceeded(f"{units} units of {sku} in order {self.order}, at most 50")
        self.lines[sku] = self.lines.get(sku, 0) + units


class Checkout:
    """The steps of a checkout, in their order."""

    def __init__(self, db, catalog, gateway_url):
        self.db = db
        self.catalog = catalog
        self.gateway_url = gateway_url

    def place(self, cart, card):
        """Reserves, prices and pays a cart; answers with the number of the order."""
        sentry_sdk.set_context("cart", {"order": cart.order, "lines": cart.lines, "coupon": cart.coupon})
        sentry_sdk.set_tag("checkout.step", "reserve")
        self.reserve(cart)
        sentry_sdk.set_tag("checkout.step", "price")
        total = self.total(cart)
        sentry_sdk.set_tag("checkout.step", "pay")
        receipt = self.pay(cart, total, card)
        log.info("order %d is paid with receipt %s", cart.order, receipt)
        return cart.order

    def reserve(self, cart):
        """Takes the units of a cart off the shelf."""
        for sku, units in cart.lines.items():
            product = self.catalog.product(sku)
            log.info("reserve %d of %s for order %d", units, sku, cart.order)
            self.take(product, units)

    def take(self, product, units):
        """Takes units of one product."""
        left = product["stock"] - units
        if left < 0:
            raise OutOfStock(f"{product['sku']}: {units} wanted, {product['stock']} in stock")
        return left

    def total(self, cart):
        """What the cart costs, in cents, with discount and tax."""
        net = sum(self.catalog.product(sku)["cents"] * units for sku, units in cart.lines.items())
        discounted = net - self.discount(net, cart.coupon)
        return self.with_tax(discounted, cart.country)

    def discount(self, net, code):
        """What a coupon takes off."""
        if code is None:
            return 0
        coupon = self.db.one("SELECT code, percent, minimum FROM coupon WHERE code = ?", code)
        percent = decimal.Decimal(coupon["percent"])
        return int(net / (100 / percent))

    def with_tax(self, net, country):
        """Adds the tax of a country."""
        percent = TAX_PERCENT[country]
        return net + net * percent // 100

    def pay(self, cart, cents, card):
        """Charges the card."""
        log.info("charge %d cents for order %d", cents, cart.order)
        reply = self.ask_gateway("charge", {"order": cart.order, "cents": cents, "token": card["token"]})
        if reply["state"] != "authorised":
            raise PaymentDeclined(f"order {cart.order}: {reply['reason']}")
        return reply["receipt"]

    def ask_gateway(self, action, body):
        """One call of the payment gateway."""
        try:
            response = requests.post(f"{self.gateway_url}/{action}", json=body, timeout=2)
        except requests.ConnectionError as unreachable:
            raise PaymentUnavailable(f"gateway did not answer for order {body['order']}") from unreachable
        return response.json()
