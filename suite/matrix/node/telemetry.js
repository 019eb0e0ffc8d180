// Sets the SDK up as its documentation says; required before anything else.
'use strict';
const Sentry = require('@sentry/node');

Sentry.init({
  dsn: process.env.SENTRY_DSN,
  release: 'matrix@1.0.0',
  environment: 'matrix',
  debug: true,
});
module.exports = Sentry;
