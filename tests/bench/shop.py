"""What the generated telemetry is about: a shop of 8 services with 50 operations."""

import random
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

OPERATIONS: Final = {
    "frontend": (
        *("GET /", "GET /product/{id}", "GET /cart", "POST /cart", "POST /cart/checkout"),
        *("GET /search", "GET /recommendations", "GET /static/{file}"),
    ),
    "cart": (
        *("GET /carts/{user}", "POST /carts/{user}/items", "DELETE /carts/{user}"),
        *("HGET cart", "HMSET cart", "EXPIRE cart"),
    ),
    "checkout": (
        *("POST /orders", "GET /orders/{id}", "prepare order", "INSERT orders", "SELECT orders"),
        *("publish order-placed", "POST payment:8080/charge"),
    ),
    "payment": (
        *("POST /charge", "POST /refund", "validate card", "INSERT payments"),
        *("POST api.bank.example/v2/charges", "UPDATE payments"),
    ),
    "catalog": (
        *("GET /products", "GET /products/{id}", "GET /products/search", "SELECT products"),
        *("SELECT categories", "GET stock:8080/stock/{sku}", "render price"),
    ),
    "shipping": (
        *("POST /quote", "POST /shipments", "GET /shipments/{id}", "process order-placed"),
        *("INSERT shipments", "POST api.carrier.example/labels"),
    ),
    "currency": ("GET /rates", "POST /convert", "GET rates", "refresh rates"),
    "recommendation": (
        *("GET /recommendations/{user}", "SELECT purchases", "score candidates"),
        *("GET features", "MGET embeddings", "GET catalog:8080/products"),
    ),
}
SERVICES: Final = tuple(OPERATIONS)
KEYS_PER_ITEM: Final = 10
# Keys besides the common ones, of which items of the second and later shapes have their share.
_RARE_KEYS: Final = tuple(
    f"app.{area}.{n}" for area in ("order", "cart", "user") for n in range(64)
)


def pair(key: str, value: str | int | float | bool) -> KeyValue:
    """An attribute."""
    if isinstance(value, bool):
        return KeyValue(key=key, value=AnyValue(bool_value=value))
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    if isinstance(value, float):
        return KeyValue(key=key, value=AnyValue(double_value=value))
    return KeyValue(key=key, value=AnyValue(string_value=value))


def resource(service: str, instance: int) -> Resource:
    """A resource of six attributes."""
    return Resource(
        attributes=[
            pair("service.name", service),
            pair("service.version", "1.14.2"),
            pair("service.instance.id", f"{service}-7d9c6b5f4-{instance:05d}"),
            pair("deployment.environment.name", "production"),
            pair("host.name", f"node-{instance % 4}"),
            pair("telemetry.sdk.language", "python"),
        ]
    )


def attributes(dice: random.Random, operation: str, shape: int) -> list[KeyValue]:
    """Ten attributes of one item. Items of the same shape have the same keys."""
    method = operation.partition(" ")[0]
    found = [
        pair("http.request.method", method if method.isupper() else "GET"),
        pair("http.route", operation.partition(" ")[2]),
        pair("http.response.status_code", dice.choices((200, 201, 404, 500), (90, 6, 3, 1))[0]),
        pair("url.path", f"/{dice.randrange(100_000)}"),
        pair("server.address", f"10.0.{dice.randrange(4)}.{dice.randrange(1, 8)}"),
        pair("server.port", 8080),
        pair("client.address", f"10.1.{dice.randrange(256)}.{dice.randrange(1, 255)}"),
        pair("user.id", f"u-{dice.randrange(1_000_000):07d}"),
        pair("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Firefox/144.0"),
        pair("app.cached", dice.random() < 0.3),
    ]
    if shape:
        found = found[:4] + [
            pair(key, _rare_value(dice, key)) for key in _rare_keys(shape, KEYS_PER_ITEM - 4)
        ]
    return found


def _rare_keys(shape: int, count: int) -> list[str]:
    return random.Random(shape).sample(_RARE_KEYS, count)


def _rare_value(dice: random.Random, key: str) -> str | int | float:
    kind = len(key) % 3
    if kind == 0:
        return dice.randrange(10_000)
    return dice.random() if kind == 1 else f"value-{dice.randrange(5_000)}"
