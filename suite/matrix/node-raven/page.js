// The stories of the matrix through raven-js, the client before the current SDK: `/?STORY`.
'use strict';

const FLOOD_EVENTS = 500;

// Most it says is `console.debug`; what it could not send, it says by an event of the document.
let waiting = 0;
document.addEventListener('ravenSuccess', () => waiting--);
document.addEventListener('ravenFailure', () => {
  waiting--;
  console.error('not sent');
});
Raven.config(config.dsn, {
  release: 'matrix@1.0.0',
  environment: 'matrix',
  debug: true,
  allowDuplicates: true,
  maxBreadcrumbs: 10,
  autoBreadcrumbs: { xhr: false, console: false },
}).install();

const stories = {
  handled() {
    Raven.setUserContext({ id: 'u-7', email: 'mia@example.com' });
    Raven.setTagsContext({ wallet: 'apple_pay' });
    Raven.captureBreadcrumb({ category: 'basket', message: 'basket opened', level: 'info' });
    waiting++;
    Raven.captureException(new Error('order 42 cannot be priced'));
  },

  unhandled() {
    waiting++;
    setTimeout(() => {
      throw new Error('the basket fell over');
    });
  },

  async oversize() {
    const extra = {};
    for (let number = 0; number < 3000; number++) extra[`item-${number}`] = 'tea '.repeat(256);
    waiting++;
    Raven.captureMessage('the list is too long', { extra });
    await idle();
    waiting++;
    Raven.captureMessage('after the long list');
  },

  async flood() {
    for (let number = 0; number < FLOOD_EVENTS; number++) {
      waiting++;
      Raven.captureMessage(`the stock of ${['tea', 'cups'][number % 2]} is low`);
      if (number % 25 === 24) await idle();
    }
  },
};

const idle = () => new Promise((resolve) => {
  const timer = setInterval(() => {
    if (waiting > 0) return;
    clearInterval(timer);
    resolve();
  }, 10);
});

Promise.resolve(stories[location.search.slice(1)]())
  .then(idle)
  .then(() => (matrix.end = 'done'));
