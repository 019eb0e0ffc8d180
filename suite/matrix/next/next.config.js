'use strict';
const { withSentryConfig } = require('@sentry/nextjs/config');

// Nothing is uploaded and nothing is told to anyone.
module.exports = withSentryConfig({}, { telemetry: false, sourcemaps: { disable: true }, silent: true });
