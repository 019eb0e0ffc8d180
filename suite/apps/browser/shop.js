// A page that fails in the ways pages fail. What each button must become is in `tests/browser.rs`; the DSN and the
// marker of the planted secrets come from the test's own server, in config.js.
'use strict';
const plant = (place) => `${config.plant}-${place}`;

Sentry.init({
  dsn: config.dsn,
  release: 'shop-web@7.0.1',
  environment: 'staging',
  sendDefaultPii: true,
});
Sentry.setUser({ id: 'u-5', username: 'mia', email: 'mia@example.com' });
Sentry.setTag('theme', 'dark');

class PriceError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = 'PriceError';
  }
}

function openBasket() {
  const basket = undefined;
  return basket.lines;
}

async function reserve(sku) {
  await Promise.resolve();
  throw new Error(`stock of ${sku} could not be reserved`);
}

function readRate(text) {
  return JSON.parse(text);
}

function priceOf(order) {
  try {
    return readRate('{broken');
  } catch (error) {
    throw new PriceError(`order ${order} cannot be priced`, { cause: error });
  }
}

function findCustomer(id) {
  throw new RangeError(`customer ${id} has no account`);
}

function signIn() {
  Sentry.addBreadcrumb({
    category: 'http',
    message: `GET https://api.example.com/pay?access_token=${plant('crumb-query')}`,
    data: { authorization: `Bearer ${plant('crumb-bearer')}` },
  });
  console.log(`connect https://shop:${plant('console-url')}@api.example.com/`);
  Sentry.setExtra('api_key', plant('extra-key'));
  Sentry.setContext('payment', { token: plant('context-token'), card: '4012888888881881' });
  throw new Error(`password=${plant('value-password')} was refused`);
}

const on = (id, act) => document.getElementById(id).addEventListener('click', act);
let customers = 0;
on('uncaught', () => openBasket());
on('rejection', () => {
  reserve('tea-1');
});
on('chained', () => {
  console.warn('paying order 42');
  try {
    priceOf(42);
  } catch (error) {
    Sentry.captureException(error, { tags: { wallet: 'apple_pay' } });
  }
});
on('message', () => Sentry.captureMessage('the stock of tea is low', 'warning'));
on('customer', () => findCustomer(100 + ++customers));
on('secrets', () => signIn());
