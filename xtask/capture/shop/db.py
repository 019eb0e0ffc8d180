"""The shop's rows, in an SQLite database in memory. Every query leaves a breadcrumb, as an ORM's would."""

import sqlite3

import sentry_sdk

SCHEMA = """
CREATE TABLE product (sku TEXT PRIMARY KEY, title TEXT, cents INTEGER, stock INTEGER, grams INTEGER, label BLOB);
CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, country TEXT, plan TEXT, address TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, cents INTEGER, state TEXT, coupon TEXT, lines TEXT);
CREATE TABLE coupon (code TEXT PRIMARY KEY, percent TEXT, minimum INTEGER);
"""

PRODUCTS = [
    ("KET-1041", "Kettle, enamel, 1.2 l", 4900, 12, 1450, "Wasserkessel für Gas".encode()),
    ("CUP-2210", "Cup, stoneware", 1250, 0, 310, "Tasse, Steingut".encode("latin-1")),
    ("PAN-3307", "Pan, carbon steel, 28 cm", 6800, 3, 1900, "Stahlpfanne".encode()),
    ("TEA-4102", "Green tea, 100 g", 890, 240, None, "Grüner Tee".encode("latin-1")),
    ("JAR-5520", "Storage jar, 1 l", 1490, 31, 640, "Vorratsglas".encode()),
]


class Database:
    """One connection; the shop serves one request at a time."""

    def __init__(self):
        self.connection = sqlite3.connect(":memory:", check_same_thread=False)
        self.connection.row_factory = sqlite3.Row
        self.connection.executescript(SCHEMA)
        self.connection.executemany("INSERT INTO product VALUES (?,?,?,?,?,?)", PRODUCTS)
        self.connection.executemany(
            "INSERT INTO coupon VALUES (?,?,?)",
            [("SPRING", "15", 2000), ("STAFF", "0", 0), ("WELCOME", "ten", 0)],
        )

    def rows(self, statement, *values):
        """All rows of a query."""
        sentry_sdk.add_breadcrumb(category="query", message=statement, data={"db.system": "sqlite"})
        return self.connection.execute(statement, values).fetchall()

    def one(self, statement, *values):
        """The first row of a query, or None."""
        found = self.rows(statement, *values)
        return found[0] if found else None
