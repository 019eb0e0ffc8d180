// The stories of the matrix as every Node program tells them; `suite/src/matrix/mod.rs` says what they are.
'use strict';

const FLOOD_EVENTS = 500;
// The SDK sends 64 requests at a time and drops what comes beyond; a program that reports more at once waits for it.
const FLOOD_AT_ONCE = 50;

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

/** The stories, by name, told through this SDK. */
module.exports = (Sentry) => ({
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
    throw new Error('the basket fell over');
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

  session() {
    Sentry.startSession();
    Sentry.endSession();
  },

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

  checkin() {
    const schedule = { type: 'crontab', value: '0 3 * * *' };
    Sentry.withMonitor('nightly-close', () => {}, { schedule });
  },
});
