"""What the shop does: a frontend, a catalog and a checkout that call each other."""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any, Final

import httpx
from litestar import Litestar, Request, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from opentelemetry import metrics, trace

from tenth.demo.telemetry import name_by_route, record_failure

log = logging.getLogger("shop")
tracer = trace.get_tracer("shop")
meter = metrics.get_meter("shop")

PRODUCTS: Final = 24
SLOW_SHARE: Final = 0.03
DECLINED_SHARE: Final = 0.12
MISS_SHARE: Final = 0.15
CALL_TIMEOUT_S: Final = 5.0

orders = meter.create_counter("shop.orders", unit="{order}", description="Orders taken")
order_value = meter.create_histogram(
    "shop.order.value", unit="EUR", description="What an order is worth"
)
stock = meter.create_gauge("shop.stock", unit="{item}", description="Items left in the warehouse")


class PaymentDeclinedError(Exception):
    """The bank says no."""


async def _work(median_ms: float) -> None:
    """Takes about so long, now and then a good deal longer."""
    await asyncio.sleep(random.lognormvariate(0, 0.35) * median_ms / 1_000)


async def _call(state: State, method: str, url: str) -> Any:
    client: httpx.AsyncClient = state.client
    response = await client.request(method, url)
    if response.is_error:
        raise HTTPException(status_code=502, detail=f"{url} answered {response.status_code}")
    return response.json()


@get("/")
async def home(state: State) -> dict[str, Any]:
    """The shop window."""
    products = await _call(state, "GET", f"{state.catalog}/products")
    with tracer.start_as_current_span("render home"):
        await _work(3)
    return {"products": products}


@get("/product/{product_id:int}")
async def product_page(state: State, product_id: int) -> dict[str, Any]:
    """One product and what goes with it."""
    product, similar = await asyncio.gather(
        _call(state, "GET", f"{state.catalog}/products/{product_id}"),
        _call(state, "GET", f"{state.catalog}/products/{product_id}/similar"),
    )
    return {"product": product, "similar": similar}


@post("/buy/{product_id:int}")
async def buy(state: State, product_id: int) -> dict[str, Any]:
    """Orders one product."""
    order: dict[str, Any] = await _call(state, "POST", f"{state.checkout}/orders/{product_id}")
    return order


@get("/products")
async def products() -> list[int]:
    """All product numbers."""
    with tracer.start_as_current_span("SELECT products") as span:
        span.set_attributes({"db.system.name": "postgresql", "db.query.summary": "SELECT products"})
        await _work(6)
    return list(range(PRODUCTS))


@get("/products/{product_id:int}")
async def product(product_id: int) -> dict[str, Any]:
    """One product, from the cache or, at times, from the database."""
    await _work(2)
    if random.random() < MISS_SHARE:
        with tracer.start_as_current_span("SELECT product") as span:
            span.set_attributes({"db.system.name": "postgresql", "shop.product": product_id})
            log.info("cache miss for product %d", product_id)
            await _work(25)
    stock.set(1_000 + 100 * product_id - random.randrange(100), {"shop.shelf": product_id % 4})
    return {"id": product_id, "price": 5.0 + product_id}


@get("/products/{product_id:int}/similar")
async def similar(product_id: int) -> list[int]:
    """Products that go with this one."""
    with tracer.start_as_current_span("rank similar"):
        await _work(12)
    return [(product_id + step) % PRODUCTS for step in (1, 2, 3)]


@post("/orders/{product_id:int}")
async def order(state: State, product_id: int) -> dict[str, Any]:
    """Takes an order: looks up the price, checks for fraud, takes the money."""
    found = await _call(state, "GET", f"{state.catalog}/products/{product_id}")
    with tracer.start_as_current_span("check fraud"):
        await _check_fraud()
    with tracer.start_as_current_span("charge card") as span:
        span.set_attribute("shop.price", found["price"])
        await _work(18)
        if random.random() < DECLINED_SHARE:
            raise PaymentDeclinedError(f"card declined for product {product_id}")
    orders.add(1, {"shop.payment": random.choice(("card", "invoice"))})
    order_value.record(found["price"], {"shop.payment": "card"})
    return {"product": product_id, "paid": found["price"]}


async def _check_fraud() -> None:
    if random.random() < SLOW_SHARE:
        delay_s = random.uniform(0.3, 0.8)
        log.warning("fraud check is slow: %.0f ms", delay_s * 1_000)
        await asyncio.sleep(delay_s)
    else:
        await _work(8)


HANDLERS: Final[dict[str, list[Any]]] = {
    "frontend": [home, product_page, buy],
    "catalog": [products, product, similar],
    "checkout": [order],
}


async def _before_request(request: Request[Any, Any, Any]) -> None:
    name_by_route(request.scope)


def service(name: str, urls: dict[str, str], opened: Callable[[], None]) -> Litestar:
    """The app of one service, which finds the others at `urls` and calls `opened` at its start."""
    return Litestar(
        [Router("/", route_handlers=HANDLERS[name])],
        before_request=_before_request,
        after_exception=[record_failure],
        state=State({"client": httpx.AsyncClient(timeout=CALL_TIMEOUT_S, trust_env=False), **urls}),
        on_startup=[opened],
        on_shutdown=[_close_client],
        openapi_config=None,
        logging_config=None,
    )


async def _close_client(app: Litestar) -> None:
    await app.state.client.aclose()
