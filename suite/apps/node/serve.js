// The shop in Express, on a free port which it prints. One route per kind of trouble; what each must become is in
// `tests/node.rs`. It ends, with everything sent, when standard input closes.
'use strict';
const { plant } = require('./telemetry');
const Sentry = require('@sentry/node');
const express = require('express');
const pricing = require('./pricing');

const app = express();
app.use(express.json());
app.use(express.urlencoded({ extended: false }));

app.use((request, response, next) => {
  const user = request.get('X-Customer');
  if (user) Sentry.setUser({ id: user, username: `name-${user}`, email: `${user}@example.com` });
  Sentry.setTag('channel', request.query.channel || 'web');
  next();
});

app.get('/orders/:id', (request, response) => {
  Sentry.addBreadcrumb({ category: 'basket', message: 'basket opened', level: 'info', data: { lines: 2 } });
  console.info('pricing order', request.params.id);
  response.send(String(pricing.priceOf(request.params.id, 'gbp')));
});

app.get('/versions/:text', (request, response) => {
  response.send(pricing.readVersion(request.params.text));
});

app.get('/checkout', (request, response) => {
  const attempts = 3;
  Sentry.withScope((scope) => {
    scope.setTag('wallet', 'apple_pay');
    scope.setExtra('attempts', attempts);
    scope.setContext('order', { id: 88213, total: '64.90 EUR' });
    try {
      pricing.rateFor({}, 'eur');
    } catch (error) {
      Sentry.captureException(error);
    }
  });
  response.send('paid in another way');
});

app.get('/notice', (request, response) => {
  Sentry.captureMessage('the stock of tea is low', 'warning');
  response.send('noted');
});

app.get('/customers/:id', (request, response) => {
  response.send(pricing.findCustomer(request.params.id));
});

app.get('/reserve/:sku', (request, response) => {
  pricing.reserve(request.params.sku);
  response.send('soon');
});

// Everything secret that an app may hold when it fails. Which of it leaves the process is the SDK's choice.
app.post('/login', (request, response) => {
  const password = plant('local-password');
  const settings = { apiKey: plant('local-nested-key'), db: { passwd: plant('local-deep-passwd') } };
  const note = `sent with Bearer ${plant('local-bearer')}`;
  const dsn = `postgres://shop:${plant('local-url-password')}@db.internal:5432/shop`;
  Sentry.addBreadcrumb({
    category: 'http',
    message: `GET https://api.example.com/pay?access_token=${plant('crumb-query')}`,
    data: { authorization: `Bearer ${plant('crumb-bearer')}`, url: `https://u:${plant('crumb-url')}@api.example.com/` },
  });
  Sentry.setExtra('config', { deep: [{ client_secret: plant('extra-deep-secret') }], card: '4012888888881881' });
  Sentry.setContext('payment', { token: plant('context-token'), card_number: 4012888888881881 });
  Sentry.setTag('auth_token', plant('tag-token'));
  Sentry.captureMessage(`calling with Authorization: Bearer ${plant('message-bearer')}`);
  throw new Error(`https://shop:${plant('value-url-password')}@auth.example.com/ said no to 4012 8888 8888 1881`, {
    cause: new Error(`password=${plant('cause-password')} was refused`),
  });
});

Sentry.setupExpressErrorHandler(app);
app.use((error, request, response, next) => response.status(500).send('sorry'));

const server = app.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
process.stdin.resume().on('end', async () => {
  await Sentry.close(20000);
  process.exit(0);
});
