// Sets the SDK up as its documentation says; required before anything else. With SHOP_SCRUB=off everything personal
// is sent, so what is missing on the server's disk is missing because the server removed it.
'use strict';
const Sentry = require('@sentry/node');

Sentry.init({
  dsn: process.env.SENTRY_DSN,
  release: 'shop-node@2.1.0',
  environment: 'staging',
  serverName: 'till-4',
  includeLocalVariables: true,
  sendDefaultPii: process.env.SHOP_SCRUB === 'off',
});

// A secret that a test plants; it must be nowhere on the server's disk.
exports.plant = (place) => `${process.env.PLANT || 'plant'}-${place}`;
