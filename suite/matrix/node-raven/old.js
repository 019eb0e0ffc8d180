// The stories of the matrix through raven for Node, the client before the current SDK.
'use strict';
const Raven = require('raven');

const FLOOD_EVENTS = 500;

Raven.config(process.env.SENTRY_DSN, { release: 'matrix@1.0.0', environment: 'matrix', sendTimeout: 20 }).install();
// Its own log says nothing but trouble.
Raven.on('logged', () => console.log('raven has sent one'));

/** Reports one thing and waits until it was sent. */
const sent = (capture) =>
  new Promise((resolve) => capture((error) => resolve(error && console.log(`not sent: ${error.message}`))));
const message = (text, options = {}) => sent((done) => Raven.captureMessage(text, options, done));

const stories = {
  handled() {
    Raven.setContext({ user: { id: 'u-7', email: 'mia@example.com' }, tags: { wallet: 'apple_pay' } });
    Raven.captureBreadcrumb({ category: 'basket', message: 'basket opened', level: 'info' });
    return sent((done) => Raven.captureException(new Error('order 42 cannot be priced'), {}, done));
  },

  unhandled() {
    setImmediate(() => {
      throw new Error('the basket fell over');
    });
    return new Promise(() => {});
  },

  async oversize() {
    const extra = {};
    for (let number = 0; number < 3000; number++) extra[`item-${number}`] = 'tea '.repeat(256);
    await message('the list is too long', { extra });
    await message('after the long list');
  },

  async flood() {
    for (let number = 0; number < FLOOD_EVENTS; number++) {
      await message(`the stock of ${['tea', 'cups'][number % 2]} is low`);
    }
  },
};

const story = process.argv[2];
stories[story]().then(() => console.log(`done ${story}`));
