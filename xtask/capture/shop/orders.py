"""What happens after the purchase: invoices, refunds, shipping, returns, messages from partners."""

import hashlib
import hmac
import json
import logging
import pathlib

log = logging.getLogger("shop.orders")

SPOOL = pathlib.Path("/srv/shop/spool")


class NotYourOrder(PermissionError):
    """The order belongs to somebody else."""


class SignatureMismatch(Exception):
    """A partner's message does not carry our secret."""


class AddressUnknown(Exception):
    """The address service could not read an address."""


class Orders:
    """Orders of the past."""

    def __init__(self, db, partner_key):
        self.db = db
        self.partner_key = partner_key

    def of_customer(self, customer, number):
        """An order, if it is this customer's."""
        order = self.db.one("SELECT id, customer, cents, state, coupon, lines FROM orders WHERE id = ?", number)
        if order["customer"] != customer["id"]:
            raise NotYourOrder(f"order {number} belongs to another customer")
        return order

    def refund(self, customer, number, cents):
        """Gives a part of the money back."""
        order = self.of_customer(customer, number)
        share = self.share(cents, order["cents"])
        log.info("refund %.2f of order %d", share, number)
        return self.split(order, share)

    def share(self, cents, paid):
        """Which part of what was paid comes back."""
        return cents / paid

    def split(self, order, share):
        """What comes back per line."""
        lines = json.loads(order["lines"])
        return {line["sku"]: round(line["cents"] * share) for line in lines}

    def postage(self, customer, number):
        """What sending an order costs, in cents."""
        order = self.of_customer(customer, number)
        grams = sum(self.grams(line) for line in json.loads(order["lines"]))
        return 390 + grams // 10

    def grams(self, line):
        """What a line weighs."""
        product = self.db.one("SELECT grams FROM product WHERE sku = ?", line["sku"])
        return product["grams"] * line["units"]

    def street(self, customer):
        """The street of a customer, for the label."""
        try:
            parsed = json.loads(customer["address"])
        except json.JSONDecodeError as broken:
            raise AddressUnknown(f"address of customer {customer['id']}") from broken
        return parsed["street"]

    def attachment(self, number):
        """The delivery note that the warehouse scanned."""
        path = SPOOL / f"note-{number}.pdf"
        log.info("read delivery note of order %d", number)
        return path.read_bytes()

    def advance(self, number, state):
        """Moves an order to its next state."""
        order = self.db.one("SELECT id, state FROM orders WHERE id = ?", number)
        order_of = ["placed", "paid", "packed", "sent", "returned"]
        step = order_of.index(state) - order_of.index(order["state"])
        assert step == 1, f"order {number} cannot go from {order['state']} to {state}"
        return state

    def message(self, body, signature):
        """What a partner tells us about an order."""
        expected = hmac.new(self.partner_key, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, signature):
            raise SignatureMismatch(f"{len(body)} bytes with signature {signature[:8]}")
        return json.loads(body)
