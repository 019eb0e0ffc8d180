"""Visits to the shop, each of which ends in an error: what `capture.py` plays, once per envelope."""

import json

COUNTRIES = ["DE", "AT", "FR", "PL"]
PLANS = ["guest", "member", "trade"]
LOCALES = ["de-DE", "fr-FR", "pl-PL", "en-GB"]
AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
]


def get(path):
    """A visit by GET."""
    return {"method": "GET", "path": path}


def post(path, **body):
    """A visit by POST with a JSON body."""
    return {"method": "POST", "path": path, "json": body}


def buy(number, sku="KET-1041", units=1, **more):
    """A checkout of one product beside two that are there."""
    lines = [{"sku": "JAR-5520", "units": 2}, {"sku": sku, "units": units}, {"sku": "PAN-3307", "units": 1}]
    return post(f"/checkout/{number}", **{"card": {"token": "tok_fine"}, "lines": lines, **more})


# One entry per place in the code that raises; `n` is the number of an order.
FAILURES = [
    lambda n: get(f"/product/MUG-{n}"),
    lambda n: get(f"/search?q=tea&sort=rating-desc&page={n % 7 + 1}"),
    lambda n: get(f"/search?q=pan&sort=price-asc&page=p{n}"),
    lambda n: get("/search?q=jar&sort=name-asc&page=0"),
    lambda n: get(f"/product/PAN-3307/similar?count={5 + n % 4}"),
    lambda n: get("/product/TEA-4102/similar?count=3"),
    lambda n: get("/labels?sku=KET-1041&sku=PAN-3307&sku=TEA-4102"),
    lambda n: get(f"/report/sales?since=2026-{n % 12 + 1:02}-01"),
    lambda n: buy(n, units=51 + n % 40),
    lambda n: buy(n, sku="CUP-2210", units=1 + n % 9),
    lambda n: buy(n, coupon="WELCOME"),
    lambda n: buy(n, coupon="STAFF"),
    lambda n: buy(n, coupon=f"GIFT{n}"),
    lambda n: buy(n, country="CH"),
    lambda n: buy(n, card={"token": "tok_declined"}),
    lambda n: buy(n, card={"token": "tok_silence"}),
    lambda n: buy(n, card={"token": "tok_markup"}),
    lambda n: buy(n, card={"brand": "visa", "last": "4242"}),
    lambda n: get(f"/order/{n + 1}"),
    lambda n: get(f"/order/{n}/invoice"),
    lambda n: post(f"/order/{n}/refund", cents=1000 + n % 900),
    lambda n: get(f"/order/{n}/postage"),
    lambda n: get("/account/street"),
    lambda n: get(f"/order/{n}/note"),
    lambda n: post(f"/order/{n}/state", state="returned"),
    lambda n: post(f"/partner/{n}", state="delivered", parcel=f"RR{n}DE"),
]


def play(app, serial):
    """The visit with this number, by a customer of its own."""
    customer, number = 20_000 + serial * 7919 % 70_000, 100_000 + serial * 104_729 % 800_000
    add_rows(app.db, customer, number, serial)
    visit = FAILURES[serial % len(FAILURES)](number)
    headers = {
        "X-Customer": str(customer),
        "X-Request-Id": f"{(serial + 1) * 2654435761 % 2**32:08x}",
        "X-Signature": f"{(serial + 1) * 40503 % 2**32:064x}",
        "User-Agent": AGENTS[serial % len(AGENTS)],
        "Accept": "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8",
        "Accept-Language": LOCALES[serial % len(LOCALES)],
        "Referer": "https://shop.example/product/KET-1041",
        "Cookie": f"session={(serial + 1) * 2654435761 % 2**64:016x}; consent=1",
    }
    answer = app.test_client(use_cookies=False).open(
        visit["path"],
        method=visit["method"],
        json=visit.get("json"),
        headers=headers,
        base_url="https://shop.example",
        environ_overrides={"REMOTE_ADDR": f"203.0.113.{serial * 37 % 250 + 1}"},
    )
    assert answer.status_code == 500, f"{visit} answered {answer.status}"


def add_rows(db, customer, number, serial):
    """The customer and two orders: one of theirs, which has cost nothing yet, and one of somebody else."""
    lines = [
        {"sku": "KET-1041", "units": 1, "cents": 4900, "price": {"gross": 4900}},
        {"sku": "TEA-4102", "units": 3, "cents": 2670},
    ]
    db.connection.execute(
        "INSERT INTO customer VALUES (?,?,?,?,?)",
        (
            customer,
            f"customer{customer}@mail.example",
            COUNTRIES[serial % len(COUNTRIES)],
            PLANS[serial % len(PLANS)],
            f"{serial} Harbour Street",
        ),
    )
    for order, owner in [(number, customer), (number + 1, customer + 1)]:
        db.connection.execute(
            "INSERT OR REPLACE INTO orders VALUES (?,?,?,?,?,?)", (order, owner, 0, "placed", None, json.dumps(lines))
        )
    db.connection.commit()
