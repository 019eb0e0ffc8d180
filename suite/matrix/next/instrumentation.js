// Sets the SDK up as its documentation says: once, when the server starts.
import * as Sentry from '@sentry/nextjs';

export function register() {
  Sentry.init({ dsn: process.env.SENTRY_DSN, release: 'matrix@1.0.0', environment: 'matrix', debug: true });
}

export const onRequestError = Sentry.captureRequestError;
