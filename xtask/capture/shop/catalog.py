"""Products: finding, showing and exporting them."""

import logging

log = logging.getLogger("shop.catalog")

SORTS = {"price": "cents", "name": "title", "weight": "grams"}


class Catalog:
    """Reads over the product table."""

    def __init__(self, db):
        self.db = db

    def product(self, sku):
        """The product with this SKU."""
        row = self.db.one("SELECT sku, title, cents, stock, grams FROM product WHERE sku = ?", sku)
        return dict(row)

    def search(self, text, sort, page):
        """One page of the products whose title contains `text`."""
        log.info("search for %r, page %s", text, page)
        column = self.sort_column(sort)
        offset = self.offset(page)
        pattern = f"%{text}%"
        return self.db.rows(
            f"SELECT sku, title, cents FROM product WHERE title LIKE ? ORDER BY {column} LIMIT 20 OFFSET ?",
            pattern,
            offset,
        )

    def sort_column(self, sort):
        """The column behind a sort key of the address."""
        key, _, direction = sort.partition("-")
        return f"{SORTS[key]} {direction or 'asc'}"

    def offset(self, page, size=20):
        """Where a page starts."""
        number = int(page)
        if number < 1:
            raise IndexError(f"page {number} is before the first")
        return (number - 1) * size

    def labels(self, skus):
        """The texts to print on parcels."""
        labels = {}
        for sku in skus:
            raw = self.db.one("SELECT label FROM product WHERE sku = ?", sku)["label"]
            labels[sku] = self.label(raw)
        return labels

    def label(self, raw):
        """A label as text; the warehouse writes UTF-8."""
        text = raw.decode("utf-8")
        return text.upper()[:40]

    def sales(self, since):
        """Units sold per product."""
        return self.db.rows(
            "SELECT sku, SUM(units) AS units FROM sale WHERE sold_at >= ? GROUP BY sku ORDER BY units DESC", since
        )


class Recommender:
    """What others bought."""

    def __init__(self, catalog, weights):
        self.catalog = catalog
        self.weights = weights

    def similar(self, sku, count):
        """The `count` products nearest to this one."""
        product = self.catalog.product(sku)
        ranked = sorted(self.weights, key=lambda other: self.distance(product, other))
        return [ranked[place] for place in range(count)]

    def distance(self, product, other):
        """How far two products are from each other."""
        candidate = self.catalog.product(other)
        heavier = max(product["grams"], candidate["grams"])
        return abs(product["cents"] - candidate["cents"]) * self.weights[other] / heavier
