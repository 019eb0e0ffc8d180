// The stories of the matrix in a page: `/?STORY`. `config.way` says how what it reports is sent.
'use strict';

const FLOOD_EVENTS = 500;
// The SDK has 40 requests under way at most and drops what comes beyond; a page that reports more at once waits for it.
const FLOOD_AT_ONCE = 25;

/** A transport by XMLHttpRequest, as pages bring their own where fetch is not to be used. */
const byXhr = (options) =>
  Sentry.createTransport(options, (request) => new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.onerror = reject;
    xhr.onload = () => resolve({
      statusCode: xhr.status,
      headers: {
        'x-sentry-rate-limits': xhr.getResponseHeader('X-Sentry-Rate-Limits'),
        'retry-after': xhr.getResponseHeader('Retry-After'),
      },
    });
    xhr.open('POST', options.url);
    xhr.send(request.body);
  }));

/** A transport by beacon: no answer, and it goes on when the page is gone. The browser takes 64 KiB at a time. */
const byBeacon = (options) =>
  Sentry.createTransport(options, async (request) => {
    if (!navigator.sendBeacon(options.url, request.body)) {
      await fetch(options.url, { method: 'POST', body: request.body });
    }
    return { statusCode: 200 };
  });

Sentry.init({
  dsn: config.dsn,
  release: 'matrix@1.0.0',
  environment: 'matrix',
  debug: true,
  // Requests that may outlive the page are for pages that are left: of those, Chromium lets 64 KiB be under way and fails
  // what comes beyond.
  ...(config.way !== 'leaving' && { transportOptions: { fetchOptions: { keepalive: false } } }),
  ...(config.way === 'xhr' && { transport: byXhr }),
  ...(config.way === 'beacon' && { transport: byBeacon }),
  ...(config.way === 'tunnel' && { tunnel: '/tunnel' }),
});

class PriceError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = 'PriceError';
  }
}

function rateFor(currency) {
  throw new RangeError(`no rate for ${currency}`);
}

function priceOf(order) {
  try {
    return rateFor('GBP');
  } catch (error) {
    throw new PriceError(`order ${order} cannot be priced`, { cause: error });
  }
}

const stories = {
  handled() {
    Sentry.setUser({ id: 'u-7', email: 'mia@example.com' });
    Sentry.setTag('wallet', 'apple_pay');
    Sentry.addBreadcrumb({ category: 'basket', message: 'basket opened', level: 'info' });
    try {
      priceOf(42);
    } catch (error) {
      Sentry.captureException(error);
    }
  },

  unhandled() {
    setTimeout(() => {
      throw new Error('the basket fell over');
    });
    return new Promise((resolve) => setTimeout(resolve, 50));
  },

  group() {
    const errors = [new RangeError('tea is late'), new TypeError('the cup is broken')];
    Sentry.captureException(new AggregateError(errors, 'two deliveries failed'));
  },

  attachment() {
    Sentry.withScope((scope) => {
      scope.addAttachment({ filename: 'receipt.txt', data: 'two cups of tea', contentType: 'text/plain' });
      Sentry.captureMessage('the till printed nonsense', 'warning');
    });
  },

  feedback() {
    Sentry.captureFeedback({ name: 'Mia', email: 'mia@example.com', message: 'the basket is empty again' });
  },

  // The SDK has begun one by itself.
  session() {},

  async oversize() {
    Sentry.withScope((scope) => {
      for (let number = 0; number < 3000; number++) scope.setExtra(`item-${number}`, 'tea '.repeat(256));
      Sentry.captureMessage('the list is too long');
    });
    await Sentry.flush(20000);
    Sentry.captureMessage('after the long list');
  },

  async flood() {
    for (let number = 0; number < FLOOD_EVENTS; number++) {
      Sentry.captureMessage(`the stock of ${['tea', 'cups'][number % 2]} is low`);
      if (number % FLOOD_AT_ONCE === FLOOD_AT_ONCE - 1) await Sentry.flush(20000);
    }
  },
};

const story = location.search.slice(1);
if (config.way === 'leaving') {
  // What is reported while the page goes away has to outlive it.
  addEventListener('pagehide', () => stories[story]());
  matrix.end = 'done';
} else {
  Promise.resolve(stories[story]())
    .then(() => Sentry.flush(20000))
    .then(() => (matrix.end = 'done'));
}
